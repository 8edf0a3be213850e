import { RefusedError } from "../../base/errors.ts";
import { dicomJsonText, type JsonAttribute, type JsonDataSet } from "../../dicomweb/dicom-json.ts";
import { chooseDataSetForm, dicomJsonType, dicomXmlType, parseMediaType } from "../../dicomweb/media-types.ts";
import { boundaryOf, readMultipart } from "../../dicomweb/multipart-reader.ts";
import { toNativeXml } from "../../dicomweb/native-xml.ts";
import type { Uid } from "../../domain/ids.ts";
import { resourceUrl } from "../../pipeline/web-search.ts";
import type { WebStored } from "../../pipeline/web-store.ts";
import { addAudit } from "../../store/audit.ts";
import { actorOf, type Requester } from "../auth.ts";
import type { Context } from "../context.ts";
import type { HttpDependencies } from "../dependencies.ts";
import { acceptOf, baseUrlOf, withinOf } from "../dicomweb-request.ts";
import type { Route } from "../route.ts";
import { addressOf } from "../sessions.ts";
import { streamedBody } from "../streamed-body.ts";

const mostParts = 10_000;
/** What people send from here comes from, as far as rules ask for the sender's AE title. */
const titleOfPeople = "WEB";

/** STOW-RS, PS3.18 10.5: Part 10 files in, each durable before the answer. */
export function dicomWebStoreRoutes({ database, clock, dicomWeb }: HttpDependencies): Route[] {
  const route = (path: string): Route => ({
    method: "post",
    path: `/dicom-web/studies${path}`,
    access: ["engineer", "admin"],
    nodes: true,
    handle: async (context: Context, requester: Requester) => {
      const form = chooseDataSetForm(acceptOf(context), "one");
      const { study } = withinOf(context);
      const bodies = bodiesOf(context, dicomWeb.longestStoreMs);
      const aeTitle = requester.kind === "node" ? requester.aeTitle : titleOfPeople;
      const outcomes: WebStored[] = [];
      // Each object is durable before the next is read: who began stands in the trail before the first of them
      addAudit(database, { at: clock.now(), actor: actorOf(requester), action: "dicomweb-store-begun", object: "study", detail: {} });
      using request = dicomWeb.store.begin({ aeTitle, remoteAddress: addressOf(context) });
      try {
        for await (const body of bodies) outcomes.push(await request.store(body, study));
      } finally {
        const stored = outcomes.filter(({ kind }) => kind === "stored").length;
        const detail = { stored, failed: outcomes.length - stored };
        addAudit(database, { at: clock.now(), actor: actorOf(requester), action: "dicomweb-stored", object: "study", detail });
      }
      if (outcomes.length === 0) throw new RefusedError("multipart-malformed", "there is no part in the body");
      const answer = answerOf(outcomes, baseUrlOf(context));
      context.body = form === "xml" ? toNativeXml(answer) : dicomJsonText(answer);
      context.set("Content-Type", form === "xml" ? dicomXmlType : dicomJsonType);
      context.status = statusOf(outcomes);
    },
  });
  return [route(""), route("/:study")];
}

async function* bodiesOf(context: Context, longestMs: number): AsyncGenerator<AsyncIterable<Uint8Array>, void, undefined> {
  const header = context.get("Content-Type");
  const type = header === "" ? null : parseMediaType(header);
  const isOne = type?.type === "application/dicom";
  const inner = type?.parameters.get("type")?.toLowerCase() ?? "application/dicom";
  if (!type || !(isOne || (type.type === "multipart/related" && inner === "application/dicom")))
    throw new RefusedError("body-not-multipart", 'expected a body of type multipart/related; type="application/dicom"');
  const body = streamedBody(context, longestMs);
  if (isOne) {
    yield body;
    return;
  }
  for await (const part of readMultipart(body, boundaryOf(type), { parts: mostParts })) {
    const partType = part.headers.get("content-type");
    if (partType !== undefined && parseMediaType(partType).type !== "application/dicom")
      throw new RefusedError("body-not-multipart", "expected parts of type application/dicom");
    yield part.body;
  }
}

/** PS3.18 table 10.5.3-1: 200 all, 202 some; where none was stored, why: 507 no room, 503 away, 413 too large, else 409. */
function statusOf(outcomes: readonly WebStored[]): number {
  const failures = outcomes.filter((outcome) => outcome.kind === "failed");
  if (failures.length === 0) return 200;
  if (failures.length < outcomes.length) return 202;
  const all = (...codes: readonly string[]): boolean => failures.every(({ code }) => codes.includes(code));
  if (all("disk-full", "storage-unavailable")) return 507;
  if (all("object-too-large")) return 413;
  return all("storage-failed", "database-unavailable") ? 503 : 409;
}

/** Store Instances Response. PS3.18 table I.1-1 */
function answerOf(outcomes: readonly WebStored[], baseUrl: string): JsonDataSet {
  const named = (outcome: WebStored): JsonDataSet => ({
    "00081150": { vr: "UI", Value: [outcome.sopClassUid] },
    "00081155": { vr: "UI", Value: [outcome.sopInstanceUid] },
  });
  const stored = outcomes.flatMap((outcome) => (outcome.kind === "stored" ? [outcome] : []));
  const failed = outcomes.flatMap((outcome) => (outcome.kind === "failed" ? [outcome] : []));
  const reason = (outcome: { reason: number }): JsonDataSet => ({ "00081197": { vr: "US", Value: [outcome.reason] } });
  const sequence = (tag: string, Value: readonly JsonDataSet[]): Record<string, JsonAttribute> =>
    Value.length > 0 ? { [tag]: { vr: "SQ", Value } } : {};
  const url = (study: Uid, series?: Uid, instance?: Uid): JsonAttribute => ({
    vr: "UR",
    Value: [resourceUrl(baseUrl, study, series, instance)],
  });
  const [study, ...others] = new Set(stored.map(({ studyInstanceUid }) => studyInstanceUid));
  return {
    ...(study !== undefined && others.length === 0 && { "00081190": url(study) }),
    ...sequence(
      "00081198",
      failed.filter(({ sopInstanceUid }) => sopInstanceUid !== undefined).map((one) => ({ ...named(one), ...reason(one) })),
    ),
    ...sequence(
      "00081199",
      stored.map((one) => ({ ...named(one), "00081190": url(one.studyInstanceUid, one.seriesInstanceUid, one.sopInstanceUid) })),
    ),
    ...sequence("0008119A", failed.filter(({ sopInstanceUid }) => sopInstanceUid === undefined).map(reason)),
  };
}
