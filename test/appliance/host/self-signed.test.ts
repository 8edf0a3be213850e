import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { makePrivateKey } from "../../../appliance/host/certificate-request.ts";
import { selfSignedCertificate } from "../../../appliance/host/self-signed.ts";
import { openssl } from "../../make/certificates.ts";
import { temporaryFolder } from "../../peers/folder.ts";

test("OpenSSL takes the certificate as a TLS server's, for all its names, and believes it as its own authority", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "certificate.pem");
  const certificate = selfSignedCertificate(makePrivateKey(), ["segbox-1", "segbox-1.local", "10.1.2.3", "fd00::1"], Date.now());
  await writeFile(path, certificate);
  const purposes = ["-purpose", "sslserver", "-x509_strict", "-verify_hostname", "segbox-1.local"];
  assert.match(await openssl("verify", ...purposes, "-CAfile", path, "-partial_chain", path), /: OK$/m);
  const text = await openssl("x509", "-in", path, "-noout", "-text", "-purpose");
  assert.match(text, /SSL server CA : No/);
  assert.match(text, /SSL server : Yes/);
  assert.match(text, /SSL client : No/);
  assert.match(text, /IP Address:10\.1\.2\.3, IP Address:FD00:0:0:0:0:0:0:1/);
  const { validFrom, validTo } = new X509Certificate(certificate);
  const days = (Date.parse(validTo) - Date.parse(validFrom)) / 86_400_000;
  assert.ok(days > 824 && days <= 825, `${days} days`);
});

test("one that ends after 2049 is dated with four digits of the year", async () => {
  const certificate = selfSignedCertificate(makePrivateKey(), ["segbox-1"], Date.UTC(2049, 0, 1));
  const { validFrom, validTo } = new X509Certificate(certificate);
  assert.deepEqual([new Date(validFrom).getUTCFullYear(), new Date(validTo).getUTCFullYear()], [2048, 2051]);
});
