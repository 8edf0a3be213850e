import { type JsonAttribute, type JsonDataSet, tagKey } from "../dicomweb/dicom-json.ts";
import { type Condition, isMatch, keyOf, listOf, type Query, type QueryLevel, splitRange, tagsOf } from "../dicomweb/query.ts";
import type { Uid } from "../domain/ids.ts";
import { listStudyUids, type StudyFilter } from "../store/web-objects.ts";
import { listWebSeries, readHeadJson, type Viewer, type WebArchiveOptions, type WebObject, type WebSeries } from "./web-archive.ts";

export type SearchRequest = {
  readonly level: QueryLevel;
  readonly query: Query;
  readonly within: { readonly study?: Uid; readonly series?: Uid };
  readonly viewer: Viewer;
  /** Of the service, without a slash at the end. */
  readonly baseUrl: string;
};

export type SearchAnswer = { readonly matches: readonly JsonDataSet[]; readonly warnings: readonly string[] };

/** Heads of files that one search reads at most; each costs a read of 64 KiB. */
const mostHeads = 5_000;
const studiesAtOnce = 100;

/** A search in the DICOM JSON model, newest study first. PS3.18 10.6 */
export async function search(request: SearchRequest, options: WebArchiveOptions): Promise<SearchAnswer> {
  const { query } = request;
  const searcher = new Searcher(request, options);
  const matches: JsonDataSet[] = [];
  let skip = query.offset;
  let isCut = false;
  if (query.limit > 0)
    for await (const match of searcher.matches()) {
      if (skip-- > 0) continue;
      if (matches.length === query.limit) {
        isCut = true;
        break;
      }
      matches.push(match);
    }
  const more = isCut || searcher.gaveUp ? ["There are additional results that can be requested"] : [];
  return { matches, warnings: [...query.warnings, ...more] };
}

class Searcher {
  readonly #request: SearchRequest;
  readonly #options: WebArchiveOptions;
  readonly #wanted: ReadonlySet<number> | "all";
  #heads = 0;

  constructor(request: SearchRequest, options: WebArchiveOptions) {
    this.#request = request;
    this.#options = options;
    const { include } = request.query;
    const levels: QueryLevel[] = { study: ["study"], series: ["study", "series"], instance: ["study", "series", "instance"] }[
      request.level
    ] as QueryLevel[];
    this.#wanted = include === "all" ? "all" : new Set([...tagsOf(levels), modalityTag, timezoneOffset, ...include]);
  }

  get gaveUp(): boolean {
    return this.#heads >= mostHeads;
  }

  async *matches(): AsyncGenerator<JsonDataSet, void, undefined> {
    const { level, query, within, viewer } = this.#request;
    const filter = filterOf(query.conditions, within.study);
    for (let offset = 0; ; offset += studiesAtOnce) {
      const studies = listStudyUids(this.#options.database, filter, { limit: studiesAtOnce, offset });
      for (const study of studies) {
        const series = (await listWebSeries(study, viewer, this.#options)).filter(
          ({ seriesInstanceUid }) => within.series === undefined || seriesInstanceUid === within.series,
        );
        if (level === "study") yield* this.#study(study, series);
        else for (const one of series) yield* level === "series" ? this.#series(one) : this.#instances(one);
        if (this.gaveUp) return;
      }
      if (studies.length < studiesAtOnce) return;
    }
  }

  async *#study(study: Uid, series: readonly WebSeries[]): AsyncGenerator<JsonDataSet, void, undefined> {
    const heads: JsonDataSet[] = [];
    const one = new Set([modalityTag]);
    for (const [index, each] of series.entries()) heads.push(await this.#firstHead(each, index === 0 ? this.#wanted : one));
    const modalities = new Set(heads.flatMap((head) => (head[tagKey(modalityTag)]?.Value as string[] | undefined) ?? []));
    const { [tagKey(modalityTag)]: _, ...first } = heads[0] ?? {};
    yield* this.#ifMatch({
      ...first,
      [tagKey(0x00080061)]: { vr: "CS", Value: [...modalities].sort() },
      [keyOf("StudyInstanceUID")]: { vr: "UI", Value: [study] },
      [tagKey(0x00201206)]: { vr: "IS", Value: [series.length] },
      [tagKey(0x00201208)]: { vr: "IS", Value: [series.reduce((sum, { instances }) => sum + instances, 0)] },
      [tagKey(0x00081190)]: this.#url(study),
    });
  }

