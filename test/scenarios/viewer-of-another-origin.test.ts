import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { openPart10, readFileMeta } from "../../appliance/dicom/part10.ts";
import { readStoredFrames } from "../../appliance/dicomweb/frames.ts";
import { openChromium } from "../peers/chromium.ts";
import { temporaryFolder } from "../peers/folder.ts";
import { run } from "../peers/process.ts";
import { cli, exampleCt, startBox } from "./box.ts";

const script = join(import.meta.dirname, "../../node_modules/dicomweb-client/build/dicomweb-client.js");
const corpus = join(import.meta.dirname, "../data/ct-corpus/ge-hispeed-transfer-syntaxes");
const compressedCt = join(corpus, "CTImage.dcm_JPEGLSLosslessTransferSyntax_1.2.840.10008.1.2.4.80.dcm");
const plainCt = join(corpus, "CTImage.dcm_LittleEndianExplicitTransferSyntax_1.2.840.10008.1.2.1.dcm");

type Json = Record<string, { vr: string; Value?: unknown[]; BulkDataURI?: string; InlineBinary?: string }>;
/** What a call of dicomweb-client came to: its JSON, or size and SHA-256 of each body or part, with its type; the status where it failed. */
type Outcome = {
  readonly json?: Json[] & Json;
  readonly bodies?: readonly { readonly bytes: number; readonly sha256: string; readonly type: string | null }[];
  readonly status?: number;
};

