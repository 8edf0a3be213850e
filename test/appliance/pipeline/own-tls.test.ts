import assert from "node:assert/strict";
import { copyFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { systemClock } from "../../../appliance/base/clock.ts";
import { createLog } from "../../../appliance/base/log.ts";
import { OwnTls } from "../../../appliance/pipeline/own-tls.ts";
import { makeAuthority } from "../../make/certificates.ts";
import { eventually } from "../../peers/eventually.ts";
import { temporaryFolder } from "../../peers/folder.ts";

test("renewed files are read by themselves, half a renewal is not taken, and what can't be used is refused at the start", async () => {
  await using folder = await temporaryFolder("own-tls");
  const authority = await makeAuthority(folder.path);
  const [first, second] = [await authority.certify("first", undefined, 30), await authority.certify("second")];
  const paths = {
    key: join(folder.path, "key.pem"),
    certificate: join(folder.path, "certificate.pem"),
    authorities: authority.certificate,
  };
  const put = async (from: string, to: string) => {
    await copyFile(from, `${to}.new`);
    await rename(`${to}.new`, to);
  };
  await put(first.key, paths.key);
  const lines: string[] = [];
  const log = createLog((line) => lines.push(line), systemClock.now);
  await assert.rejects(OwnTls.open(paths, log, systemClock.now), {
    name: "RefusedError",
    code: "tls-unusable",
    message: /certificate\.pem/,
  });
  await put(first.certificate, paths.certificate);
  const own = await OwnTls.open(paths, log, systemClock.now, 20);
  try {
    const before = own.identity;
    let changes = 0;
    own.onChange(() => changes++);
    await new Promise((resolve) => setTimeout(resolve, 60)); // it has looked once
    await put(second.certificate, paths.certificate);
    await eventually(async () => (lines.some((line) => line.includes("tls-files-unusable")) ? true : undefined), 5_000);
    assert.equal(own.identity, before);
    await put(second.key, paths.key);
    await eventually(async () => (changes > 0 ? true : undefined), 5_000);
    assert.notEqual(own.identity.certificate, before.certificate);
  } finally {
    own.stop();
  }
  assert.ok(
    lines.some((line) => line.includes("tls-certificate-expires")),
    "30 days or less are told",
  );
});
