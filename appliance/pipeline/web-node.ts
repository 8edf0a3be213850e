import { readFile, stat } from "node:fs/promises";
import { messageOf, RefusedError, UnavailableError } from "../base/errors.ts";
import { retrieveByWeb, searchByWeb, storeByWeb, type WebPeer, type WebStoreAnswer } from "../dicomweb/client.ts";
import type { JsonAttribute, JsonDataSet } from "../dicomweb/dicom-json.ts";
import { refusesItsClass, type StoreFile, type StoreOutcome } from "../dimse/scu.ts";
import { meaningOf, statuses, statusText } from "../dimse/status.ts";
import type { Uid } from "../domain/ids.ts";
import type { NodeDicomWeb, RemoteNode } from "../domain/remote-node.ts";
import type { WebStore } from "./web-store.ts";

export type WebNode = RemoteNode & { readonly dicomweb: NodeDicomWeb };

export function isWebNode(node: RemoteNode): node is WebNode {
  return node.dicomweb !== undefined;
}

/** The node as the client calls it, with what its files hold just now. UnavailableError where one can't be read: somebody will repair it. */
async function peerOf({ name, dicomweb }: WebNode): Promise<WebPeer> {
  const { url, tokenFile, user, passwordFile, authorities } = dicomweb;
  let authorization: string | null = null;
  if (tokenFile !== undefined) authorization = `Bearer ${await secretIn(tokenFile)}`;
  else if (user !== undefined && passwordFile !== undefined)
    authorization = `Basic ${Buffer.from(`${user}:${await secretIn(passwordFile)}`).toString("base64")}`;
  return { name, url, authorization, authorities: authorities === undefined ? null : await textIn(authorities) };
}

async function secretIn(path: string): Promise<string> {
  const secret = (await textIn(path)).trim();
  if (!/^[\x21-\x7e]+( [\x21-\x7e]+)*$/.test(secret))
    throw new UnavailableError("credentials-unusable", `expected one line of printable characters in ${path}`);
  return secret;
}

async function textIn(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new UnavailableError("credentials-unusable", `can't read ${path}: ${messageOf(error)}`, { cause: error });
  }
}

/** As storeFirstTaken does by C-STORE: each form in its turn, until one is taken or refused otherwise than by its class. */
export async function stowFirstTaken<Form extends StoreFile>(
  node: WebNode,
  forms: readonly Form[],
  { signal, onSending }: { readonly signal: AbortSignal; readonly onSending?: (form: Form) => void },
): Promise<StoreOutcome[]> {
  const peer = await peerOf(node);
  const outcomes: StoreOutcome[] = [];
  for (const form of forms) {
    const { size: sizeBytes } = await stat(form.path);
    onSending?.(form);
    const { path, sopInstanceUid } = form;
    const outcome = outcomeOf(peer, await storeByWeb(peer, { path, sizeBytes }, signal), sopInstanceUid);
    // What it has from a try whose answer was lost is delivered; not every service says so
    const isThere = outcome.kind === "refused" && (await has(peer, sopInstanceUid, signal));
    outcomes.push(isThere ? { kind: "stored", status: statuses.duplicateSopInstance } : outcome);
    if (isThere || !refusesItsClass(outcome)) break;
  }
  return outcomes;
}

