export const roles = ["admin", "engineer", "reviewer"] as const;
/** admin: everything. engineer: settings and health, no judging of results. reviewer: worklist, results. */
export type Role = (typeof roles)[number];
export type User = { readonly id: number; readonly name: string; readonly role: Role };

/** What a user's name looks like: 1 to 64 letters, digits, dots, dashes, underscores or @, the first a letter or digit. */
export const userName = /^[\p{L}\p{N}][\p{L}\p{N}._@-]{0,63}$/u;

/**
 * What somebody must do before anything else is open to them: give the second factor, replace a password that was made for one sign-in, or
 * set a second factor up.
 */
export const debts = ["second-factor", "password", "second-factor-setup"] as const;
export type Debt = (typeof debts)[number];

/** How people sign in here; what an administrator chooses. */
export type SignInSettings = {
  /** A session ends so long after its last request. */
  readonly idleMinutes: number;
  /** And so long after it began, in any case. */
  readonly absoluteHours: number;
  /** Roles that may do nothing without a second factor. */
  readonly secondFactorFor: readonly Role[];
};

/**
 * Workstations on wards are shared: an hour without a request ends a session, and so does the end of a long shift. NIST SP 800-63B-4, AAL2,
 * asks for at most 1 h and 24 h.
 */
export const usualSignInSettings: SignInSettings = { idleMinutes: 60, absoluteHours: 12, secondFactorFor: [] };

/** What a session still owes, the first thing first. */
export function debtOf(
  session: {
    readonly role: Role;
    readonly hasSecondFactor: boolean;
    readonly gaveSecondFactor: boolean;
    readonly hasInitialPassword: boolean;
  },
  { secondFactorFor }: SignInSettings,
): Debt | undefined {
  if (session.hasSecondFactor && !session.gaveSecondFactor) return "second-factor";
  if (session.hasInitialPassword) return "password";
  if (!session.hasSecondFactor && !session.gaveSecondFactor && secondFactorFor.includes(session.role)) return "second-factor-setup";
  return undefined;
}
