import * as z from "zod/mini";
import type { Session } from "./session.ts";

/** GET /api/account: one's own. */
export type Account = {
  readonly user: Session["user"];
  readonly hasSecondFactor: boolean;
  /** Signs in with the hospital's provider: has neither password nor second factor here. */
  readonly isVouched: boolean;
  /** Whether one's role needs a second factor here. */
  readonly needsSecondFactor: boolean;
  readonly recoveryCodesLeft: number;
  /** The one that was used last first. */
  readonly sessions: readonly AccountSession[];
};

export type AccountSession = {
  readonly id: string;
  /** The session that asks. */
  readonly isOwn: boolean;
  /** Where its last request came from. */
  readonly address: string;
  /** UTC ms. */
  readonly createdAt: number;
  readonly lastSeenAt: number;
};

const password = z.string().check(z.minLength(1), z.maxLength(1024));

/** POST /api/account/password */
export const passwordChange = z.strictObject({ current: password, next: z.string().check(z.minLength(1), z.maxLength(4096)) });
export type PasswordChange = z.infer<typeof passwordChange>;

/** POST /api/account/second-factor; answered by a {@link ProposedSecondFactor}. */
export const passwordRequest = z.strictObject({ password });

/** Of no effect before a code of it came to POST /api/account/second-factor/confirm, which answers with {@link RecoveryCodes}. */
export type ProposedSecondFactor = {
  /** Base32, to be typed by hand. */
  readonly secret: string;
  /** otpauth:, for a QR code. */
  readonly uri: string;
};

/** A code of the authenticator app or, but for `confirm`, a recovery code. */
export const codeRequest = z.strictObject({ code: z.string().check(z.minLength(1), z.maxLength(64)) });

/** Told this once. */
export type RecoveryCodes = { readonly codes: readonly string[] };
