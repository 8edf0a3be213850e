import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

/** What authenticator apps take for granted: SHA-1, 30 s, six digits. RFC 6238; the key URI format of Google Authenticator. */
const stepMs = 30_000;
const digits = 6;
/** A code counts in the step before and after its own, for clocks that are off and fingers that are slow. RFC 6238, 5.2. */
const tolerance = 1;
/** RFC 4648, 6. */
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** 160 bits, RFC 4226, 4, R6. */
export function makeTotpSecret(): Buffer {
  return randomBytes(20);
}

/** The code of a time step; step 0 began at the epoch. RFC 4226, 5.3. */
export function totpCode(secret: Uint8Array, step: number): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac("sha1", secret).update(counter).digest();
  const offset = mac[mac.length - 1]! & 0xf;
  return String((mac.readUInt32BE(offset) & 0x7fffffff) % 10 ** digits).padStart(digits, "0");
}

/** The time step that a code belongs to at `now` (UTC ms), or undefined where it is wrong. Each step after `lastStep` is looked at. */
export function totpStep(secret: Uint8Array, code: string, now: number, lastStep: number): number | undefined {
  if (!isTotpCode(code)) return undefined;
  const current = Math.floor(now / stepMs);
  let found: number | undefined;
  for (let step = Math.max(0, current - tolerance); step <= current + tolerance; step++)
    if (timingSafeEqual(Buffer.from(totpCode(secret, step)), Buffer.from(code)) && step > lastStep) found ??= step;
  return found;
}

export function isTotpCode(text: string): boolean {
  return /^\d{6}$/.test(text);
}

export function base32(bytes: Uint8Array): string {
  let text = "";
  let [bits, held] = [0, 0];
  for (const byte of bytes) {
    held = (held << 8) | byte;
    for (bits += 8; bits >= 5; bits -= 5) text += alphabet[(held >>> (bits - 5)) & 31];
    held &= (1 << bits) - 1;
  }
  return bits > 0 ? text + alphabet[(held << (5 - bits)) & 31] : text;
}

/** What the QR code of an authenticator app says. */
export function totpUri(secret: Uint8Array, issuer: string, account: string): string {
  const label = `${encodeURIComponent(issuer)}:${encodeURIComponent(account)}`;
  return `otpauth://totp/${label}?secret=${base32(secret)}&issuer=${encodeURIComponent(issuer)}`;
}
