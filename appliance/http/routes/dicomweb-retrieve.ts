import { Readable } from "node:stream";
import { RefusedError } from "../../base/errors.ts";
import { parseBulkDataPath } from "../../dicomweb/bulk-data.ts";
import {
  chooseDataSetForm,
  chooseFrameForm,
  chooseObjectForm,
  choosePictureType,
  dicomJsonType,
  dicomXmlType,
} from "../../dicomweb/media-types.ts";
import type { Part } from "../../dicomweb/multipart-writer.ts";
import { parseRenderOptions, parseThumbnailOptions, type RenderOptions } from "../../dicomweb/render.ts";
import type { Retrieved, RetrieveQuestion } from "../../pipeline/retrieve.ts";
import { findWebObjects, type WebObject } from "../../pipeline/web-archive.ts";
import { resourceUrl } from "../../pipeline/web-search.ts";
import { addAudit } from "../../store/audit.ts";
import { actorOf, type Requester } from "../auth.ts";
import type { Context } from "../context.ts";
import type { HttpDependencies } from "../dependencies.ts";
import { asParts, objectParts, piecesOf } from "../dicomweb-parts.ts";
import { acceptOf, baseUrlOf, viewerOf, withinOf } from "../dicomweb-request.ts";
import { everyRole, notFound, type Route } from "../route.ts";

const auditEveryMs = 60 * 60_000;
const mostRemembered = 10_000;

type Handle = (context: Context, objects: readonly WebObject[], signal: AbortSignal) => Promise<void>;

/** WADO-RS, PS3.18 10.4: objects, their metadata, frames, values and pictures. */
export function dicomWebRetrieveRoutes({ database, clock, resultFolder, dicomWeb }: HttpDependencies): Route[] {
  const options = { database, resultFolder, objects: dicomWeb.objects };
  const { retriever } = dicomWeb;
  /** Who has looked at what lately: a viewer asks for hundreds of frames, the audit trail has one line an hour. */
  const noted = new Set<string>();

  function audit(requester: Requester, objects: readonly WebObject[]): void {
    const at = clock.now();
    const actor = actorOf(requester);
    for (const object of new Set(objects.map(({ of }) => of))) {
      const key = `${actor} ${object} ${Math.floor(at / auditEveryMs)}`;
      if (noted.has(key)) continue;
      addAudit(database, { at, actor, action: "dicomweb-retrieved", object, detail: {} });
      if (noted.size >= mostRemembered) noted.clear();
      noted.add(key); // only now: where the line could not be written, the next request must not pass for noted
    }
  }

  const route = (path: string, handle: Handle, choose = all): Route => ({
    method: "get",
    path: `/dicom-web/studies/:study${path}`,
    access: everyRole,
    nodes: true,
    handle: async (context: Context, requester: Requester) => {
      const { study, ...within } = withinOf(context);
      const objects = choose(await findWebObjects({ study: study!, ...within }, viewerOf(requester), options));
      if (objects.length === 0) throw notFound("study, series or instance");
      audit(requester, objects);
      const gone = new AbortController();
      context.res.once("close", () => gone.abort(new Error("the client has gone")));
      await handle(context, objects, gone.signal);
    },
  });

  /** What a child has made; its file is closed with the answer, also where nobody read it. */
  const retrieve = async (context: Context, request: RetrieveQuestion, signal: AbortSignal): Promise<Retrieved> => {
    const made = await retriever.ask(request, signal);
    const close = (): void => void made.file.close().catch(() => {}); // it has no name: nothing is lost
    if (context.res.closed) close();
    else context.res.once("close", close);
    return made;
  };

  const objects: Handle = async (context, found, signal) => {
    const syntaxes = found.map(({ transferSyntaxUid }) => transferSyntaxUid);
    const form = chooseObjectForm(acceptOf(context), syntaxes);
    const parts = objectParts(found, form, retriever, signal);
    // The first part is made before the answer begins, so that what can't be given is told with a status
    context.res.once("close", () => void parts.return().catch(() => {})); // whatever was not sent: nobody asks for it any more
    const first = await parts.next();
    if (first.done) throw notFound("object");
    if (form.multipart) return asParts(context, "application/dicom", withFirst(first.value, parts));
    context.body = Readable.from(first.value.body, { objectMode: false });
    context.set("Content-Type", first.value.headers["Content-Type"]!);
  };

  const metadata: Handle = async (context, found, signal) => {
    const form = chooseDataSetForm(acceptOf(context), "parts");
    const base = baseUrlOf(context);
    const described = found.map((one) => ({
      path: one.path,
      url: resourceUrl(base, one.studyInstanceUid, one.seriesInstanceUid, one.sopInstanceUid),
    }));
    const made = await retrieve(context, { kind: "metadata", form, objects: described }, signal);
    if (form === "xml") return asParts(context, dicomXmlType, partsOf(made, dicomXmlType));
    context.body = wholeOf(made);
    context.set("Content-Type", dicomJsonType);
  };

  const frames: Handle = async (context, [object], signal) => {
    const numbers = framesIn(context);
    const form = chooseFrameForm(acceptOf(context), object!.transferSyntaxUid, numbers.length);
    const request = { kind: "frames", path: object!.path, frames: numbers, asStored: form.asStored } as const;
    const made = await retrieve(context, request, signal);
    // Frames without compression are little endian whatever the object is written in
    const syntax = form.asStored && form.type !== "application/octet-stream" ? object!.transferSyntaxUid : "1.2.840.10008.1.2.1";
    const base = baseUrlOf(context);
    const url = resourceUrl(base, object!.studyInstanceUid, object!.seriesInstanceUid, object!.sopInstanceUid);
    async function* parts(): AsyncGenerator<Part, void, undefined> {
      let index = 0;
      for await (const body of piecesOf(made))
        yield {
          headers: {
            "Content-Type": `${form.type}; transfer-syntax=${syntax}`,
            "Content-Location": `${url}/frames/${numbers[index++]! + 1}`,
          },
          body,
        };
    }
    if (form.multipart) return asParts(context, form.type, parts());
    context.body = wholeOf(made);
    context.set("Content-Type", `${form.type}; transfer-syntax=${syntax}`);
  };

  const bulkData: Handle = async (context, [object], signal) => {
    const element = parseBulkDataPath([context.params.element].flat().join("/"));
    if (element === null) throw notFound("value");
    const form = chooseFrameForm(acceptOf(context), "1.2.840.10008.1.2.1", 1); // values go out as octets, whatever the object is stored as
    const made = await retrieve(context, { kind: "bulk-data", path: object!.path, element }, signal);
    if (form.multipart) return asParts(context, form.type, partsOf(made, form.type));
    context.body = wholeOf(made);
    context.set("Content-Type", form.type);
  };

  const pictureWith =
    (optionsOf: (query: Context["query"]) => RenderOptions, usualFrame: number | "middle"): Handle =>
    async (context, [object], signal) => {
      const type = choosePictureType(acceptOf(context));
      const [frame, ...more] = context.params.frames === undefined ? [usualFrame] : framesIn(context);
      if (more.length > 0) throw new RefusedError("parameter-invalid", "frames: expected one frame, since JPEG and PNG hold one picture");
      const request = { kind: "render", path: object!.path, frame: frame!, type, options: optionsOf(context.query) } as const;
      context.body = wholeOf(await retrieve(context, request, signal));
      context.type = type;
    };
  const rendered = pictureWith(parseRenderOptions, 0);
  const thumbnail = pictureWith(parseThumbnailOptions, "middle");

  const one = "/series/:series/instances/:instance";
  return [
    route("", objects),
    route("/series/:series", objects),
    route(one, objects),
    route("/metadata", metadata),
    route("/series/:series/metadata", metadata),
    route(`${one}/metadata`, metadata),
    route(`${one}/frames/:frames`, frames),
    route(`${one}/rendered`, rendered),
    route(`${one}/frames/:frames/rendered`, rendered),
    route("/thumbnail", thumbnail, inTheMiddle),
    route("/series/:series/thumbnail", thumbnail, inTheMiddle),
    route(`${one}/thumbnail`, thumbnail),
    route(`${one}/frames/:frames/thumbnail`, thumbnail),
    route(`${one}/bulkdata/*element`, bulkData),
  ];
}

