import * as z from "zod/mini";
import { type Role, roles, type SignInSettings, userName } from "../domain/user.ts";

export type { SignInSettings };

/** A line of GET /api/users, by name. */
export type UserSummary = {
  readonly id: number;
  readonly name: string;
  readonly role: Role;
  /** UTC ms. */
  readonly createdAt: number;
  /** Until when the password that the box made for the first sign-in is taken; null where the user has one of their own. */
  readonly initialUntil: number | null;
  readonly hasSecondFactor: boolean;
  /** Signs in with the hospital's provider: has no password here. */
  readonly isVouched: boolean;
  readonly sessions: number;
  /** Of the sessions that there are; null where there is none. */
  readonly lastSeenAt: number | null;
};

const role = z.enum(roles);

/** POST /api/users; answered by an {@link InitialPassword}. */
export const newUser = z.strictObject({
  name: z.string().check(z.regex(userName, "expected 1 to 64 letters, digits, dots, dashes, underscores or @")),
  role,
});
export type NewUser = z.infer<typeof newUser>;

/** POST /api/users/ID/role */
export const roleChange = z.strictObject({ role });

/** For one sign-in, at which it must be replaced. It is told this once. */
export type InitialPassword = { readonly id: number; readonly password: string; readonly initialUntil: number };

/** GET and POST /api/sign-in-settings: a `SignInSettings` of `../domain/user.ts`. */
export const signInSettings = z.strictObject({
  /** NIST SP 800-63B-4, AAL2: at most an hour, and at most a day. */
  idleMinutes: z.int().check(z.gte(5), z.lte(60)),
  absoluteHours: z.int().check(z.gte(1), z.lte(24)),
  secondFactorFor: z.array(role).check(z.maxLength(roles.length)),
});
