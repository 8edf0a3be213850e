import { existsSync } from "node:fs";
import { systemClock } from "../base/clock.ts";
import { readHeads } from "../pipeline/audit-heads.ts";
import { type AuditFilter, addAudit, listKeptAudit } from "../store/audit.ts";
import { findLink, verifyAudit } from "../store/audit-chain.ts";
import { type Arguments, type Command, optional, UsageError } from "./command.ts";
import { withBox } from "./with-box.ts";

const pageSize = 1_000;
const filterOptions = {
  data: { type: "string" },
  from: { type: "string" },
  until: { type: "string" },
  actor: { type: "string" },
  action: { type: "string" },
  study: { type: "string" },
} as const;
const filterHelp = `
  --data DIR       the service's data folder; the service may be running
  --from TIME      from this time on: 2026-11-26, or 2026-11-26T08:00:00Z (UTC where no offset is given)
  --until TIME     before this time
  --actor ACTOR    user:NAME, node:NAME, ae:TITLE, console or system
  --action ACTION  sign-in, series-viewed, result-accepted ...
  --study UID      about a study that is here, by its Study Instance UID`;

export const auditList: Command = {
  words: ["audit", "list"],
  summary: "show the newest entries of the audit trail",
  help: `
segbox audit list --data DIR [--limit N] [--from TIME] [--until TIME] [--actor ACTOR] [--action ACTION] [--study UID]

Prints the newest entries that pass, newest first, as JSON lines.
${filterHelp}
  --limit N        at most so many, else 100
`,
  options: { ...filterOptions, limit: { type: "string" } },
  positionals: 0,
  run: (args) =>
    withBox(args, async (database) => {
      const limit = optional(args, "limit") ?? "100";
      if (!/^[1-9]\d{0,5}$/.test(limit)) throw new UsageError(`--limit: expected a number from 1 to 999999, found ${limit}`);
      for (const entry of listKeptAudit(database, filterOf(args), Number(limit))) process.stdout.write(`${JSON.stringify(entry)}\n`);
      return 0;
    }),
};

export const auditExport: Command = {
  words: ["audit", "export"],
  summary: "print the audit trail as JSON lines",
  help: `
segbox audit export --data DIR [--from TIME] [--until TIME] [--actor ACTOR] [--action ACTION] [--study UID]

Prints every entry that passes, newest first, as JSON lines, each with its number and digest; that it was done is the trail's next entry.
${filterHelp}
`,
  options: filterOptions,
  positionals: 0,
  run: (args) =>
    withBox(args, async (database) => {
      const filter = filterOf(args);
      addAudit(database, { at: systemClock.now(), actor: "console", action: "audit-exported", object: "audit", detail: { ...filter } });
      let before = Number.MAX_SAFE_INTEGER;
      for (;;) {
        const page = listKeptAudit(database, filter, pageSize, before);
        const text = page.map((entry) => `${JSON.stringify(entry)}\n`).join("");
        if (!process.stdout.write(text)) await new Promise((resolve) => process.stdout.once("drain", resolve));
        if (page.length < pageSize) return 0;
        before = page.at(-1)!.id;
      }
    }),
};

export const auditVerify: Command = {
  words: ["audit", "verify"],
  summary: "check that nobody changed the audit trail",
  help: `
segbox audit verify --data DIR [--heads FILE] [--head DIGEST] [--key FILE]

Does the sums of the trail's chain again and names the first entry that was changed, deleted, moved or inserted; exit code 1 then. The heads that
the service signed into the data folder count too. Whoever can write there can make all of it anew: only a head that was kept elsewhere tells.

  --data DIR     the service's data folder; the service may be running
  --heads FILE   signed heads that were kept elsewhere: what the syslog server wrote, or the service's log (event audit-head)
  --head DIGEST  one that was kept elsewhere, by its digest; or a file, as with --heads
  --key FILE     the box's public key (PEM) as it was kept elsewhere; else DIR/audit-key.pem.pub
`,
  options: { data: { type: "string" }, heads: { type: "string" }, head: { type: "string" }, key: { type: "string" } },
  positionals: 0,
  run: (args) =>
    withBox(args, async (database, folder) => {
      const given = optional(args, "head");
      const isDigest = given !== undefined && /^[0-9a-f]{64}$/.test(given);
      const elsewhere = [optional(args, "heads"), isDigest ? undefined : given].filter((file) => file !== undefined);
      const files = [...(existsSync(folder.auditHeads) ? [folder.auditHeads] : []), ...elsewhere];
      const keyFile = optional(args, "key") ?? `${folder.auditKey}.pub`;
      const heads = (await Promise.all(files.map((file) => readHeads(file, keyFile)))).flat();
      const { entries, last, broken } = verifyAudit(database, heads);
      if (broken) {
        process.stdout.write(`entry ${broken.id} ${broken.reason}; the ${entries} before it are whole\n`);
        return 1;
      }
      if (isDigest && !findLink(database, given)) {
        process.stdout.write(`no entry has the digest ${given}: the end was cut off, or the chain was made anew\n`);
        return 1;
      }
      process.stdout.write(`${entries} entries are whole; the last has the digest ${last.digest}\n`);
      return 0;
    }),
};

function filterOf(args: Arguments): AuditFilter {
  return {
    ...timeOf(args, "from"),
    ...timeOf(args, "until"),
    actor: optional(args, "actor"),
    action: optional(args, "action"),
    study: optional(args, "study"),
  };
}

function timeOf(args: Arguments, name: "from" | "until"): { readonly [name: string]: number } {
  const text = optional(args, name);
  if (text === undefined) return {};
  const isTime = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)?)?$/.test(text);
  const at = isTime ? Date.parse(/T.*(Z|[+-]\d\d:\d\d)$/.test(text) || !text.includes("T") ? text : `${text}Z`) : Number.NaN;
  if (Number.isNaN(at)) throw new UsageError(`--${name}: expected a time such as 2026-11-26T08:00:00Z, found ${text}`);
  return { [name]: at };
}