  async *#series(series: WebSeries): AsyncGenerator<JsonDataSet, void, undefined> {
    const { studyInstanceUid, seriesInstanceUid, instances } = series;
    yield* this.#ifMatch({
      ...(await this.#firstHead(series, this.#wanted)),
      [keyOf("StudyInstanceUID")]: { vr: "UI", Value: [studyInstanceUid] },
      [keyOf("SeriesInstanceUID")]: { vr: "UI", Value: [seriesInstanceUid] },
      [tagKey(0x00201209)]: { vr: "IS", Value: [instances] },
      [tagKey(0x00081190)]: this.#url(studyInstanceUid, seriesInstanceUid),
    });
  }

  async *#instances(series: WebSeries): AsyncGenerator<JsonDataSet, void, undefined> {
    const { studyInstanceUid, seriesInstanceUid, objects } = series;
    const uids = this.#request.query.conditions.find(({ keyword }) => keyword === "SOPInstanceUID");
    for (const object of objects({ limit: 1_000_000, offset: 0 })) {
      if (uids && !isMatch(uids, object.sopInstanceUid)) continue;
      if (this.gaveUp) return;
      yield* this.#ifMatch({
        ...(await this.#head(object, this.#wanted)),
        [keyOf("SOPClassUID")]: { vr: "UI", Value: [object.sopClassUid] },
        [keyOf("SOPInstanceUID")]: { vr: "UI", Value: [object.sopInstanceUid] },
        [keyOf("StudyInstanceUID")]: { vr: "UI", Value: [studyInstanceUid] },
        [keyOf("SeriesInstanceUID")]: { vr: "UI", Value: [seriesInstanceUid] },
        [tagKey(0x00081190)]: this.#url(studyInstanceUid, seriesInstanceUid, object.sopInstanceUid),
      });
    }
  }

  *#ifMatch(json: JsonDataSet): Generator<JsonDataSet, void, undefined> {
    if (!this.#request.query.conditions.every((condition) => hasMatch(condition, json[tagKey(condition.tag)]))) return;
    yield { ...json, "00080005": { vr: "CS", Value: ["ISO_IR 192"] }, "00080056": { vr: "CS", Value: ["ONLINE"] } };
  }

  async #firstHead({ objects }: WebSeries, wanted: ReadonlySet<number> | "all"): Promise<JsonDataSet> {
    const [first] = objects({ limit: 1, offset: 0 });
    return first ? this.#head(first, wanted) : {};
  }

  #head(object: WebObject, wanted: ReadonlySet<number> | "all"): Promise<JsonDataSet> {
    this.#heads += 1;
    return readHeadJson(object, wanted);
  }

  #url(study: Uid, series?: Uid, instance?: Uid): JsonAttribute {
    return { vr: "UR", Value: [resourceUrl(this.#request.baseUrl, study, series, instance)] };
  }
}

const modalityTag = 0x00080060;
const timezoneOffset = 0x00080201;

/** The address of a study, series or instance. */
export function resourceUrl(baseUrl: string, study: Uid, series?: Uid, instance?: Uid): string {
  return `${baseUrl}/studies/${study}${series === undefined ? "" : `/series/${series}`}${instance === undefined ? "" : `/instances/${instance}`}`;
}

function hasMatch(condition: Condition, found: JsonAttribute | undefined): boolean {
  const texts = (found?.Value ?? []).map((value) =>
    typeof value === "object" && value !== null ? Object.values(value).join("=") : String(value),
  );
  return texts.some((text) => isMatch(condition, text));
}

/** What the database can tell before anything is read from disk. */
function filterOf(conditions: readonly Condition[], study: Uid | undefined): StudyFilter {
  const value = (keyword: string): string | undefined => conditions.find((each) => each.keyword === keyword)?.value;
  const uids = value("StudyInstanceUID");
  const date = value("StudyDate");
  const [patientId, accessionNumber] = [value("PatientID"), value("AccessionNumber")];
  return {
    ...(study !== undefined && { studyInstanceUids: [study] }),
    ...(study === undefined && uids !== undefined && { studyInstanceUids: listOf(uids) }),
    ...(patientId !== undefined && { patientId }),
    ...(accessionNumber !== undefined && { accessionNumber }),
    ...(date !== undefined && { studyDate: splitRange(date) as [string, string] }),
  };
}
