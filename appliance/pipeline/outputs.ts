import { newUid } from "../dicom/uids.ts";
import type { ObjectUids, ResultUids } from "../domain/result.ts";
import { type ObjectKind, type ResultOutput, resultOutputs } from "../domain/rule.ts";

export type OutputForm = {
  /** Name in a result's folder. */
  readonly file: string;
  /** Each kind of object makes a series of its own in the study; the numbers are far above those of scanners. */
  readonly seriesNumber: number;
  /** As people call it, in series descriptions and sentences. */
  readonly title: string;
  /** Whether it has something to say where nothing was found. */
  readonly saysNothingFound: boolean;
};

/** Every kind of object that a result can be written as. */
export const outputForms: Readonly<Record<ObjectKind, OutputForm>> = {
  seg: { file: "seg.dcm", seriesNumber: 9001, title: "SEG", saysNothingFound: false },
  rtstruct: { file: "rtstruct.dcm", seriesNumber: 9002, title: "RTSTRUCT", saysNothingFound: false },
  "seg-labelmap": { file: "seg-labelmap.dcm", seriesNumber: 9003, title: "SEG (label map)", saysNothingFound: false },
  sr: { file: "sr.dcm", seriesNumber: 9004, title: "SR", saysNothingFound: true },
  "secondary-capture": { file: "secondary-capture.dcm", seriesNumber: 9005, title: "Secondary capture", saysNothingFound: true },
  pdf: { file: "report.dcm", seriesNumber: 9006, title: "PDF report", saysNothingFound: true },
  "reviewed-sr": { file: "sr-reviewed.dcm", seriesNumber: 9008, title: "SR (reviewed)", saysNothingFound: true },
  "rejection-note": { file: "rejection-note.dcm", seriesNumber: 9007, title: "Rejection note", saysNothingFound: false },
};

/** Which of the outputs are written: all where something was found, else those that can say so, and an empty SEG by wish; never none. */
export function outputsToWrite(outputs: readonly ResultOutput[], isEmpty: boolean, emptySeg: boolean): ResultOutput[] {
  const possible = outputs.filter(
    (output) => !isEmpty || outputForms[output].saysNothingFound || (emptySeg && (output === "seg" || output === "seg-labelmap")),
  );
  return possible.length > 0 ? possible : ["sr"]; // somebody waits for an answer: "nothing found" is one
}

/** New UIDs for every object that a result could be written as. */
export function mintUids(): ResultUids {
  return Object.fromEntries(resultOutputs.map((output) => [output, mintObjectUids()])) as ResultUids;
}

/** New UIDs for one object in a series of its own. */
export function mintObjectUids(): ObjectUids {
  return { seriesInstanceUid: newUid(), sopInstanceUid: newUid() };
}

/** Of several segmentations the one that a report refers to: the binary one, which more readers know. */
export function segmentationAmong(outputs: readonly ResultOutput[]): "seg" | "seg-labelmap" | null {
  return (["seg", "seg-labelmap"] as const).find((output) => outputs.includes(output)) ?? null;
}
