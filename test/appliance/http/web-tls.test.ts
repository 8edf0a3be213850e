import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { copyFile, mkdir, readFile, stat } from "node:fs/promises";
import { request } from "node:https";
import { join } from "node:path";
import { test } from "node:test";
import { systemClock } from "../../../appliance/base/clock.ts";
import { createLog } from "../../../appliance/base/log.ts";
import { WebTls } from "../../../appliance/http/web-tls.ts";
import { makeAuthority } from "../../make/certificates.ts";
import { eventually } from "../../peers/eventually.ts";
import { temporaryFolder } from "../../peers/folder.ts";
import { startHttpsBox } from "./https-box.ts";

const log = createLog(() => {}, Date.now);

/** GET over TLS that believes `ca` alone, with a host name of its own; the answer's status, headers and the certificate shown. */
function get(port: number, ca: string, host: string, path = "/healthz") {
  return new Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; certificate: string }>((resolve, reject) => {
    const headers = { host };
    const asking = request({ host: "127.0.0.1", port, path, ca, headers, agent: false, servername: "localhost" }, (answer) => {
      const { raw } = (answer.socket as import("node:tls").TLSSocket).getPeerCertificate();
      answer
        .resume()
        .on("end", () =>
          resolve({ status: answer.statusCode!, headers: answer.headers, certificate: new X509Certificate(raw).toString() }),
        );
    });
    asking.on("error", reject).end();
  });
}

test("a box speaks HTTPS from its first start, under a key of its own that stays, and is found by a redirecting port", async () => {
  await using folder = await temporaryFolder("https");
  const settings = { names: ["Segbox.Hospital.example"], redirectPort: 0 };
  const keyPath = join(folder.path, "https/key.pem");
  let first: string;
  {
    await using box = await startHttpsBox(folder.path, { http: settings });
    first = await readFile(join(folder.path, "https/certificate.pem"), "utf8");
    assert.equal((await stat(keyPath)).mode & 0o777, 0o600);
    const { port } = box;
    const answer = await get(port, first, "segbox.hospital.example");
    assert.deepEqual(
      [answer.status, answer.headers["strict-transport-security"]],
      [200, undefined],
      "a certificate that no browser believes is not for good",
    );
    assert.deepEqual(
      (
        await Promise.all(
          ["attacker.example", "segbox.hospital.example.attacker.example", "localhost", "10.1.2.3"].map((host) => get(port, first, host)),
        )
      ).map(({ status }) => status),
      [421, 421, 200, 200],
    );
    const plain = `http://127.0.0.1:${box.redirectPort}`;
    const redirected = await fetch(`${plain}/series/1`, { redirect: "manual" });
    assert.deepEqual([redirected.status, redirected.headers.get("location")], [308, `https://127.0.0.1:${port}/`]);
  }
  await using box = await startHttpsBox(folder.path, { http: settings });
  assert.equal(await readFile(join(folder.path, "https/certificate.pem"), "utf8"), first);
  assert.equal((await get(box.port, first, "localhost")).status, 200);
});

test("an authority's certificate is used, told to browsers for good, and read again when it is renewed", async () => {
  await using folder = await temporaryFolder("https-files");
  const authority = await makeAuthority(folder.path);
  const [one, two] = [await authority.certify("one"), await authority.certify("two")];
  const used = { key: join(folder.path, "web/key.pem"), certificate: join(folder.path, "web/certificate.pem") };
  await mkdir(join(folder.path, "web"));
  await copyFile(one.key, used.key);
  await copyFile(one.certificate, used.certificate);
  await using box = await startHttpsBox(join(folder.path, "data"), { http: { tls: used } });
  const { port } = box;
  const ca = await readFile(authority.certificate, "utf8");
  const answer = await get(port, ca, "localhost");
  assert.deepEqual([answer.status, answer.headers["strict-transport-security"]], [200, "max-age=31536000"]);
  assert.equal(answer.certificate, new X509Certificate(await readFile(one.certificate)).toString());
  await copyFile(two.key, used.key);
  await copyFile(two.certificate, used.certificate);
  const renewed = new X509Certificate(await readFile(two.certificate)).toString();
  await eventually(async () => ((await get(port, ca, "localhost")).certificate === renewed ? true : undefined), 30_000);
});

test("a certificate of its own is made anew a month before its end, and for a name that it lacks, with the same key", async () => {
  await using folder = await temporaryFolder("own");
  const read = () => Promise.all(["key.pem", "certificate.pem"].map((name) => readFile(join(folder.path, name), "utf8")));
  const openAt = async (days: number, names: string[]) => {
    const clock = { ...systemClock, now: () => Date.now() + days * 86_400_000 };
    const tls = await WebTls.open({ setting: "own", folder: folder.path, names, clock, log });
    tls.stop();
    return { names: tls.names, files: await read() };
  };
  const first = await openAt(0, ["segbox-1"]);
  assert.deepEqual((await openAt(790, ["segbox-1"])).files, first.files);
  const renewed = await openAt(800, ["segbox-1"]);
  assert.equal(renewed.files[0], first.files[0]);
  assert.notEqual(renewed.files[1], first.files[1]);
  const named = await openAt(801, ["segbox-1", "segbox.hospital.example"]);
  assert.deepEqual(named.names, ["segbox-1", "segbox.hospital.example"]);
});

test("files that do not fit together fail the start", async () => {
  await using folder = await temporaryFolder("misfit");
  const authority = await makeAuthority(folder.path);
  const [one, two] = [await authority.certify("one"), await authority.certify("two")];
  const setting = { key: one.key, certificate: two.certificate };
  await assert.rejects(WebTls.open({ setting, folder: folder.path, names: [], clock: systemClock, log }), { code: "tls-unusable" });
});
