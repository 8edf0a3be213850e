import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { test } from "node:test";
import { readFileMeta } from "../../../appliance/dicom/part10.ts";
import { parseMediaType } from "../../../appliance/dicomweb/media-types.ts";
import { boundaryOf, readMultipart } from "../../../appliance/dicomweb/multipart-reader.ts";
import { stowFirstTaken, type WebNode } from "../../../appliance/pipeline/web-node.ts";
import { makeAuthority } from "../../make/certificates.ts";
import { makeCtSeries } from "../../make/ct-series.ts";
import { temporaryFolder } from "../../peers/folder.ts";

type Play = (req: IncomingMessage, res: ServerResponse, body: Buffer) => void;

/** A service that answers as the test says, and what it was asked. */
async function service(play: Play, tls?: { key: Buffer; cert: Buffer }) {
  const asked: string[] = [];
  const handle = async (req: IncomingMessage, res: ServerResponse) => {
    const body = await buffer(req);
    asked.push(`${req.method} ${req.url} ${req.headers.authorization ?? ""}`.trim());
    play(req, res, body);
  };
  const server = tls ? createTlsServer(tls, handle) : createServer(handle);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const node: WebNode = {
    name: "archive",
    aeTitle: "ARCHIVE",
    host: "127.0.0.1",
    port,
    dicomweb: { url: `${tls ? "https" : "http"}://127.0.0.1:${port}/dw` },
  };
  return { node, asked, [Symbol.dispose]: () => void server.close() };
}

const [image] = makeCtSeries({ name: "web-node" });

async function formIn(folder: string) {
  const path = join(folder, "image.dcm");
  await writeFile(path, image!.bytes);
  return { path, ...readFileMeta(image!.bytes) };
}

const failed = (reason: number) => ({
  "00081198": {
    vr: "SQ",
    Value: [{ "00081155": { vr: "UI", Value: [image!.sopInstanceUid] }, "00081197": { vr: "US", Value: [reason] } }],
  },
});

async function outcomesFor(status: number, json: object | null, found: readonly object[] = []) {
  await using folder = await temporaryFolder("web-node");
  using there = await service((req, res) => {
    const isSearch = req.method === "GET";
    res.writeHead(isSearch ? 200 : status, { "Content-Type": "application/dicom+json", Location: "http://127.0.0.1:1/" });
    res.end(isSearch ? JSON.stringify(found) : json && JSON.stringify(json));
  });
  const form = await formIn(folder.path);
  const outcomes = await stowFirstTaken(there.node, [form, form], { signal: AbortSignal.timeout(20_000) }).catch(
    (error: Error & { code: string }) => error,
  );
  return { outcomes, asked: there.asked.length };
}

test("an object goes out whole, with the token that the file holds just now", async () => {
  await using folder = await temporaryFolder("web-node");
  const tokenFile = join(folder.path, "token");
  const bodies: Buffer[] = [];
  using there = await service(async (req, res, body) => {
    const type = parseMediaType(req.headers["content-type"]!);
    const source = (async function* () {
      yield body;
    })();
    for await (const part of readMultipart(source, boundaryOf(type), { parts: 10 })) {
      const pieces: Uint8Array[] = [];
      for await (const piece of part.body) pieces.push(piece);
      bodies.push(Buffer.concat(pieces));
    }
    res.end(JSON.stringify({ "00081199": { vr: "SQ", Value: [{ "00081155": { vr: "UI", Value: [image!.sopInstanceUid] } }] } }));
  });
  const node = { ...there.node, dicomweb: { ...there.node.dicomweb, tokenFile } };
  const form = await formIn(folder.path);
  await assert.rejects(stowFirstTaken(node, [form], { signal: AbortSignal.timeout(20_000) }), {
    name: "UnavailableError",
    code: "credentials-unusable",
  });
  await writeFile(tokenFile, "secret\n");
  assert.deepEqual(await stowFirstTaken(node, [form], { signal: AbortSignal.timeout(20_000) }), [{ kind: "stored", status: 0 }]);
  assert.deepEqual(there.asked, ["POST /dw/studies Bearer secret"]);
  assert.ok(bodies[0]!.equals(image!.bytes));
  await writeFile(tokenFile, "se\r\nX-Evil: 1");
  await assert.rejects(stowFirstTaken(node, [form], { signal: AbortSignal.timeout(20_000) }), { code: "credentials-unusable" });
});

test("what each answer means for the object", async () => {
  const kinds = async (...answer: Parameters<typeof outcomesFor>) => {
    const { outcomes } = await outcomesFor(...answer);
    if (outcomes instanceof Error) return `${outcomes.name} ${outcomes.code}`;
    return outcomes
      .map((one) => (one.kind === "refused" ? `refused ${one.status.toString(16)} ${one.permanent}` : `${one.kind}`))
      .join(", ");
  };
  assert.equal(await kinds(200, null), "stored");
  assert.equal(await kinds(409, failed(0x0122)), "refused 122 true, refused 122 true");
  assert.equal(await kinds(415, null), "refused 122 true, refused 122 true");
  assert.equal(await kinds(409, failed(0xc000)), "refused c000 true");
  assert.equal(await kinds(409, failed(0xc000), [{}]), "stored");
  assert.equal(await kinds(202, failed(0xa700)), "refused a700 false");
  assert.equal(await kinds(409, failed(0x0111)), "stored");
  assert.equal(await kinds(200, { "00081198": { vr: "SQ" }, "00081199": { vr: "SQ" } }), "refused 110 false");
  assert.equal(await kinds(413, null), "refused c000 true");
  for (const status of [500, 503, 401, 404, 429, 302])
    assert.equal(await kinds(status, null), "UnavailableError peer-unavailable", String(status));
});

test("a redirect is not followed, and a service that is away is unavailable", async () => {
  assert.equal((await outcomesFor(307, null)).asked, 1);
  await using folder = await temporaryFolder("web-node");
  const there = await service(() => {});
  there[Symbol.dispose]();
  await assert.rejects(stowFirstTaken(there.node, [await formIn(folder.path)], { signal: AbortSignal.timeout(20_000) }), {
    name: "UnavailableError",
  });
});

test("over TLS nobody is believed but whom the named authorities certify", async () => {
  await using folder = await temporaryFolder("web-node");
  const [authority, stranger] = [await makeAuthority(folder.path), await makeAuthority(folder.path, "stranger")];
  const { key, certificate } = await authority.certify("archive");
  using there = await service((_, res) => void res.end(), { key: await readFile(key), cert: await readFile(certificate) });
  const form = await formIn(folder.path);
  const send = (authorities?: string) =>
    stowFirstTaken({ ...there.node, dicomweb: { ...there.node.dicomweb, authorities } }, [form], { signal: AbortSignal.timeout(20_000) });
  assert.deepEqual(await send(authority.certificate), [{ kind: "stored", status: 0 }]);
  for (const authorities of [undefined, stranger.certificate]) await assert.rejects(send(authorities), { name: "UnavailableError" });
  assert.equal(there.asked.length, 1);
});
