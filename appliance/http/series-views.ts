import type { PlausibilityFlag, ResultDetail, ResultSummary, SeriesDetail, SeriesSummary, Structure } from "../api/series.ts";
import type { SeriesId } from "../domain/ids.ts";
import type { ModelManifest } from "../domain/model.ts";
import { checkPlausibility, type FlagCode, plausibilityRules } from "../domain/plausibility.ts";
import type { Delivery, Result, StructureMeasure } from "../domain/result.ts";
import type { Series } from "../domain/series.ts";
import { listCompletions } from "../store/completions.ts";
import type { Database } from "../store/database.ts";
import { listDeliveries } from "../store/deliveries.ts";
import { listResults } from "../store/results.ts";
import { getSeries, listSeries } from "../store/series.ts";
import { listPausedNodes } from "../store/settings.ts";
import { deliverySummary } from "./delivery-views.ts";
import type { HttpDependencies } from "./dependencies.ts";
import { listDownloads, provenanceFile, readImagesInfo } from "./result-files.ts";

type Progress = HttpDependencies["progressOf"];

/** A line of the worklist as it is now; undefined where there is no such series. */
export function readSeriesSummary(database: Database, progressOf: Progress, id: SeriesId): SeriesSummary | undefined {
  const series = getSeries(database, id);
  return series && seriesSummary(database, progressOf, series);
}

export function readSeriesSummaries(database: Database, progressOf: Progress, page: { before?: SeriesId; limit: number }): SeriesSummary[] {
  return listSeries(database, page).map((series) => seriesSummary(database, progressOf, series));
}

export type DetailSources = Pick<HttpDependencies, "database" | "progressOf" | "resultFolder" | "findModel">;

export async function readSeriesDetail(sources: DetailSources, id: SeriesId): Promise<SeriesDetail | undefined> {
  const { database, progressOf } = sources;
  const series = getSeries(database, id);
  if (!series) return undefined;
  const resultDetails: ResultDetail[] = [];
  for (const result of listResults(database, id)) resultDetails.push(await resultDetail(sources, result));
  return {
    ...seriesSummary(database, progressOf, series),
    seriesInstanceUid: series.seriesInstanceUid,
    studyInstanceUid: series.studyInstanceUid,
    earlierRemovedAt: series.earlierRemovedAt,
    completions: listCompletions(database, series.id),
    resultDetails,
    plausibilityRules: (Object.keys(plausibilityRules) as FlagCode[]).map((code) => ({ code, ...describeRule(code) })),
  };
}

function seriesSummary(database: Database, progressOf: Progress, series: Series): SeriesSummary {
  const { patientName, patientId, studyDate, studyDescription, seriesDescription } = series.description;
  return {
    id: series.id,
    state: series.state,
    reason: series.reason,
    patientName,
    patientId,
    studyDate,
    studyDescription,
    seriesDescription,
    modality: series.modality,
    callingAeTitle: series.callingAeTitle,
    instanceCount: series.instanceCount,
    differingCopies: series.differingCopies,
    missingImages: series.missingImages,
    imagesRemovedAt: series.imagesRemovedAt,
    firstReceivedAt: series.firstReceivedAt,
    lastReceivedAt: series.lastReceivedAt,
    results: listResults(database, series.id).map((result) => resultSummary(database, result, progressOf(result.id))),
  };
}

function resultSummary(database: Database, result: Result, progress: number | null): ResultSummary {
  const deliveries = listDeliveries(database, result.id);
  const pausedNodes = listPausedNodes(database);
  return {
    id: result.id,
    rule: result.rule.name,
    model: result.modelName,
    state: stateOf(result, deliveries, progress),
    progress: result.state === "pending" ? progress : null,
    reason: result.reason,
    deliveries: deliveries.map((delivery) => deliverySummary(delivery, pausedNodes)),
  };
}

function stateOf({ state, review }: Result, deliveries: readonly Delivery[], progress: number | null): ResultSummary["state"] {
  switch (state) {
    case "pending":
      return progress === null ? "waiting" : "running";
    case "segmented":
      return "encoding";
    case "ready":
      if (review?.verdict === "rejected") return "rejected";
      if (deliveries.some((delivery) => delivery.state === "failed")) return "delivery-failed";
      if (deliveries.some(({ state, commitment }) => state === "waiting" || commitment === "asked")) return "delivering";
      if (deliveries.some((delivery) => delivery.state === "held")) return "held";
      return deliveries.length > 0 ? "delivered" : "done";
    case "failed":
    case "superseded":
      return state;
    default:
      return state satisfies never;
  }
}

async function resultDetail({ database, progressOf, resultFolder, findModel }: DetailSources, result: Result): Promise<ResultDetail> {
  const model = findModel(result.modelName, result.modelVersion);
  return {
    ...resultSummary(database, result, progressOf(result.id)),
    modelTitle: model?.title ?? result.modelName,
    modelVersion: result.modelVersion,
    intendedUse: model?.intendedUse ?? "",
    notFor: model?.notFor ?? "",
    createdAt: result.createdAt,
    flags: result.structures && model ? flagsOf(result.structures, model) : null,
    review: result.review,
    structures: result.structures?.map((measure) => structureOf(measure, model)) ?? null,
    images: result.structures && (await readImagesInfo(resultFolder(result.id))),
    files: result.structures ? [...(await listDownloads(resultFolder(result.id))), provenanceFile] : [],
    record: result.record,
  };
}

/** That a structure is cut off is said in its own line already. */
function flagsOf(structures: readonly StructureMeasure[], { labels }: ModelManifest): PlausibilityFlag[] {
  return checkPlausibility(structures, labels)
    .filter(({ code }) => code !== "truncated")
    .map(({ code, severity, message, source }) => ({ code, severity, message, source, ...describeRule(code) }));
}

function describeRule(code: FlagCode): { title: string; explanation: string } {
  const { title, explanation } = plausibilityRules[code];
  return { title, explanation };
}

/** A structure under the names its model gives it; under its number where that model is no longer installed. */
function structureOf({ value, volumeMl, meanHu, touchesBorder, centreIjk }: StructureMeasure, model: ModelManifest | undefined): Structure {
  const label = model?.labels.find((label) => label.value === value);
  return {
    value,
    name: label?.name ?? `label_${value}`,
    title: label?.title ?? `Label ${value}`,
    color: label?.color ?? [200, 200, 200],
    volumeMl,
    meanHu,
    touchesBorder,
    centreIjk,
  };
}
