import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { systemClock } from "../../../appliance/base/clock.ts";
import { createLog } from "../../../appliance/base/log.ts";
import { dataFolder } from "../../../appliance/config/data-folder.ts";
import { AuditHeads, parseHeads } from "../../../appliance/pipeline/audit-heads.ts";
import { AuditSender, type AuditSenderOptions } from "../../../appliance/pipeline/audit-sender.ts";
import { addAudit } from "../../../appliance/store/audit.ts";
import { digestOf } from "../../../appliance/store/audit-chain.ts";
import { openDatabase } from "../../../appliance/store/database.ts";
import { type Authority, type Certified, makeAuthority } from "../../make/certificates.ts";
import { eventually } from "../../peers/eventually.ts";
import { type TemporaryFolder, temporaryFolder } from "../../peers/folder.ts";
import { run } from "../../peers/process.ts";
import { startRsyslog } from "../../peers/rsyslog.ts";

let certificates: TemporaryFolder;
let authority: Authority;
let server: Certified;
let client: Certified;
before(async () => {
  certificates = await temporaryFolder("syslog-certificates");
  authority = await makeAuthority(certificates.path);
  server = await authority.certify("syslog");
  client = await authority.certify("segbox");
});
after(() => certificates[Symbol.asyncDispose]());

type Setting = Partial<AuditSenderOptions["server"]> & { readonly port: number };

/** A trail in a data folder, and who sends it. */
async function trail() {
  const root = await temporaryFolder("audit-sender");
  const folder = dataFolder(root.path);
  const database = await openDatabase(folder.database, 1);
  const lines: string[] = [];
  const log = createLog((line) => lines.push(line), systemClock.now);
  const heads = await AuditHeads.open(database, folder, systemClock, log);
  const senders: AuditSender[] = [];
  let written = 0;
  return {
    root: root.path,
    database,
    lines,
    add(count: number, detail: object = {}): void {
      for (let n = 0; n < count; n++) {
        const object = `series:${++written}`;
        addAudit(database, {
          at: Date.UTC(2026, 10, 26) + written,
          actor: "user:änna",
          action: "series-viewed",
          object,
          detail: { ...detail },
        });
      }
    },
    send(setting: Setting): AuditSender {
      const sender = new AuditSender({
        ...{ database, clock: systemClock, log, sign: (link) => heads.sign(link), source: { id: "SEGBOX-1", site: "Hospital" } },
        server: { host: "127.0.0.1", protocol: "tls", authorities: authority.certificate, patientId: false, ...setting },
        ...{ lookEveryMs: 50, retryDelay: { firstMs: 100, maxMs: 400 }, limitMs: 20_000 },
      });
      senders.push(sender);
      return sender;
    },
    async [Symbol.asyncDispose]() {
      for (const sender of senders) await sender.stop();
      await heads.stop();
      database.close();
      await root[Symbol.asyncDispose]();
    },
  };
}

const messages = (lines: readonly string[]): string[] => lines.filter((line) => line.includes("DICOM+RFC3881"));

/** The entries in the server's copy, in the order that it has written them: number, and digest. */
function entriesIn(lines: readonly string[]): { id: number; digest: string; row: unknown[] }[] {
  return messages(lines).map((line) => {
    const value = (type: string): string => {
      const [, base64 = ""] = new RegExp(`type="${type}" value="([^"]*)"`).exec(line) ?? assert.fail(line);
      return Buffer.from(base64, "base64").toString("utf8");
    };
    const row = JSON.parse(value("entry")) as unknown[];
    return { id: row[0] as number, digest: value("digest"), row };
  });
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n + 1);

test("every entry reaches rsyslog over TLS, in order; what was written while it was away follows, none is lost", async () => {
  await using made = await trail();
  await using peer = await startRsyslog({ own: server, authority, asksClients: true });
  made.add(450);
  const sender = made.send({ port: peer.port, key: client.key, certificate: client.certificate });
  const isAt = (count: number) => eventually(async () => (entriesIn(await peer.lines()).at(-1)?.id === count ? true : undefined));
  await isAt(450);
  await peer.stop();
  made.add(30);
  await eventually(async () => (sender.state().lastError ? true : undefined));
  made.add(3);
  const { waiting, lastError, oldestAt } = sender.state();
  assert.deepEqual([waiting, oldestAt], [33, Date.UTC(2026, 10, 26) + 451]);
  assert.match(lastError!.message, /nothing listens there|connection ended|the other side/);
  await peer.start();
  await isAt(483);
  await eventually(async () => (sender.state().waiting === 0 ? true : undefined));
  assert.equal(sender.state().lastError, null);
  const entries = entriesIn(await peer.lines());
  assert.deepEqual([...new Set(entries.map(({ id }) => id))], upTo(483));
  assert.equal(made.lines.filter((line) => line.includes("audit-server-away")).length, 1);

  let before = "0".repeat(64);
  for (const { digest, row } of new Map(entries.map((entry) => [entry.id, entry])).values()) {
    const [id, at, actor, action, object, detail] = row as [number, number, string, string, string, string];
    assert.equal(
      digestOf(before, { id, at, actor, action, object, detail }),
      digest,
      "the chain's sums can be done from the server's copy",
    );
    before = digest;
  }
});

