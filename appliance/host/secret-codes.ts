import { randomBytes } from "node:crypto";
import { base32 } from "./totp.ts";

const recoveryCodeCount = 10;

/** Ten codes of 80 bits, in groups of four: `ABCD-EFGH-IJKL-MNOP`. */
export function makeRecoveryCodes(): string[] {
  return Array.from({ length: recoveryCodeCount }, () => inGroups(base32(randomBytes(10)), 4));
}

/** A recovery code as it was made, however it was typed; undefined where it can't be one. */
export function readRecoveryCode(text: string): string | undefined {
  const letters = text.toUpperCase().replaceAll(/[\s-]/g, "");
  return /^[A-Z2-7]{16}$/.test(letters) ? inGroups(letters, 4) : undefined;
}

/** A password for one sign-in, 100 bits, easy to read out: `abcde-fghij-klmno-pqrst`. */
export function makeInitialPassword(): string {
  return inGroups(base32(randomBytes(13)).slice(0, 20).toLowerCase(), 5);
}

function inGroups(text: string, size: number): string {
  return (text.match(new RegExp(`.{1,${size}}`, "g")) ?? []).join("-");
}