const all = (objects: readonly WebObject[]): readonly WebObject[] => objects;

/** What stands for a study or series: the object in the middle of its largest series, which is one of images where there is any. */
function inTheMiddle(objects: readonly WebObject[]): readonly WebObject[] {
  const series = Map.groupBy(objects, ({ seriesInstanceUid }) => seriesInstanceUid);
  const [largest = []] = [...series.values()].toSorted((a, b) => b.length - a.length);
  return largest.slice(largest.length >> 1).slice(0, 1);
}

async function* partsOf(made: Retrieved, type: string): AsyncGenerator<Part, void, undefined> {
  for await (const body of piecesOf(made)) yield { headers: { "Content-Type": type }, body };
}

function wholeOf(made: Retrieved): Readable {
  async function* bytes(): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const piece of piecesOf(made)) yield* piece;
  }
  return Readable.from(bytes(), { objectMode: false });
}

/** Frame numbers of an address, as indices from 0. */
function framesIn(context: Context): number[] {
  const text = String(context.params.frames);
  if (!/^[1-9]\d{0,6}(,[1-9]\d{0,6}){0,999}$/.test(text))
    throw new RefusedError("parameter-invalid", "frames: expected numbers from 1 on, with commas between them, at most 1000");
  return text.split(",").map((number) => Number(number) - 1);
}

async function* withFirst(first: Part, rest: AsyncGenerator<Part, void, undefined>): AsyncGenerator<Part, void, undefined> {
  try {
    yield first;
    yield* rest;
  } finally {
    await rest.return();
  }
}
