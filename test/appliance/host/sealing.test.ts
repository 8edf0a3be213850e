import assert from "node:assert/strict";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { Sealing } from "../../../appliance/host/sealing.ts";
import { temporaryFolder } from "../../peers/folder.ts";

test("what was sealed is read with the key of the same folder, and only for its purpose", async () => {
  await using folder = await temporaryFolder("sealing");
  const path = join(folder.path, "secret.key");
  const sealed = (await Sealing.open(path)).seal(Buffer.from("secret"), "totp of user 1");
  const again = await Sealing.open(path);
  assert.equal(again.unseal(sealed, "totp of user 1")?.toString(), "secret");
  assert.equal(again.unseal(sealed, "totp of user 2"), undefined);
  assert.ok(!Buffer.from(sealed, "base64").includes("secret"));
  const { size, mode } = await stat(path);
  assert.deepEqual([size, mode & 0o777], [32, 0o600]);
});

test("a changed byte, another key and a piece of it are not read", async () => {
  await using folder = await temporaryFolder("sealing");
  const sealing = await Sealing.open(join(folder.path, "one.key"));
  const other = await Sealing.open(join(folder.path, "other.key"));
  const sealed = sealing.seal(Buffer.from("secret"), "x");
  assert.notEqual(sealing.seal(Buffer.from("secret"), "x"), sealed);
  const bytes = Buffer.from(sealed, "base64");
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes);
    changed[at]! ^= 1;
    assert.equal(sealing.unseal(changed.toString("base64"), "x"), undefined);
  }
  assert.equal(other.unseal(sealed, "x"), undefined);
  assert.equal(sealing.unseal(sealed.slice(0, 20), "x"), undefined);
});

test("a key of another length is refused and stays as it is", async () => {
  await using folder = await temporaryFolder("sealing");
  const path = join(folder.path, "secret.key");
  await writeFile(path, "short");
  await assert.rejects(Sealing.open(path), { code: "key-unreadable" });
  assert.equal(await readFile(path, "utf8"), "short");
});
