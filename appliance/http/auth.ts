import { randomBytes } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import { RefusedError, UnavailableError } from "../base/errors.ts";
import { hashPassword, verifyPassword } from "../host/password.ts";
import { settleVouched } from "../store/accounts.ts";
import { addAudit } from "../store/audit.ts";
import type { Database } from "../store/database.ts";
import { removeSession, removeSessionsOf } from "../store/sessions.ts";
import { readSignInSettings } from "../store/sign-in-settings.ts";
import { type Credentials, findUser, findVouched, getUser } from "../store/users.ts";
import { type Bearer, Bearers, type Opens } from "./bearer.ts";
import type { Context } from "./context.ts";
import type { Vouched } from "./provider.ts";
import { addressOf, Sessions, type SignedIn } from "./sessions.ts";
import { SignInDelay } from "./sign-in-delay.ts";

const mostSignInsAtOnce = 8; // each takes 19 MiB and a core for some 50 ms; inference wants both

/** A signed-in person, or a node or another program by its token. */
export type Requester = ({ readonly kind: "user" } & SignedIn) | Bearer;

/** As the audit trail calls them. */
export function actorOf(requester: Requester): string {
  return requester.kind === "user" ? `user:${requester.user.name}` : `${requester.kind}:${requester.name}`;
}

/** Who asks: sign-in, and what each request shows. */
export class Auth {
  readonly sessions: Sessions;
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #decoyHash: string;
  readonly #delay: SignInDelay;
  readonly #onEnd: (tokenDigest: string) => void;
  readonly #bearers: Bearers;
  #verifying = 0;

  private constructor(database: Database, clock: Clock, isSecure: boolean, decoyHash: string, onEnd: (tokenDigest: string) => void) {
    this.sessions = new Sessions({ database, clock, isSecure });
    this.#database = database;
    this.#clock = clock;
    this.#decoyHash = decoyHash;
    this.#delay = new SignInDelay(clock.now);
    this.#onEnd = onEnd;
    this.#bearers = new Bearers(database, clock);
  }

  /** @param onEnd called with the digest of a session's token when that session was ended on purpose */
  static async create(options: {
    database: Database;
    clock: Clock;
    isSecure: boolean;
    onEnd: (tokenDigest: string) => void;
  }): Promise<Auth> {
    const decoyHash = await hashPassword(randomBytes(16).toString("hex"));
    return new Auth(options.database, options.clock, options.isSecure, decoyHash, options.onEnd);
  }