/** A page with dicomweb-client, the library by which OHIF asks, and the files that it is to store. */
async function startViewerSite(files: readonly Uint8Array[]) {
  const library = await readFile(script);
  const server = createServer((request, response) => {
    const [, number] = /^\/files\/(\d+)$/.exec(request.url ?? "") ?? [];
    if (number !== undefined) return response.end(files[Number(number)]);
    if (request.url === "/dicomweb-client.js") return response.setHeader("Content-Type", "text/javascript").end(library);
    if (request.url !== "/") return response.writeHead(204).end();
    return response
      .setHeader("Content-Type", "text/html")
      .end('<!doctype html><title>Viewer</title><script src="/dicomweb-client.js"></script>');
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** Runs in the page: one call of the library; what can't leave the page becomes its digest. */
async function callInPage(asked: {
  readonly root: string;
  readonly headers: Record<string, string>;
  readonly method: string;
  readonly options: Record<string, unknown>;
  readonly files: readonly number[];
}): Promise<Outcome> {
  const { DICOMwebClient } = globalThis as unknown as {
    DICOMwebClient: { api: { DICOMwebClient: new (options: object) => Record<string, (options: object) => Promise<unknown>> } };
  };
  const client = new DICOMwebClient.api.DICOMwebClient({
    url: asked.root,
    headers: asked.headers,
    verbose: false,
    errorInterceptor: () => {},
  });
  const datasets = await Promise.all(asked.files.map(async (number) => (await fetch(`/files/${number}`)).arrayBuffer()));
  const digestOf = async (body: ArrayBuffer & { contentType?: string | null }) => ({
    bytes: body.byteLength,
    sha256: [...new Uint8Array(await crypto.subtle.digest("SHA-256", body))].map((byte) => byte.toString(16).padStart(2, "0")).join(""),
    type: body.contentType ?? null,
  });
  try {
    const answer = await client[asked.method]!({ ...asked.options, ...(datasets.length > 0 && { datasets }) });
    if (answer instanceof ArrayBuffer) return { bodies: [await digestOf(answer)] };
    if (Array.isArray(answer) && answer[0] instanceof ArrayBuffer) return { bodies: await Promise.all(answer.map(digestOf)) };
    const json = typeof answer === "string" && answer !== "" ? JSON.parse(answer) : answer;
    return { json };
  } catch (error) {
    return { status: (error as { status?: number }).status ?? -1 };
  }
}

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const first = (json: Json | undefined, tag: string): unknown => json?.[tag]?.Value?.[0];

test("a viewer of another origin stores, searches and reads what OHIF asks for, with dicomweb-client in a browser", async () => {
  const names = (await readdir(exampleCt)).sort().slice(0, 4);
  const files = [...(await Promise.all(names.map((name) => readFile(join(exampleCt, name))))), await readFile(compressedCt)];
  await using folder = await temporaryFolder("viewer");
  await using site = await startViewerSite(files);
  const data = join(folder.path, "data");
  await using box = await startBox({
    data,
    pacs: { aeTitle: "NOBODY", dicomPort: 11119 },
    nodes: [{ name: "viewer", aeTitle: "OHIF", port: 11118 }],
    rules: [],
    http: { dicomWebOrigins: [site.origin] },
  });
  const token = (await run(process.execPath, [cli, "node", "token", "viewer", "--data", data])).stdout.trim();
  await using browser = await openChromium({ origin: site.origin, alsoAsks: [box.url], expected: [/status of 40[14]/] });
  const { page } = browser;
  await page.goto("/");

  const root = `${box.url}/dicom-web`;
  const call = (method: string, options: Record<string, unknown>, more: { headers?: Record<string, string>; files?: number[] } = {}) =>
    page.evaluate(callInPage, {
      root,
      method,
      options,
      headers: { Authorization: `Bearer ${token}`, ...more.headers },
      files: more.files ?? [],
    });

  // Without a token there is an answer, and it is no
  assert.deepEqual(await call("searchForStudies", {}, { headers: { Authorization: "Bearer none" } }), { status: 401 });

  const stored = await call("storeInstances", {}, { files: [0, 1, 2, 3, 4] });
  assert.deepEqual([stored.json!["00081199"]?.Value?.length, stored.json!["00081198"]], [5, undefined]);

  // The work list, as OHIF's data source asks for it
  const listed = {
    limit: 101,
    offset: 0,
    fuzzymatching: false,
    includefield: "00081030,00080060,00080090,00100030",
  };
  const { dataSet } = openPart10(files[0]!);
  const text = (tag: number): string => {
    const { offset, length } = dataSet.elements.get(tag)!;
    return Buffer.from(dataSet.bytes.subarray(offset, offset + length))
      .toString("latin1")
      .trim()
      .replace(/\0$/, "");
  };
  const [study, series, image] = [text(0x0020000d), text(0x0020000e), text(0x00080018)];
  const studies = async (more: Record<string, unknown>) =>
    (await call("searchForStudies", { queryParams: { ...listed, ...more } })).json!.map((each) => first(each, "0020000D"));
  assert.equal((await studies({})).length, 2);
  const name = text(0x00100010);
  const middle = name.slice(1, Math.max(2, name.length - 1));
  assert.deepEqual(await studies({ PatientName: `*${middle.toLowerCase()}*`, StudyInstanceUID: `${study}\\1.2.3` }), [study]);
  assert.ok((await studies({ "00100020": `*${text(0x00100020).slice(1)}*` })).includes(study));
  assert.equal((await studies({ ModalitiesInStudy: ["MR", "CT"] })).length, 2);
  assert.deepEqual(await studies({ ModalitiesInStudy: ["MR", "PT"] }), []);
  assert.equal((await studies({ limit: 1, offset: 1 })).length, 1);
  assert.deepEqual(await studies({ StudyDate: "19700102-19700103" }), []);

  const foundSeries = await call("searchForSeries", { studyInstanceUID: study, queryParams: { includefield: "0008103E,00080021" } });
  assert.deepEqual(
    foundSeries.json!.map((each) => [first(each, "0020000E"), first(each, "00201209"), first(each, "00080060")]),
    [[series, 4, "CT"]],
  );
  const foundImages = await call("searchForInstances", { studyInstanceUID: study, seriesInstanceUID: series });
  assert.equal(foundImages.json!.length, 4);

  // Its metadata, asked for with the Accept header that OHIF adds to the library's own
  const accept = { Accept: "multipart/related; type=application/octet-stream; transfer-syntax=*" };
  const ofSeries = { studyInstanceUID: study, seriesInstanceUID: series };
  const ofImage = { ...ofSeries, sopInstanceUID: image };
  const metadata = (await call("retrieveSeriesMetadata", ofSeries, { headers: accept })).json!;
  const own = metadata.find((each) => first(each, "00080018") === image)!;
  assert.deepEqual([metadata.length, first(own, "00280010")], [4, 512]);
  assert.equal((await call("retrieveStudyMetadata", { studyInstanceUID: study }, { headers: accept })).json!.length, 4);

  const frames = await call("retrieveInstanceFrames", { ...ofImage, frameNumbers: [1] });
  const pixels = frames.bodies![0]!.sha256;
  assert.deepEqual(frames.bodies, [{ bytes: 524_288, sha256: pixels, type: "application/octet-stream" }]);
  const bulk = await call("retrieveBulkData", { BulkDataURI: own["7FE00010"]!.BulkDataURI! });
  assert.deepEqual([bulk.bodies?.length, bulk.bodies?.[0]?.sha256], [1, pixels]);
  const octets = await call("retrieveBulkData", { BulkDataURI: `${own["7FE00010"]!.BulkDataURI!}?accept=application/octet-stream` });
  assert.deepEqual(octets.bodies, [{ bytes: 524_288, sha256: pixels, type: "application/octet-stream" }]);

  // Compressed images as they are stored: how cornerstone asks, and each name that the library knows for the type
  const compressed = openPart10(files[4]!, { whole: true });
  const stream = sha256(readStoredFrames(compressed).frames[0]!);
  const [found] = (await call("searchForInstances", { queryParams: { SOPInstanceUID: readFileMeta(files[4]!).sopInstanceUid } })).json!;
  const ofCompressed = {
    studyInstanceUID: first(found, "0020000D"),
    seriesInstanceUID: first(found, "0020000E"),
    sopInstanceUID: first(found, "00080018"),
    frameNumbers: [1],
  };
  const jpegLs = "1.2.840.10008.1.2.4.80";
  for (const mediaTypes of [
    [{ mediaType: "image/jls", transferSyntaxUID: jpegLs }],
    [{ mediaType: "image/x-jls", transferSyntaxUID: jpegLs }],
    [{ mediaType: "image/*", transferSyntaxUID: "*" }],
    [{ mediaType: "image/jls", transferSyntaxUID: jpegLs }, { mediaType: "application/octet-stream" }],
  ]) {
    const { bodies } = await call("retrieveInstanceFrames", { ...ofCompressed, mediaTypes });
    assert.deepEqual([bodies?.[0]?.sha256, bodies?.[0]?.type], [stream, "image/jls"], JSON.stringify(mediaTypes));
  }
  const plain = sha256(readStoredFrames(openPart10(await readFile(plainCt), { whole: true })).frames[0]!);
  assert.equal((await call("retrieveInstanceFrames", ofCompressed)).bodies?.[0]?.sha256, plain);
  const asStored = await call("retrieveInstanceFrames", ofCompressed, { headers: accept });
  assert.equal(asStored.bodies?.length, 1);

  // Objects and pictures
  const whole = await call("retrieveInstance", ofImage);
  assert.ok(whole.bodies!.length === 1 && whole.bodies![0]!.bytes > 524_288);
  assert.equal((await call("retrieveSeries", ofSeries)).bodies?.length, 4);
  assert.equal((await call("retrieveInstance", { ...ofImage, sopInstanceUID: "1.2.3" })).status, 404);
  for (const [mediaType, queryParams] of [
    ["image/jpeg", { viewport: "64,64" }],
    ["image/png", { window: "40,400,linear" }],
  ] as const) {
    const picture = await call("retrieveInstanceRendered", { ...ofImage, mediaTypes: [{ mediaType }], queryParams });
    assert.equal(picture.bodies?.[0]?.type, mediaType);
  }
  assert.equal((await call("retrieveInstanceThumbnail", ofImage)).bodies?.[0]?.type, "image/jpeg");
});
