import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseFrameForm, chooseObjectForm, parseAccept, parseMediaType } from "../../../appliance/dicomweb/media-types.ts";
import { readMultipart } from "../../../appliance/dicomweb/multipart-reader.ts";
import { multipartBody } from "../../../appliance/dicomweb/multipart-writer.ts";
import { isLike } from "../../../appliance/dicomweb/query.ts";

/** The same numbers at each run. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

async function* cut(bytes: Buffer, below: (n: number) => number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; ) {
    const size = 1 + below(9);
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

async function parts(source: AsyncIterable<Uint8Array>, boundary: string): Promise<Buffer[]> {
  const read: Buffer[] = [];
  for await (const { body } of readMultipart(source, boundary, { parts: 100 })) {
    const pieces: Uint8Array[] = [];
    for await (const piece of body) pieces.push(piece);
    read.push(Buffer.concat(pieces));
  }
  return read;
}

test("what is written is read, however the network cuts it and whatever looks like a boundary", async () => {
  for (let seed = 1; seed <= 300; seed++) {
    const below = random(seed);
    const letters = Buffer.from("\r\n--ab");
    const bodies = Array.from({ length: below(4) }, () =>
      Buffer.from(Array.from({ length: below(60) }, () => letters[below(letters.length)]!)),
    );
    const boundary = "abab-z"; // never in the bodies, its beginning often
    const pieces: Uint8Array[] = [];
    for await (const piece of multipartBody(
      boundary,
      bodies.map((body) => ({ headers: { "Content-Type": "x/y" }, body: [body] })),
    ))
      pieces.push(piece);
    assert.deepEqual(await parts(cut(Buffer.concat(pieces), below), boundary), bodies, `seed ${seed}`);
  }
});

test("a message that is cut off anywhere is refused, never taken for whole", async () => {
  const pieces: Uint8Array[] = [];
  for await (const piece of multipartBody("end", [{ headers: {}, body: [Buffer.from("content")] }])) pieces.push(piece);
  const whole = Buffer.concat(pieces);
  for (let size = 0; size < whole.length - 2; size++)
    await assert.rejects(
      parts(
        cut(whole.subarray(0, size), () => 4),
        "end",
      ),
      { code: "multipart-malformed" },
      String(size),
    );
});

test("no part header takes in a line end", async () => {
  const body = multipartBody("end", [{ headers: { "Content-Location": "x\r\nX-Evil: 1" }, body: [] }]);
  await assert.rejects(body.next(), /line end/);
});

test("media types are read with and without quotes, best first", () => {
  const type = parseMediaType('multipart/related; type="application/dicom"; boundary="a;b,c"');
  assert.deepEqual(
    [type.type, type.parameters.get("type"), type.parameters.get("boundary")],
    ["multipart/related", "application/dicom", "a;b,c"],
  );
  assert.deepEqual(
    parseAccept("a/b;q=0.1, multipart/related; type=application/dicom; transfer-syntax=*, c/d;q=0").map((each) => each.type),
    ["multipart/related", "a/b"],
  );
  for (const text of ["", "a", "a/b; c", 'a/b; c="', "a/b, c/d"])
    assert.throws(() => parseMediaType(text), { code: "media-type-malformed" }, text);
});

test("objects and frames go out as they are asked for", () => {
  const jpegLs = "1.2.840.10008.1.2.4.80";
  const explicit = "1.2.840.10008.1.2.1";
  assert.equal(chooseObjectForm("", [jpegLs]).asStored(jpegLs), false);
  assert.equal(chooseObjectForm("multipart/related; type=application/dicom; transfer-syntax=*", [jpegLs, explicit]).asStored(jpegLs), true);
  assert.equal(chooseObjectForm("application/dicom", [explicit]).multipart, false);
  assert.throws(() => chooseObjectForm("application/dicom", [explicit, explicit]), { code: "not-acceptable" });
  const frames = (accept: string, count = 1) => chooseFrameForm(accept, jpegLs, count);
  const asStored = { multipart: true, asStored: true, type: "image/jls" };
  const octets = { multipart: true, asStored: false, type: "application/octet-stream" };
  assert.deepEqual(frames("*/*"), octets);
  assert.deepEqual(frames("multipart/related; type=application/octet-stream; transfer-syntax=*", 9), asStored);
  assert.deepEqual(frames('multipart/related; type="image/jls"'), asStored);
  assert.deepEqual(frames(`multipart/related; type="image/x-jls"; transfer-syntax=${jpegLs}`), asStored);
  assert.deepEqual(frames('multipart/related; type="image/*"; transfer-syntax=*'), asStored);
  assert.deepEqual(frames("application/octet-stream"), { ...octets, multipart: false });
  assert.deepEqual(frames("image/jls"), { ...asStored, multipart: false });
  assert.deepEqual(frames("image/jls, multipart/related", 2), octets);
  assert.throws(() => frames("image/jls", 2), { code: "not-acceptable" });
});

test("wildcards match as the standard says, and no pattern takes long", () => {
  for (const [pattern, text, expected] of [
    ["*", "", true],
    ["a*c", "abbc", true],
    ["a?c", "abc", true],
    ["a?c", "ac", false],
    ["*b*", "abc", true],
    ["abc", "abcd", false],
  ] as const)
    assert.equal(isLike(pattern, text), expected, `${pattern} ${text}`);
  assert.equal(isLike("*a".repeat(40), "a".repeat(5_000)), true);
  assert.equal(isLike(`${"*a".repeat(40)}b`, "a".repeat(5_000)), false);
});