  /**
   * A new session under a new token, or a refusal that does not tell whether the name or the password is wrong, nor by its time. Who has a
   * second factor has shown one of two: the tries before stay counted until the other one was right too.
   */
  async signIn(context: Context, name: string, password: string): Promise<SignedIn> {
    const address = addressOf(context);
    this.countTry(context, name, "account");
    const user = findUser(this.#database, name);
    const isRight = await this.verify(password, user?.passwordHash ?? this.#decoyHash);
    const at = this.#clock.now();
    const begun = this.#database.transaction(() => {
      const now = user && getUser(this.#database, user.id); // it may have been changed while the password was looked at
      if (!now || now.passwordHash !== user.passwordHash || !isRight || isOver(now, at)) {
        // an unknown name is not written down: people type passwords into the wrong field
        const actor = user ? `user:${user.name}` : "unknown";
        addAudit(this.#database, { at, actor, action: "sign-in-failed", object: "session", detail: { address } });
        return undefined;
      }
      const detail = { address, ...(now.hasSecondFactor && { step: "password" }) };
      addAudit(this.#database, { at, actor: `user:${now.name}`, action: "sign-in", object: "session", detail });
      return { user: now, ...this.sessions.begin(context, now.id) };
    });
    if (!begun) throw new RefusedError("sign-in-failed", "the name or the password is wrong");
    if (begun.ended) this.#onEnd(begun.ended);
    if (!begun.user.hasSecondFactor) this.rightTry(context, name, "account");
    return this.#handOver(context, begun.token);
  }

  /** Notes that a browser came back from the sign-in provider, and nobody vouched for anybody. */
  noteNotVouched(context: Context, code: string): void {
    const detail = { address: addressOf(context), by: "provider", code };
    addAudit(this.#database, { at: this.#clock.now(), actor: "unknown", action: "sign-in-failed", object: "session", detail });
  }

  /**
   * A new session of somebody for whom the sign-in provider vouches, whose account is made or brought up to date. Refused where none of their groups
   * has a role, where somebody else has their name, and where their role needs a second factor that the provider does not speak of.
   */
  signInVouched(context: Context, vouched: Vouched): void {
    const [at, address] = [this.#clock.now(), addressOf(context)];
    const { subject, name, role, gaveSecondFactor } = vouched;
    const fail = (code: string, message: string) => {
      const ended = this.#database.transaction(() => {
        addAudit(this.#database, {
          at,
          actor: `user:${name}`,
          action: "sign-in-failed",
          object: "session",
          detail: { address, by: "provider", code },
        });
        const account = role ? undefined : findVouched(this.#database, subject);
        return account ? removeSessionsOf(this.#database, account.id) : []; // who has lost every role has nothing to do here any more
      });
      this.ended(ended);
      return new RefusedError(code, message);
    };
    if (!role) throw fail("no-role", "none of this person's groups has a role here");
    if (!gaveSecondFactor && readSignInSettings(this.#database).secondFactorFor.includes(role))
      throw fail(
        "second-factor-missing",
        "their role needs a second factor here, and the provider does not say that one was given (claim amr)",
      );
    if (!findVouched(this.#database, subject) && findUser(this.#database, name))
      throw fail("name-taken", "somebody else has this name here; an administrator renames or removes that account");
    const { token, ended } = this.#database.transaction(() => {
      const settled = settleVouched(this.#database, { actor: "provider", at }, { subject, name, role, passwordHash: this.#decoyHash });
      const detail = { address, by: "provider", ...(gaveSecondFactor && { secondFactor: true }) };
      addAudit(this.#database, { at, actor: `user:${settled.name}`, action: "sign-in", object: "session", detail });
      const begun = this.sessions.begin(context, settled.id, gaveSecondFactor);
      return { token: begun.token, ended: [...settled.ended, ...(begun.ended ? [begun.ended] : [])] };
    });
    this.ended(ended);
    this.#handOver(context, token);
  }

  /** Refused where it is not the user's own password; slowed down like signing in, since a session may be left open on a ward. */
  async confirmPassword(context: Context, { user }: SignedIn, password: string): Promise<Credentials> {
    this.countTry(context, user.name, "account");
    const credentials = getUser(this.#database, user.id);
    if (!credentials || !(await this.verify(password, credentials.passwordHash)))
      throw new RefusedError("password-wrong", "this is not your password; nothing was changed");
    this.rightTry(context, user.name, "account");
    return credentials;
  }

  /** @param change runs in a transaction with the renewal; gives the digests of other sessions that it has ended */
  renew(context: Context, signedIn: SignedIn, change: () => readonly string[], gaveSecondFactor?: boolean): SignedIn {
    const { token, ended } = this.#database.transaction(() => {
      const others = change();
      const renewed = this.sessions.renew(context, signedIn, gaveSecondFactor);
      return { token: renewed.token, ended: [...others, renewed.ended] };
    });
    this.ended(ended);
    return this.#handOver(context, token);
  }

  /** Tells that sessions have ended. */
  ended(tokenDigests: readonly string[]): void {
    for (const digest of tokenDigests) this.#onEnd(digest);
  }

  /**
   * Who asks, where tokens count too: a request with an Authorization header is judged by that alone, and refused where it names nobody;
   * one without by its cookie.
   */
  async requester(context: Context, opens: Opens): Promise<Requester | undefined> {
    if (context.get("Authorization") === "") {
      const signedIn = this.sessions.of(context);
      return signedIn && { kind: "user", ...signedIn };
    }
    return this.#bearers.of(context, opens);
  }

  signOut(context: Context, { user, tokenDigest }: SignedIn): void {
    this.#database.transaction(() => {
      removeSession(this.#database, tokenDigest);
      const detail = { address: addressOf(context) };
      addAudit(this.#database, { at: this.#clock.now(), actor: `user:${user.name}`, action: "sign-out", object: "session", detail });
    });
    this.sessions.setCookie(context, null);
    this.#onEnd(tokenDigest);
  }

  /** Whether a secret is the one that was hashed. UnavailableError when too many are looked at already. */
  async verify(secret: string, hash: string): Promise<boolean> {
    if (this.#verifying >= mostSignInsAtOnce) throw new UnavailableError("busy", "too many people sign in just now; try again");
    this.#verifying++;
    try {
      return await verifyPassword(secret, hash);
    } finally {
      this.#verifying--;
    }
  }

  /** Counts a try, or refuses it where there were too many. `rightTry` takes it back. */
  countTry(context: Context, name: string, kind: "account" | "code"): void {
    const waitMs = this.#delay.begin(name, addressOf(context), kind);
    if (waitMs === 0) return;
    const seconds = Math.ceil(waitMs / 1000);
    context.set("Retry-After", String(seconds));
    throw new RefusedError("too-many-tries", `too many failed tries; wait ${seconds} s and try again`);
  }

  rightTry(context: Context, name: string, kind: "account" | "code"): void {
    this.#delay.succeeded(name, addressOf(context), kind);
  }

  /** The session of a token that was just made, which the browser now gets. */
  #handOver(context: Context, token: string): SignedIn {
    this.sessions.setCookie(context, token);
    const signedIn = this.sessions.ofToken(token);
    if (!signedIn) throw new RefusedError("signed-out", "the session has ended; sign in");
    return signedIn;
  }
}

/** Whether a password that the box made was not used in time. */
function isOver({ initialUntil }: Credentials, now: number): boolean {
  return initialUntil !== null && now > initialUntil;
}
