import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { makePrivateKey, requestCertificate } from "../../../appliance/host/certificate-request.ts";
import { openssl } from "../../make/certificates.ts";
import { temporaryFolder } from "../../peers/folder.ts";

test("OpenSSL finds the request signed by its key, for all names that were asked for", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "request.pem");
  const names = ["segbox.hospital.example", "10.1.2.3", "fd00::1:2"];
  await writeFile(path, requestCertificate(makePrivateKey(), { names, organization: "Universitätsklinikum" }));
  const text = await openssl("req", "-in", path, "-noout", "-verify", "-text", "-nameopt", "utf8");
  assert.match(text, /Subject: .*Universitätsklinikum.*segbox\.hospital\.example/);
  assert.match(text, /DNS:segbox\.hospital\.example, IP Address:10\.1\.2\.3, IP Address:FD00:0:0:0:0:0:1:2/);
  assert.match(text, /prime256v1/);
});

test("a long list of names is no trouble, and what is no name is refused", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "request.pem");
  const names = Array.from({ length: 60 }, (_, index) => `box-${index}.a-hospital-with-a-long-name.example`);
  await writeFile(path, requestCertificate(makePrivateKey(), { names, organization: "" }));
  assert.match(await openssl("req", "-in", path, "-noout", "-text", "-verify"), /DNS:box-59\./);
  for (const name of ["", "a b", "*", "ä"])
    assert.throws(() => requestCertificate(makePrivateKey(), { names: ["ok", name], organization: "" }), { code: "name-invalid" });
  assert.throws(() => requestCertificate(makePrivateKey(), { names: [], organization: "" }), { code: "names-missing" });
});
