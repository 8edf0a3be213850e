import assert from "node:assert/strict";
import { once } from "node:events";
import { copyFile, mkdir, readdir, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { listAudit } from "../../../appliance/store/audit.ts";
import { openDatabase } from "../../../appliance/store/database.ts";
import { findUser } from "../../../appliance/store/users.ts";
import { temporaryFolder } from "../../peers/folder.ts";
import { type Finished, run, start } from "../../peers/process.ts";

const main = join(import.meta.dirname, "../../../appliance/cli/main.ts");
const segbox = (args: readonly string[], input = ""): Promise<Finished> => run(process.execPath, [main, ...args], { input });
const serve = (data: string, site?: string) =>
  start(process.execPath, [main, "serve", "--data", data, ...(site === undefined ? [] : ["--provision", site])]);

const site = "station: { name: TEST }\ndicom: { aeTitle: TEST, port: 0 }\nhttp: { port: 0, tls: off }\n";
const listening = /^\{"event":"listening","dicomPort":(\d+),"httpPort":(\d+),"isHttps":false\}$/;

/** Refused: exit code 1, nothing on standard output, one line that says why. */
function assertRefused({ code, stdout, stderr }: Finished, why: RegExp): void {
  assert.equal(code, 1, stderr);
  assert.equal(stdout, "");
  assert.match(stderr, /^segbox: [^\n]+\n$/);
  assert.match(stderr, why);
}

for (const words of ["serve", "segment", "user add", "demo"])
  test(`segbox ${words} --help explains it and does nothing`, async () => {
    const { code, stdout, stderr } = await segbox([...words.split(" "), "--help"]);
    assert.equal(code, 0);
    assert.equal(stderr, "");
    assert.match(stdout, new RegExp(`^segbox ${words} `));
    assert.match(stdout, /^ {2}--[a-z]/m);
  });

test("segbox --help lists every command", async () => {
  const { code, stdout } = await segbox(["--help"]);
  assert.equal(code, 0);
  for (const words of ["serve", "segment", "user add", "demo"]) assert.match(stdout, new RegExp(`^  ${words} `, "m"));
});

for (const [what, args] of [
  ["no command", []],
  ["a command that does not exist", ["sevre"]],
  ["half a command", ["user"]],
  ["an unknown option", ["serve", "--dta", "x"]],
  ["a missing option", ["serve"]],
  ["a word too many", ["serve", "now", "--data", "x"]],
  ["a role that does not exist", ["user", "add", "anna", "--role", "root", "--data", "x", "--password-stdin"]],
  ["a user name with spaces", ["user", "add", "anna maria", "--role", "admin", "--data", "x", "--password-stdin"]],
] as const)
  test(`${what} ends with 2`, async () => {
    const { code, stderr } = await segbox(args);
    assert.equal(code, 2);
    if (args.length > 0) assert.match(stderr, /^segbox: [^\n]+\n$/);
  });

test("a user is added with a hash of the password, and the audit trail says so without it", async () => {
  await using folder = await temporaryFolder();
  const args = ["user", "add", "anna", "--role", "reviewer", "--data", folder.path, "--password-stdin"];
  const added = await segbox(args, "correct horse battery\n");
  assert.deepEqual(added, { code: 0, signal: null, stdout: "user anna added as reviewer\n", stderr: "" });
  assertRefused(await segbox(args, "correct horse battery\n"), /anna is there already/);
  const database = await openDatabase(join(folder.path, "segbox.sqlite"), 1);
  assert.match(findUser(database, "anna")!.passwordHash, /^\$argon2id\$/);
  const audit = listAudit(database, 10);
  assert.partialDeepStrictEqual(audit, [{ action: "user-added", object: "user:anna", detail: { role: "reviewer" } }]);
  assert.equal(audit.length, 1);
  database.close();
});

test("a short password is refused, and no user is added", async () => {
  await using folder = await temporaryFolder();
  assertRefused(
    await segbox(["user", "add", "anna", "--role", "admin", "--data", folder.path, "--password-stdin"], "short\n"),
    /15 .*found 5/,
  );
  assert.ok(!(await readdir(folder.path)).includes("segbox.sqlite"));
});

test("serve on a folder that was never set up is refused with what to do", async () => {
  await using folder = await temporaryFolder();
  const { code, stdout, stderr } = await segbox(["serve", "--data", join(folder.path, "data")]);
  assert.equal(code, 1);
  assert.equal(stdout, "");
  assert.match(stderr.trim().split("\n").at(-1)!, /^segbox: .*--provision/);
});

test("a site file with faults names them all on one line", async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, "site.yaml");
  await writeFile(file, "station: {}\ndicom: { aeTitle: A, prot: 1 }\n");
  const refused = await segbox(["serve", "--data", join(folder.path, "data"), "--provision", file]);
  assertRefused(refused, /station\.name: expected string, found nothing; .*dicom\.prot: unknown key/);
});

