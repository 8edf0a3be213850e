import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultStorageSopClasses, defaultTransferSyntaxes, negotiate } from "../../../appliance/dimse/presentation-contexts.ts";

const ct = "1.2.840.10008.5.1.4.1.1.2";
const implicitLittle = "1.2.840.10008.1.2";
const explicitLittle = "1.2.840.10008.1.2.1";
const jpegExtended = "1.2.840.10008.1.2.4.51";
const jpeg2000Lossless = "1.2.840.10008.1.2.4.90";
const jpeg2000 = "1.2.840.10008.1.2.4.91";

const answer = (abstractSyntax: string, transferSyntaxes: string[]) =>
  negotiate(
    [{ id: 5, abstractSyntax, transferSyntaxes }],
    (uid) => defaultStorageSopClasses.includes(uid),
    (uid) => defaultTransferSyntaxes.includes(uid),
  )[0];

test("the first transfer syntax in the sender's order is taken", () => {
  assert.deepEqual(answer(ct, [implicitLittle, explicitLittle]), { id: 5, result: 0, transferSyntax: implicitLittle });
  assert.deepEqual(answer(ct, [jpeg2000Lossless, explicitLittle]), { id: 5, result: 0, transferSyntax: jpeg2000Lossless });
});

test("a syntax that may lose pixels is taken only when no lossless one is proposed with it", () => {
  assert.equal(answer(ct, [jpeg2000, explicitLittle])?.transferSyntax, explicitLittle);
  assert.equal(answer(ct, [jpeg2000])?.transferSyntax, jpeg2000);
});

test("what we can't read is not taken, and the answer says which part it was", () => {
  assert.equal(answer(ct, [jpegExtended])?.result, 4);
  assert.equal(answer(ct, [jpegExtended, implicitLittle])?.transferSyntax, implicitLittle);
  assert.equal(answer(ct, [])?.result, 4);
  assert.equal(answer("1.2.840.10008.5.1.4.1.1.12.1", [explicitLittle])?.result, 3);
});
