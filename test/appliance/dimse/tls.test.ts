import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { connect as connectTls } from "node:tls";
import { readFileMeta } from "../../../appliance/dicom/part10.ts";
import { echo } from "../../../appliance/dimse/echo.ts";
import type { PeerInfo, ScpOptions } from "../../../appliance/dimse/scp.ts";
import { type RemoteNode, storeFiles } from "../../../appliance/dimse/scu.ts";
import { checkIdentity, type TlsIdentity } from "../../../appliance/dimse/tls.ts";
import { type Certified, makeAuthority } from "../../make/certificates.ts";
import { echoscu, startStorescp, storescu } from "../../peers/dcmtk.ts";
import { type TemporaryFolder, temporaryFolder } from "../../peers/folder.ts";
import { run } from "../../peers/process.ts";
import { startRecordingScp } from "./recording-scp.ts";

const slice = join(import.meta.dirname, "../../data/ct-corpus/tiny-23x38x3/IMG0001.dcm");

let folder: TemporaryFolder;
let authority: string;
let stranger: Certified & { readonly authority: string };
let peer: Certified;
let renewed: TlsIdentity;
let box: TlsIdentity;
before(async () => {
  folder = await temporaryFolder("tls");
  const ours = await makeAuthority(folder.path);
  const other = await makeAuthority(folder.path, "other");
  authority = ours.certificate;
  peer = await ours.certify("peer");
  stranger = { ...(await other.certify("stranger")), authority: other.certificate };
  const identity = async ({ key, certificate }: Certified): Promise<TlsIdentity> => ({
    key: await readFile(key, "utf8"),
    certificate: await readFile(certificate, "utf8"),
    authorities: await readFile(authority, "utf8"),
  });
  box = await identity(await ours.certify("box"));
  renewed = await identity(await ours.certify("renewed"));
});
after(() => folder[Symbol.asyncDispose]());

/** An SCP with TLS, and who came in, with what. */
async function startTlsScp(clientCertificates: "none" | "optional" | "required", options: Partial<ScpOptions> = {}) {
  const peers: PeerInfo[] = [];
  const refused: string[] = [];
  const scp = await startRecordingScp(
    { tls: { port: 0, identity: box, clientCertificates }, ...options },
    {
      acceptAssociation: (caller) => {
        peers.push(caller);
        return { accept: true };
      },
      associationRefused: ({ reason, remoteAddress }) => void refused.push(`${remoteAddress} ${reason}`),
    },
  );
  return { scp, port: scp.scp.tlsPort!, peers, refused, [Symbol.asyncDispose]: () => scp[Symbol.asyncDispose]() };
}
const shown = ({ key, certificate }: Certified, from = authority) => ["+tls", key, certificate, "+cf", from];

test("dcmtk comes in over TLS with its certificate, and stores; the plain port stays beside it", async () => {
  await using node = await startTlsScp("required");
  assert.equal((await echoscu({ port: node.port, options: shown(peer) })).code, 0);
  const { statuses } = await storescu({ port: node.port, paths: [slice], options: shown(peer) });
  assert.deepEqual(statuses, ["0000"]);
  assert.equal((await echoscu({ port: node.scp.port })).code, 0);
  assert.deepEqual(
    node.peers.map(({ tls }) => tls?.isAuthorized),
    [true, true, undefined],
  );
  assert.match(node.peers[0]!.tls!.protocol, /^TLSv1\.[23]$/);
  assert.equal(node.scp.stored.length, 1);
});

test("who shows no certificate, or one of another authority, does not come in where one is required, and comes in unvouched where not", async () => {
  await using strict = await startTlsScp("required");
  await using lenient = await startTlsScp("optional");
  // The stranger believes our certificate; whether we believe its is the question
  for (const options of [["+tla", "-ic"], shown(stranger)]) {
    assert.notEqual((await echoscu({ port: strict.port, options })).code, 0, options[0]);
    assert.equal((await echoscu({ port: lenient.port, options })).code, 0, options[0]);
  }
  assert.deepEqual(strict.peers, []);
  assert.deepEqual(
    lenient.peers.map(({ tls }) => tls?.isAuthorized),
    [false, false],
  );
  assert.ok(strict.refused.length >= 1);
  for (const refusal of strict.refused) assert.equal(refusal, "127.0.0.1 tls-failed");
  assert.equal((await echoscu({ port: strict.port, options: shown(peer) })).code, 0);
});

test("TLS 1.2 with the suites of BCP 195 and TLS 1.3 are spoken, and nothing older or weaker", async () => {
  await using node = await startTlsScp("none");
  const tried = async (...options: string[]): Promise<boolean> => {
    const args = ["s_client", "-connect", `127.0.0.1:${node.port}`, "-CAfile", authority, "-verify_return_error", ...options];
    return (await run("openssl", args, { input: "" })).code === 0;
  };
  assert.equal(await tried("-tls1_3"), true);
  for (const cipher of ["ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384"])
    assert.equal(await tried("-tls1_2", "-cipher", cipher), true, cipher);
  for (const cipher of [
    "AES128-GCM-SHA256",
    "AES256-SHA256",
    "ECDHE-RSA-AES128-SHA",
    "DHE-RSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES256-SHA384",
  ])
    assert.equal(await tried("-tls1_2", "-cipher", `${cipher}:@SECLEVEL=0`), false, cipher);
  for (const version of ["-tls1_1", "-tls1"]) assert.equal(await tried(version, "-cipher", "ALL:@SECLEVEL=0"), false, version);
});

