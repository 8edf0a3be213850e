export type LogLevel = "debug" | "info" | "warn" | "error";
/** Our own ids, counts and durations only: no names, no patient ids, no accession numbers, no dataset dumps. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;
export type Log = {
  readonly [level in LogLevel]: (event: string, fields?: LogFields) => void;
};

const ranks: Record<LogLevel, number> = {
  debug: 0,
  info: 1,
  warn: 2,
  error: 3,
};

/** A DICOM UID in a sentence: it leads to a patient in the hospital's archive, so it stays out of the log. Our own row ids lead to the same. */
const uids = /\b(?:2\.25\.\d+|\d+(?:\.\d+){4,})\b/g;

/** JSON lines, one event each: `{"at":"…","level":"info","event":"series-complete",…}`. */
export function createLog(write: (line: string) => void, now: () => number, lowest: LogLevel = "info"): Log {
  const at =
    (level: LogLevel) =>
    (event: string, fields: LogFields = {}): void => {
      if (ranks[level] >= ranks[lowest])
        write(
          `${JSON.stringify({ at: new Date(now()).toISOString(), level, event, ...fields }, (_, value) => (typeof value === "string" ? value.replace(uids, "(UID)") : value))}\n`,
        );
    };
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
  };
}
