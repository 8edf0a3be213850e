import assert from "node:assert/strict";
import { test } from "node:test";
import { structureTable } from "../../../appliance/cli/structure-table.ts";

const labels = [
  { value: 1, title: "Lungs" },
  { value: 2, title: "Bone" },
];

test("structures stand in columns, numbers to the right", () => {
  const rows = [
    { value: 1, volumeMl: 4321.04, meanHu: -812.4, touchesBorder: false },
    { value: 2, volumeMl: 0.06, meanHu: 300.5, touchesBorder: false },
  ];
  assert.equal(
    structureTable({ labels }, rows),
    ["structure  volume ml  mean HU", "Lungs         4321.0     -812", "Bone             0.1      301", ""].join("\n"),
  );
});

test("what the field of view cuts off is marked, and the mark is explained", () => {
  const table = structureTable({ labels }, [{ value: 1, volumeMl: 10, meanHu: -800, touchesBorder: true }]);
  assert.match(table, /^Lungs \* /m);
  assert.match(table, /^\* cut off by the field of view/m);
});

test("a structure without a name goes by its number", () => {
  assert.match(structureTable({ labels }, [{ value: 9, volumeMl: 1, meanHu: 0, touchesBorder: false }]), /^9 /m);
});
