import assert from "node:assert/strict";
import { test } from "node:test";
import { FreeSpace } from "../../../appliance/store/free-space.ts";

test("below the limit it refuses and says so once, above it takes again by itself", async () => {
  let freeBytes = 500;
  const told: string[] = [];
  const space = new FreeSpace(
    "/",
    100,
    (isLow) => void told.push(isLow ? "low" : "enough"),
    async () => ({ freeBytes, totalBytes: 1000 }),
  );
  await space.require();
  freeBytes = 99;
  await space.read();
  assert.throws(() => space.require(), { name: "UnavailableError", code: "disk-full" });
  await space.read();
  assert.throws(() => space.require(), { code: "disk-full" });
  freeBytes = 100;
  await space.read();
  await space.require();
  assert.deepEqual(told, ["low", "enough"]);
});

test("the file system is not asked for every image", async () => {
  let looks = 0;
  const look = async () => {
    looks++;
    return { freeBytes: 1, totalBytes: 1 };
  };
  const space = new FreeSpace("/", 0, () => {}, look);
  await Promise.all([space.require(), space.require()]);
  for (let image = 0; image < 100; image++) assert.equal(space.require(), undefined);
  assert.equal(looks, 1);
  await new Promise((resolve) => setTimeout(resolve, 300));
  await space.require();
  assert.equal(looks, 2);
});

test("a real folder has free space", async () => {
  const { freeBytes, totalBytes } = await new FreeSpace("/", 0, () => {}).read();
  assert.ok(freeBytes > 0 && freeBytes <= totalBytes);
});
