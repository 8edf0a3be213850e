import { systemClock } from "../base/clock.ts";
import type { QueryKeys, QueryMatch } from "../dicom/query.ts";
import { findAt } from "../pipeline/ask-node.ts";
import { addAudit } from "../store/audit.ts";
import { type Arguments, type Command, optional, UsageError } from "./command.ts";
import { withNode } from "./with-node.ts";

/** Options, the attributes that they match, and those shown of each match. */
const keysOf = {
  patient: "patientId",
  name: "patientName",
  date: "studyDate",
  accession: "accessionNumber",
  study: "studyInstanceUid",
} as const;
const shown = {
  study: [
    "studyDate",
    "patientId",
    "patientName",
    "studyDescription",
    "modalitiesInStudy",
    "numberOfStudyRelatedInstances",
    "studyInstanceUid",
  ],
  series: ["seriesNumber", "modality", "seriesDescription", "numberOfSeriesRelatedInstances", "seriesInstanceUid"],
} as const;

export const nodeFind: Command = {
  words: ["node", "find"],
  summary: "ask a DICOM node which studies or series it has (C-FIND)",
  help: `
segbox node find NAME --data DIR [--patient ID] [--name NAME] [--date DATES] [--accession NUMBER] [--study UID [--series]]

Lists what a node has: studies, one a line, or with --series the series of one study. Values may hold * and ?, dates a range (20260101-20260131).

  --patient ID        Patient ID
  --name NAME         Patient's Name, as DICOM writes it: Roe^Richard
  --date DATES        Study Date
  --accession NUMBER  Accession Number
  --study UID         Study Instance UID
  --series            the series of the study that --study names
  --json              all that the node returned, one JSON object a line
  --data DIR          the service's data folder
`,
  options: {
    data: { type: "string" },
    ...(Object.fromEntries(Object.keys(keysOf).map((name) => [name, { type: "string" }])) as Record<
      keyof typeof keysOf,
      { type: "string" }
    >),
    series: { type: "boolean" },
    json: { type: "boolean" },
  },
  positionals: 1,
  run: (args) =>
    withNode(args, async ({ database, name, caller }) => {
      const level = args.values.series === true ? "series" : "study";
      const keys = keysIn(args);
      if (level === "series" && keys.studyInstanceUid === undefined) throw new UsageError("--series needs --study UID");
      addAudit(database, {
        at: systemClock.now(),
        actor: "console",
        action: "node-queried",
        object: `node:${name}`,
        detail: { level, by: Object.keys(keys) },
      });
      const { matches, isCut } = await findAt(database, name, { level, keys }, caller);
      const line = args.values.json === true ? JSON.stringify : (match: QueryMatch) => lineOf(match, shown[level]);
      for (const match of matches) process.stdout.write(`${line(match)}\n`);
      if (isCut) process.stderr.write("there may be more; ask for less\n");
      return 0;
    }),
};

function keysIn(args: Arguments): QueryKeys {
  return Object.fromEntries(
    Object.entries(keysOf).flatMap(([option, attribute]) => {
      const value = optional(args, option);
      return value === undefined ? [] : [[attribute, value]];
    }),
  );
}

/** Columns two spaces apart; what a terminal would take for a command is left out. */
function lineOf(match: QueryMatch, attributes: readonly (keyof QueryMatch)[]): string {
  return attributes.map((name) => (match[name] ?? "").replace(/\p{C}/gu, "") || "-").join("  ");
}
