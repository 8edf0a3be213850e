import { formatInstant } from "./format.ts";

const entries = (n: number): string => `${n} ${n === 1 ? "entry" : "entries"}`;

/** What is said about the audit trail. */
export const auditTexts = {
  title: "Audit trail",
  lead: "Who did what, when. Entries can be neither changed nor deleted; each is chained to the one before. Looking and exporting are noted too.",
  failed: "The audit trail could not be loaded.",
  chain: "Chain",
  whole: (n: number, at: number) => `Whole up to entry ${n}, checked ${formatInstant(at)}.`,
  broken: (id: number, reason: string, at: number) => `Broken: entry ${id} ${reason}. Checked ${formatInstant(at)}.`,
  brokenHelp: "Somebody has changed the database. Keep it as it is, and compare it with the audit server's copy and with a backup.",
  notChecked: "Not checked since the start.",
  checking: "Being checked…",
  verify: "Check now",
  verifyFailed: "The check did not come to its end.",
  server: "Audit server",
  noServer:
    "None: the trail is on this box alone, where whoever has the machine can make it anew. The site file names one under audit.syslog.",
  sent: (server: string, at: number | null) =>
    at === null ? `${server} has everything.` : `${server} has everything, last sent ${formatInstant(at)}.`,
  waiting: (server: string, n: number, oldestAt: number | null) =>
    `${entries(n)} ${n === 1 ? "waits" : "wait"} for ${server}${oldestAt === null ? "" : `, the oldest of ${formatInstant(oldestAt)}`}.`,
  serverError: (message: string, at: number) => `Last try, ${formatInstant(at)}: ${message}`,
  unprotected: "Not protected: by plain TCP.",
  search: "Look for",
  from: "From",
  until: "Until",
  who: "Who",
  whoHelp: "a user's name, or node:NAME, token:NAME, ae:TITLE, console, system",
  what: "What",
  anything: "anything",
  study: "Study Instance UID",
  show: "Show",
  export: "Export as JSON lines",
  columns: { entry: "Entry", at: "When", actor: "Who", action: "What", object: "On what", detail: "Details" },
  caption: "Entries, newest first",
  none: "There is no such entry.",
  older: "Show older entries",
};
