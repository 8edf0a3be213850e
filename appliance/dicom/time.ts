/** A date as DICOM writes it (VR DA), in a time zone so many minutes east of UTC. */
export function dicomDate(utcMs: number, offsetMinutes: number): string {
  return local(utcMs, offsetMinutes).slice(0, 8);
}

/** A time as DICOM writes it (VR TM), to the millisecond, in a time zone so many minutes east of UTC. */
export function dicomTime(utcMs: number, offsetMinutes: number): string {
  const text = local(utcMs, offsetMinutes);
  return `${text.slice(9, 15)}.${text.slice(16, 19)}`;
}

/** Minutes east of UTC of a Timezone Offset From UTC, `+0130` or `-0500` (PS3.3 C.12.1.1.8); null for anything else. */
export function parseTimezoneOffset(text: string): number | null {
  const match = /^([+-])(\d\d)([0-5]\d)$/.exec(text.trim());
  if (!match) return null;
  const minutes = Number(match[2]) * 60 + Number(match[3]);
  if (minutes > 14 * 60) return null;
  return match[1] === "-" ? -minutes : minutes;
}

/** `20261123T143015.250Z` */
function local(utcMs: number, offsetMinutes: number): string {
  return new Date(utcMs + offsetMinutes * 60_000).toISOString().replace(/[-:]/g, "");
}