/** PS3.18 tables 10.5.3-1 and I.2-2: the object's own reason where one is given, else what the status of the answer means. */
function outcomeOf(peer: WebPeer, { status, json }: WebStoreAnswer, sopInstanceUid: Uid): StoreOutcome {
  const itemOf = (tag: string): JsonDataSet | undefined =>
    ((json?.[tag]?.Value ?? []) as JsonDataSet[]).find((item) => firstOf(item["00081155"]) === sopInstanceUid);
  const stored = itemOf("00081199");
  if (stored) return { kind: "stored", status: numberOf(stored["00081196"]) ?? 0 };
  const failure = itemOf("00081198") ?? ((json?.["0008119A"]?.Value ?? []) as JsonDataSet[])[0];
  const reason = failure && (numberOf(failure["00081197"]) ?? statuses.processingFailure);
  if (reason === undefined && status >= 200 && status < 300) {
    if (json === null) return { kind: "stored", status: 0 };
    // Orthanc answers so when it could not read a part
    const message = `${peer.name} answered ${status}, and says nothing of the object`;
    return { kind: "refused", status: statuses.processingFailure, permanent: false, message };
  }
  const meant = reason ?? byHttpStatus[status] ?? statuses.cannotUnderstand;
  const meaning = meaningOf(meant);
  if (meaning === "stored") return { kind: "stored", status: meant };
  const message = `${peer.name} answered ${status}${reason === undefined ? "" : ` with Failure Reason ${statusText(reason)}`}`;
  return { kind: "refused", status: meant, permanent: meaning === "refused", message };
}

/** As statuses of C-STORE: 409 without reasons is a refusal; 413 is no lack of room that passes. */
const byHttpStatus: Readonly<Record<number, number>> = { 413: statuses.cannotUnderstand, 415: statuses.sopClassNotSupported };

async function has(peer: WebPeer, sopInstanceUid: Uid, signal: AbortSignal): Promise<boolean> {
  try {
    return (await searchByWeb(peer, `/instances?SOPInstanceUID=${sopInstanceUid}`, signal)).length > 0;
  } catch (error) {
    if (error instanceof RefusedError || error instanceof UnavailableError) return false; // it answers no such searches: its refusal stands
    throw error;
  }
}

export type WebPulled = { readonly remaining: null; readonly completed: number; readonly failed: number; readonly warning: number };

/**
 * Fetches a study or series (QIDO-RS for how much it is, WADO-RS). What comes is taken as what is stored here; what does not come, though the node
 * has counted it, is failed. RefusedError where it has none of it.
 */
export async function pullByWeb(
  node: WebNode,
  { studyInstanceUid, seriesInstanceUid }: { readonly studyInstanceUid: Uid; readonly seriesInstanceUid: Uid | null },
  store: WebStore,
  signal: AbortSignal,
): Promise<WebPulled> {
  const peer = await peerOf(node);
  const one = seriesInstanceUid === null ? "" : `SeriesInstanceUID=${seriesInstanceUid}&`;
  const series = await searchByWeb(peer, `/studies/${studyInstanceUid}/series?${one}includefield=00201209`, signal);
  if (series.length === 0) throw new RefusedError("not-found", `${node.name} has no such study or series`);
  const expected = series.reduce((sum, each) => sum + (numberOf(each["00201209"]) ?? 0), 0);
  const path = `/studies/${studyInstanceUid}${seriesInstanceUid === null ? "" : `/series/${seriesInstanceUid}`}`;
  let [completed, refused] = [0, 0];
  using request = store.begin({ aeTitle: node.aeTitle, remoteAddress: node.host });
  for await (const body of retrieveByWeb(peer, path, signal)) {
    const outcome = await request.store(body, studyInstanceUid);
    if (outcome.kind === "stored") completed += 1;
    else if (["disk-full", "storage-unavailable", "storage-failed"].includes(outcome.code))
      throw new UnavailableError(outcome.code, outcome.message);
    else refused += 1;
  }
  return { remaining: null, completed, failed: refused + Math.max(0, expected - completed - refused), warning: 0 };
}

/** How long it takes to answer a search of one study. Throws where it does not answer. */
export async function testWebNode(node: WebNode, signal: AbortSignal): Promise<{ readonly roundTripMs: number }> {
  const started = performance.now();
  await searchByWeb(await peerOf(node), "/studies?limit=1", signal);
  return { roundTripMs: performance.now() - started };
}

const firstOf = (attribute: JsonAttribute | undefined): unknown => attribute?.Value?.[0];

function numberOf(attribute: JsonAttribute | undefined): number | null {
  const value = firstOf(attribute);
  return value === undefined || value === null || value === "" || !Number.isFinite(Number(value)) ? null : Number(value);
}
