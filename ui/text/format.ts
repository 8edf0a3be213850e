/** Numbers, dates and names as people read them. Months are words: 01/02 means two different days on two sides of an ocean. */
const locale = "en-GB";
const day = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
const dayHere = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", year: "numeric" });
const time = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit" });
const timeToSecond = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const oneDigit = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });

/** A DICOM DA value, `20260131`, as `31 Jan 2026`; what is not a date comes back as it is. PS3.5 section 6.2. */
export function formatDicomDate(da: string): string {
  const [, year, month, date] = /^(\d{4})\.?(\d{2})\.?(\d{2})$/.exec(da) ?? [];
  const at = Date.UTC(Number(year), Number(month) - 1, Number(date));
  return Number.isNaN(at) ? legible(da) : day.format(at);
}

/** `14:02` for today, else `31 Jan 2026, 14:02`. */
export function formatMoment(at: number, now: number): string {
  return dayHere.format(at) === dayHere.format(now) ? time.format(at) : `${dayHere.format(at)}, ${time.format(at)}`;
}

/** `31 Jan 2026, 14:02:09` */
export function formatInstant(at: number): string {
  return `${dayHere.format(at)}, ${timeToSecond.format(at)}`;
}

/** A DICOM PN value, `Doe^Jane^^Dr`, as `Doe, Jane, Dr`: the first component group that is not empty. PS3.5 section 6.2.1. */
export function formatPersonName(pn: string): string {
  const group = pn.split("=").find((group) => group.replaceAll("^", "").trim() !== "") ?? "";
  return legible(
    group
      .split("^")
      .map((part) => part.trim())
      .filter((part) => part !== "")
      .join(", "),
  );
}

/** Text from outside without what could make it read otherwise than it is: control characters and bidirectional overrides show as such. */
export function legible(text: string, longest = 200): string {
  const short = text.length > longest ? `${text.slice(0, longest)}…` : text;
  return short.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "\ufffd");
}

export function formatMl(ml: number): string {
  return ml < 100 ? oneDigit.format(ml) : whole.format(ml);
}

export function formatHu(hu: number): string {
  return whole
    .format(hu)
    .replace("-", "\u2212")
    .replace(/^\u22120$/, "0");
}

export function formatPercent(share: number): string {
  return `${Math.floor(share * 100)} %`;
}

export function formatBytes(bytes: number): string {
  return bytes >= 1e9 ? `${oneDigit.format(bytes / 1e9)} GB` : `${whole.format(bytes / 1e6)} MB`;
}

export function formatSeconds(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${oneDigit.format(ms / 1000)} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** `10 s`, `30 min` */
export function formatDuration(ms: number): string {
  return ms < 120_000 ? `${Math.round(ms / 100) / 10} s` : `${Math.round(ms / 60_000)} min`;
}