test("a handshake has to come to its end in time, and garbage on the TLS port harms nobody", async () => {
  await using node = await startTlsScp("optional", { handshakeTimeoutMs: 200 });
  const startedAt = performance.now();
  const silent = connect(node.port, "127.0.0.1").resume();
  const dripping = connect(node.port, "127.0.0.1").resume();
  const babbling = connect(node.port, "127.0.0.1").resume();
  const drip = setInterval(() => dripping.write(Buffer.from([22])), 50);
  babbling.write("GET / HTTP/1.1\r\n\r\n");
  try {
    await Promise.all(
      [silent, dripping, babbling].map((socket) => new Promise((resolve) => socket.on("error", () => {}).once("close", resolve))),
    );
  } finally {
    clearInterval(drip);
  }
  assert.ok(performance.now() - startedAt < 3000);
  assert.equal((await echoscu({ port: node.port, options: shown(peer) })).code, 0);
});

test("closing does not wait for handshakes", async () => {
  const node = await startTlsScp("optional");
  const silent = connect(node.port, "127.0.0.1").resume();
  await new Promise((resolve) => silent.once("connect", resolve));
  const startedAt = performance.now();
  await node[Symbol.asyncDispose]();
  await new Promise((resolve) => silent.on("error", () => {}).once("close", resolve));
  assert.ok(performance.now() - startedAt < 1000);
});

test("a renewed certificate is shown to the next caller, without a restart", async () => {
  await using node = await startTlsScp("none");
  const subject = () =>
    new Promise<string>((resolve, reject) => {
      const socket = connectTls({ port: node.port, host: "127.0.0.1", ca: box.authorities! }, () => {
        resolve(socket.getPeerX509Certificate()!.subject);
        socket.destroy();
      });
      socket.once("error", reject);
    });
  assert.equal(await subject(), "CN=box");
  node.scp.scp.setTlsIdentity(renewed);
  assert.equal(await subject(), "CN=renewed");
  assert.equal(new X509Certificate(renewed.certificate).subject, "CN=renewed");
});

test("a key of another certificate is no identity", () => {
  assert.throws(() => checkIdentity({ ...box, key: renewed.key }), /mismatch/);
});

/** What comes of calling a node over TLS. */
async function outcomeOf(node: Omit<RemoteNode, "name" | "aeTitle">, tls: TlsIdentity | undefined = box): Promise<string> {
  return echo({ name: "pacs", aeTitle: "PACS", ...node }, "SEGBOX", { tls, timeouts: { connectMs: 3000, associateMs: 3000 } }).then(
    () => "answered",
    ({ code }: { code: string }) => code,
  );
}
const secure = { callerCertificate: "optional" } as const;

test("we call dcmtk over TLS with our certificate, which it asks for, and it stores what we send", async () => {
  await using pacs = await startStorescp({ aeTitle: "PACS", options: shown(peer) });
  const node = { host: "127.0.0.1", port: pacs.port, tls: secure };
  assert.equal(await outcomeOf(node), "answered");
  const meta = readFileMeta(await readFile(slice));
  const [outcome] = await storeFiles({ name: "pacs", aeTitle: "PACS", ...node }, "SEGBOX", [{ path: slice, ...meta }], { tls: box });
  assert.equal(outcome?.kind, "stored");
  assert.equal((await pacs.files()).length, 1);
  assert.equal(await outcomeOf({ ...node, host: "localhost" }), "answered");
});

test("a peer whose certificate we can't believe, that has another name, or that speaks no TLS, is not spoken to, and we say it was TLS", async () => {
  await using pacs = await startStorescp({ aeTitle: "PACS", options: shown(peer) });
  await using impostor = await startStorescp({ aeTitle: "PACS", options: shown(stranger, stranger.authority) });
  await using plain = await startStorescp({ aeTitle: "PACS" });
  const host = "127.0.0.1";
  assert.equal(await outcomeOf({ host, port: impostor.port, tls: secure }), "tls-failed");
  assert.equal(await outcomeOf({ host, port: plain.port, tls: secure }), "tls-failed");
  assert.equal(await outcomeOf({ host, port: pacs.port, tls: { ...secure, name: "pacs.hospital" } }), "tls-failed");
  assert.equal(await outcomeOf({ host, port: pacs.port, tls: { ...secure, name: "localhost" } }), "answered");
  assert.equal(await outcomeOf({ host, port: pacs.port, tls: secure }, { ...renewed, authorities: null }), "tls-failed");
  assert.equal(await outcomeOf({ host, port: pacs.port, tls: secure }, undefined), "answered", "the default of outcomeOf");
  assert.equal(
    await echo({ name: "pacs", aeTitle: "PACS", host, port: pacs.port, tls: secure }, "SEGBOX").catch((error) => error.code),
    "tls-not-set-up",
  );
  assert.equal(await outcomeOf({ host, port: 1, tls: secure }), "peer-refused-connection");
  const silent = createServer(() => {});
  await new Promise<void>((resolve) => silent.listen(0, host, resolve));
  const { port } = silent.address() as { port: number };
  assert.equal(await outcomeOf({ host, port, tls: secure }), "peer-timeout");
  silent.close();
});

test("a peer that does not believe our certificate ends it, and we say it was TLS", async () => {
  await using pacs = await startStorescp({ aeTitle: "PACS", options: shown(peer, stranger.authority) });
  assert.equal(await outcomeOf({ host: "127.0.0.1", port: pacs.port, tls: secure }), "tls-failed");
});
