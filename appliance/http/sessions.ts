import { createHash, randomBytes } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import { RefusedError } from "../base/errors.ts";
import { type Debt, debtOf, type User } from "../domain/user.ts";
import type { Database } from "../store/database.ts";
import { addSession, findSession, removeSession, removeStaleSessions, type Session, touchSession } from "../store/sessions.ts";
import { readSignInSettings, sessionLimitsAt } from "../store/sign-in-settings.ts";
import type { Context } from "./context.ts";

export const cookieName = "segbox-session";
const touchEveryMs = 60_000; // a synchronised write per request would be too dear

export type SignedIn = {
  readonly user: User;
  readonly tokenDigest: string;
  /** What must be done before other routes open. */
  readonly owes: Debt | undefined;
};

/** The cookie's value is a random token of which the database holds only the SHA-256. */
export class Sessions {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #isSecure: boolean;

  constructor(options: { database: Database; clock: Clock; isSecure: boolean }) {
    this.#database = options.database;
    this.#clock = options.clock;
    this.#isSecure = options.isSecure;
  }

  /**
   * A new session, in place of the one that the browser had, whose digest it gives back. Runs inside a transaction; `setCookie` follows
   * when that has held.
   */
  begin(context: Context, userId: number, gaveSecondFactor = false): { token: string; ended: string | undefined } {
    const at = this.#clock.now();
    const token = makeToken();
    const ended = tokenDigestOf(context);
    removeStaleSessions(this.#database, sessionLimitsAt(at, readSignInSettings(this.#database)));
    if (ended) removeSession(this.#database, ended);
    const times = { createdAt: at, lastSeenAt: at };
    addSession(this.#database, { ...times, tokenDigest: digestOf(token), userId, address: addressOf(context), gaveSecondFactor });
    return { token, ended };
  }

  /** The same session under a new token: what it may do has changed. Its end stays where it was. Runs inside a transaction. */
  renew(context: Context, { user, tokenDigest }: SignedIn, gaveSecondFactor?: boolean): { token: string; ended: string } {
    const earlier = findSession(this.#database, tokenDigest);
    if (!earlier) throw new RefusedError("signed-out", "the session has ended meanwhile; sign in"); // what was ended does not come back
    const token = makeToken();
    removeSession(this.#database, tokenDigest);
    const at = this.#clock.now();
    addSession(this.#database, {
      tokenDigest: digestOf(token),
      userId: user.id,
      address: addressOf(context),
      gaveSecondFactor: gaveSecondFactor ?? earlier.gaveSecondFactor,
      createdAt: earlier.createdAt,
      lastSeenAt: at,
    });
    return { token, ended: tokenDigest };
  }

  /** Who the request's cookie stands for; counts as activity. */
  of(context: Context): SignedIn | undefined {
    const tokenDigest = tokenDigestOf(context);
    const session = tokenDigest === undefined ? undefined : this.#live(tokenDigest);
    if (!tokenDigest || !session) return undefined;
    const now = this.#clock.now();
    if (now - session.lastSeenAt > touchEveryMs) touchSession(this.#database, tokenDigest, now, addressOf(context));
    return this.#signedIn(session, tokenDigest);
  }

  /** Who a token stands for that was just made. */
  ofToken(token: string): SignedIn | undefined {
    const session = this.#live(digestOf(token));
    return session && this.#signedIn(session, digestOf(token));
  }

  /** Whether a session still opens what is open to its user; does not count as activity. */
  isOpen(tokenDigest: string): boolean {
    const session = this.#live(tokenDigest);
    return session !== undefined && this.#debt(session) === undefined;
  }

  setCookie(context: Context, token: string | null): void {
    const secure = this.#isSecure ? "; Secure" : "";
    const value = token === null ? `${cookieName}=; Max-Age=0` : `${cookieName}=${token}`;
    context.set("Set-Cookie", `${value}; Path=/; HttpOnly; SameSite=Strict${secure}`);
  }

  #live(tokenDigest: string): Session | undefined {
    const session = findSession(this.#database, tokenDigest);
    const limits = sessionLimitsAt(this.#clock.now(), readSignInSettings(this.#database));
    if (!session || session.lastSeenAt < limits.seenBefore || session.createdAt < limits.createdBefore) return undefined;
    return session;
  }

  #signedIn(session: Session, tokenDigest: string): SignedIn {
    return { user: session.user, tokenDigest, owes: this.#debt(session) };
  }

  #debt({ user, ...rest }: Session): Debt | undefined {
    return debtOf({ ...rest, role: user.role }, readSignInSettings(this.#database));
  }
}

/** Where a request comes from. No proxy header is believed. */
export function addressOf(context: Context): string {
  return context.req.socket.remoteAddress ?? "unknown";
}

function makeToken(): string {
  return randomBytes(32).toString("base64url");
}

function tokenDigestOf(context: Context): string | undefined {
  const token = context.cookies.get(cookieName);
  return token && /^[\w-]{43}$/.test(token) ? digestOf(token) : undefined;
}

function digestOf(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}
