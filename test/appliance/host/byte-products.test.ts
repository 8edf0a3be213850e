import assert from "node:assert/strict";
import { test } from "node:test";
import { multipliesBytesIn } from "../../../appliance/host/byte-products.ts";

const x86 = (flags: string) => `processor\t: 0\nmodel name\t: A processor\nflags\t\t: fpu vme ${flags} rdpid\nbugs\t\t: none\n`;

test("VNNI in either width and ARM's dot product count, AVX-512 and AVX2 alone do not", () => {
  assert.equal(multipliesBytesIn(x86("avx2 avx512f avx512_vnni")), true);
  assert.equal(multipliesBytesIn(x86("avx2 avx_vnni")), true);
  assert.equal(multipliesBytesIn("processor\t: 0\nFeatures\t: fp asimd asimddp\n"), true);
  assert.equal(multipliesBytesIn(x86("avx2 avx512f avx512bw")), false);
  assert.equal(multipliesBytesIn("processor\t: 0\nFeatures\t: fp asimd\n"), false);
  assert.equal(multipliesBytesIn(""), false);
});