test("a server that is stopped again and again in the midst of it has everything in the end", async () => {
  await using made = await trail();
  await using peer = await startRsyslog({ own: server, authority });
  const sender = made.send({ port: peer.port });
  for (let round = 0; round < 4; round++) {
    made.add(400);
    await eventually(async () => (sender.state().lastSentAt !== null || round > 0 ? true : undefined));
    await peer.stop();
    await peer.start();
  }
  await eventually(async () => (sender.state().waiting === 0 ? true : undefined), 60_000);
  await peer.stop(); // so that all is in its file
  assert.deepEqual(
    [...new Set(entriesIn(await peer.lines()).map(({ id }) => id))].toSorted((a, b) => a - b),
    upTo(1600),
  );
  await peer.start();
});

test("messages are of RFC 5424, and of the schema of PS3.15", async () => {
  await using made = await trail();
  await using peer = await startRsyslog({ own: server, authority });
  made.add(1, { reason: '<"&\n\u0007\uD800 ü' });
  made.add(1, { long: "x".repeat(20_000) });
  made.send({ port: peer.port });
  const [first, second] = await eventually(async () => {
    const lines = messages(await peer.lines());
    return lines.length >= 2 ? lines : undefined;
  });
  assert.match(
    first!,
    /^<85>1 2026-11-26T00:00:00\.001Z \S+ segbox - DICOM\+RFC3881 - \uFEFF<\?xml version="1\.0" encoding="UTF-8"\?><AuditMessage>/,
  );
  assert.ok(second!.includes('type="entry-sha256"') && Buffer.byteLength(second!) < 32_768);
  for (const line of [first!, second!]) {
    const xml = line.slice(line.indexOf("<?xml"));
    const { code, stderr } = await run(
      "xmllint",
      ["--noout", "--relaxng", join(import.meta.dirname, "../../data/audit-message.rng"), "-"],
      {
        input: xml,
      },
    );
    assert.equal(code, 0, stderr);
  }
});

test("a server with another's certificate, of no authority that is believed, or in plain text gets nothing, and it is said why", async () => {
  await using made = await trail();
  const stranger = await makeAuthority(certificates.path, "stranger");
  await using unknown = await startRsyslog({ own: await stranger.certify("unknown"), authority: stranger });
  await using right = await startRsyslog({ own: server, authority, asksClients: true });
  await using plain = await startRsyslog(null);
  made.add(3);
  const refusals: readonly [Setting, RegExp][] = [
    [{ port: unknown.port }, /self-signed certificate in certificate chain|unable to (get|verify)/],
    [{ port: right.port, name: "other.hospital.example" }, /other\.hospital\.example/],
    [{ port: right.port }, /certificate required|alert|the other side|connection ended|handshake/], // it wants ours, and we show none
    [{ port: plain.port }, /wrong version number|packet|the other side|connection ended|did not take/],
  ];
  for (const [setting, said] of refusals) {
    const sender = made.send(setting);
    const state = await eventually(async () => (sender.state().lastError ? sender.state() : undefined), 60_000);
    assert.match(state.lastError!.message, said);
    assert.equal(state.waiting, 3, JSON.stringify(setting));
    await sender.stop();
  }
  for (const peer of [unknown, right]) assert.deepEqual(messages(await peer.lines()), []);
  assert.ok(!(await plain.lines()).join("").includes("AuditMessage"));

  made.send({ port: plain.port, protocol: "plain-tcp", authorities: undefined });
  await eventually(async () => (entriesIn(await plain.lines()).length === 3 ? true : undefined));
});

test("what was cut off here is found by the heads in the server's copy", async () => {
  await using made = await trail();
  await using peer = await startRsyslog({ own: server, authority });
  made.add(5);
  const sender = made.send({ port: peer.port });
  await eventually(async () => (sender.state().waiting === 0 ? true : undefined));
  made.add(2);
  await eventually(async () => (sender.state().waiting === 0 ? true : undefined));
  const heads = await eventually(async () => {
    const found = parseHeads((await peer.lines()).join("\n"));
    return found.at(-1)?.id === 7 ? found : undefined;
  });
  assert.equal(heads.at(-1)!.id, 7);
  const main = join(import.meta.dirname, "../../../appliance/cli/main.ts");
  const verify = () => run(process.execPath, [main, "audit", "verify", "--data", made.root, "--heads", peer.file]);
  const whole = await verify();
  assert.match(whole.stdout, /^7 entries are whole/, whole.stderr);
  await sender.stop();
  for (const table of ["audit", "audit_link"]) {
    made.database.sql.exec(`drop trigger ${table}_no_delete`);
    made.database.run(`delete from ${table} where id > 5`);
  }
  const cut = await verify();
  assert.deepEqual([cut.code, cut.stdout], [1, "entry 6 is missing: the head that was kept is of entry 7; the 5 before it are whole\n"]);
});