test("serve prints its ports, refuses a second one on its folder, lets users be added, and ends with 0 at SIGTERM", async () => {
  await using folder = await temporaryFolder();
  const data = join(folder.path, "data");
  const file = join(folder.path, "site.yaml");
  await writeFile(file, site);
  await using first = serve(data, file);
  const [, dicomPort, httpPort] = await first.waitForLine(listening);
  assert.ok(Number(dicomPort) > 0 && Number(httpPort) > 0 && dicomPort !== httpPort);

  assertRefused(await segbox(["serve", "--data", data]), /another Segbox service/);
  const added = await segbox(["user", "add", "anna", "--role", "admin", "--data", data, "--password-stdin"], "correct horse battery\n");
  assert.equal(added.code, 0, added.stderr);

  const from = performance.now();
  assert.deepEqual(await first.stop(10_000), { code: 0, signal: null });
  assert.ok(performance.now() - from < 9_000, "an idle service ends well before its limit");
  assert.ok(
    first.lines.some((line) => line.includes('"event":"stopped"')),
    first.lines.join("\n"),
  );
});

test("after kill -9 the service starts again on the same folder, without the site file", async () => {
  await using folder = await temporaryFolder();
  const data = join(folder.path, "data");
  const file = join(folder.path, "site.yaml");
  await writeFile(file, site);
  await using first = serve(data, file);
  await first.waitForLine(listening);
  first.kill("SIGKILL");
  await first.exited;
  await using second = serve(data);
  await second.waitForLine(listening);
});

test("a port that is taken is told on one line", async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, "site.yaml");
  await writeFile(file, site);
  await using first = serve(join(folder.path, "first"), file);
  const [, dicomPort] = await first.waitForLine(listening);
  await writeFile(file, site.replace("port: 0", `port: ${dicomPort}`));
  const { code, stdout, stderr } = await segbox(["serve", "--data", join(folder.path, "second"), "--provision", file]);
  assert.equal(code, 1);
  assert.equal(stdout, "");
  assert.match(stderr.trim().split("\n").at(-1)!, new RegExp(`^segbox: .*${dicomPort}`));
});

test("a model that is not installed is told with those that are, before anything is written", async () => {
  await using folder = await temporaryFolder();
  const input = join(folder.path, "input");
  await mkdir(input);
  const { code, stderr } = await segbox(["segment", "--input", input, "--output", join(folder.path, "output"), "--model", "nowhere"]);
  assert.equal(code, 1);
  assert.match(stderr, /^segbox: there is no model nowhere; installed: /);
  assert.deepEqual(await readdir(folder.path), ["input"]);
});

test("a port that is taken, and an input that is not there, are said in words on one line", async () => {
  await using folder = await temporaryFolder();
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const { port } = taken.address() as AddressInfo;
  const siteFile = join(folder.path, "site.yaml");
  await writeFile(siteFile, `station: { name: TEST }\ndicom: { aeTitle: TEST, port: ${port} }\nhttp: { port: 0, tls: off }\n`);
  const served = await segbox(["serve", "--data", join(folder.path, "data"), "--provision", siteFile]);
  taken.close();
  assert.equal(served.code, 1);
  assert.match(
    served.stderr.trimEnd().split("\n").at(-1)!,
    new RegExp(
      `^segbox: 127\\.0\\.0\\.1:${port}: another program listens there already; stop that, or choose another port \\(EADDRINUSE\\)$`,
    ),
  );
  const missing = await segbox(["segment", "--input", "/nowhere", "--output", folder.path]);
  assertRefused(missing, /can't read the input: \/nowhere: there is no such file or folder \(ENOENT\)$/m);
});

test("before the installation `npm run segbox` says so in one line", async () => {
  await using folder = await temporaryFolder();
  await copyFile(join(import.meta.dirname, "../../../package.json"), join(folder.path, "package.json"));
  const { code, stderr } = await run("npm", ["--prefix", folder.path, "run", "-s", "segbox", "--", "serve"]);
  assert.deepEqual([code, stderr], [2, "segbox: not installed yet; run `npm ci` first\n"]);
});
