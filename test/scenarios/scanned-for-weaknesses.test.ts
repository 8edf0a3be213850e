import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { request } from "node:https";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { paths } from "../../appliance/api/paths.ts";
import { startHttpsBox } from "../appliance/http/https-box.ts";
import { makeAuthority } from "../make/certificates.ts";
import { type TemporaryFolder, temporaryFolder } from "../peers/folder.ts";
import { run } from "../peers/process.ts";
import { cli, password } from "./box.ts";

// The service as a hospital runs it, a certificate of its authority on the page and on the DICOM port, under the scanners that it may be shown to.
let folder: TemporaryFolder;
let box: Awaited<ReturnType<typeof startHttpsBox>>;
let ca: string;
before(async () => {
  folder = await temporaryFolder("scanned");
  const authority = await makeAuthority(folder.path);
  ca = authority.certificate;
  const tls = await authority.certify("box");
  const data = join(folder.path, "data");
  const added = await run(process.execPath, [cli, "user", "add", "tester", "--data", data, "--role", "admin", "--password-stdin"], {
    input: password,
  });
  assert.equal(added.code, 0, added.stderr);
  box = await startHttpsBox(data, { http: { tls }, dicom: { tls: { port: 0, ...tls } } });
});
after(async () => {
  await box[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

type TlsFinding = { readonly id: string; readonly severity: string; readonly finding: string };

/** What testssl.sh finds at a port, without the lines that say something is well. */
async function testssl(port: number, ...options: readonly string[]): Promise<{ read: number; found: Record<string, string> }> {
  const report = join(folder.path, `testssl-${port}.json`);
  const checks = ["--protocols", "--std", "--fs", "--server-preference", "--server-defaults", "--vulnerable", ...options];
  const quiet = ["--quiet", "--color", "0", "--warnings", "off", "--nodns", "none"];
  const address = `127.0.0.1:${port}`;
  const { stdout, stderr } = await run("testssl", [...quiet, "--add-ca", ca, "--jsonfile", report, ...checks, address], {
    timeoutMs: 600_000,
  });
  const findings = JSON.parse(await readFile(report, "utf8")) as TlsFinding[];
  assert.ok(findings.length > 0, `testssl wrote no finding: ${stdout.slice(-500)}${stderr.slice(-500)}`);
  // DEBUG: it spoke no HTTP there. WARN: it could not look whether tickets are taken again, which is no weakness
  const fine = new Set(["OK", "INFO", "DEBUG", "WARN"]);
  const worse = findings.filter(({ severity }) => !fine.has(severity));
  return { read: findings.length, found: Object.fromEntries(worse.map(({ id, severity }) => [id, severity])) };
}

/** The authority is this test's own and publishes no list of what it has revoked; a hospital's does, or not: none of the box's doing. */
const ofTheAuthority = { cert_revocation: "HIGH" };

test("testssl.sh finds nothing at the web page's port but what is explained", async () => {
  const { read, found } = await testssl(box.port, "--headers");
  // Only the page's own files are compressed, which are the same for everybody: no answer with anything secret is (http/static.ts)
  assert.deepEqual(found, { ...ofTheAuthority, BREACH: "MEDIUM" });
  assert.ok(read > 60, `${read} lines of findings`);
});

test("testssl.sh finds nothing at the DICOM port but what is explained", async () => {
  const { read, found } = await testssl(box.dicomTlsPort!);
  assert.deepEqual(found, ofTheAuthority);
  assert.ok(read > 60, `${read} lines of findings`);
});

/** The cookie of a session of the administrator. */
async function signIn(): Promise<string> {
  const origin = `https://127.0.0.1:${box.port}`;
  const authority = await readFile(ca, "utf8");
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json", origin };
    request(origin + paths.session, { method: "POST", ca: authority, headers }, (answer) => {
      const cookie = answer.resume().headers["set-cookie"]?.[0]?.split(";")[0];
      if (cookie === undefined) reject(new Error(`no cookie, status ${answer.statusCode}`));
      else resolve(cookie);
    })
      .on("error", reject)
      .end(JSON.stringify({ name: "tester", password }));
  });
}

type WebFinding = { readonly method: string; readonly path: string; readonly info: string };
type WebReport = Readonly<Record<"vulnerabilities" | "anomalies", Readonly<Record<string, readonly WebFinding[]>>>>;

test("wapiti, signed in as an administrator, finds nothing but a header that browsers have given up", async () => {
  const origin = `https://127.0.0.1:${box.port}`;
  const report = join(folder.path, "wapiti.json");
  // What takes words from outside; a scanner does not run the page's program, so that it would not come upon them itself
  const addresses = [
    "/api/series?before=1",
    "/api/deliveries?state=failed",
    "/api/results/1/files/seg.dcm",
    "/dicom-web/studies?PatientID=1&limit=5&offset=0&includefield=all",
    "/dicom-web/studies/1.2/series/1.3/instances/1.4/rendered?window=1,2,linear&quality=50",
    "/series/1",
  ];
  const modules =
    "backup,blindsql,cookieflags,crlf,csp,csrf,exec,file,htaccess,http_headers,methods,permanentxss,redirect,shellshock,sql,xss,xxe";
  const starts = addresses.flatMap((address) => ["-s", origin + address]);
  const kept = ["--no-bugreport", "--store-session", join(folder.path, "wapiti"), "--store-config", join(folder.path, "wapiti")];
  const cookie = ["-H", `Cookie: ${await signIn()}`];
  const scope = ["-u", `${origin}/`, "--scope", "domain", ...starts, "-m", modules];
  const { code, stdout, stderr } = await run("wapiti", [...scope, ...cookie, ...kept, "-f", "json", "-o", report], { timeoutMs: 600_000 });
  assert.equal(code, 0, stdout + stderr);
  const { vulnerabilities, anomalies } = JSON.parse(await readFile(report, "utf8")) as WebReport;
  const found = Object.values({ ...vulnerabilities, ...anomalies })
    .flat()
    .map(({ info, path }) => `${path}: ${info}`);
  // Browsers have taken it out again; the Content-Security-Policy does its work
  assert.deepEqual(found, ["/: X-XSS-Protection is not set"]);
  const log = box.process.lines.join("\n");
  assert.doesNotMatch(log, /"level":"error"/);
  const asked = box.process.lines.filter((line) => line.includes('"http-request"') && line.includes("/dicom-web/studies")).length;
  assert.ok(asked > 20, `${asked} attacks that were noted on /dicom-web`);
});
