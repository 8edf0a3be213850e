import { createHash, randomBytes } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import { RefusedError, UnavailableError } from "../base/errors.ts";
import type { User } from "../domain/user.ts";
import { hashPassword, verifyPassword } from "../host/password.ts";
import { createHostResolver } from "../host/resolve-host.ts";
import { callsFrom } from "../pipeline/accept.ts";
import { addAudit } from "../store/audit.ts";
import type { Database } from "../store/database.ts";
import { findTokenOwner, type TokenOwner } from "../store/node-tokens.ts";
import { findNode } from "../store/settings.ts";
import { addSession, findSession, findUser, removeSession, removeStaleSessions, touchSession } from "../store/users.ts";
import type { Context } from "./context.ts";
import { SignInDelay } from "./sign-in-delay.ts";

export const cookieName = "segbox-session";
/**
 * Workstations on wards are shared: an hour without a request ends the session (the live stream is no request), and so does the end of
 * a long shift. NIST SP 800-63B-4, AAL2, asks for at most 1 h and 24 h.
 */
export const sessionLimits = { idleMs: 60 * 60_000, absoluteMs: 12 * 60 * 60_000 };
const touchEveryMs = 60_000; // a synchronised write per request would be too dear
const mostSignInsAtOnce = 8; // each takes 19 MiB and a core for some 50 ms; inference wants both

export type SignedIn = { readonly user: User; readonly tokenDigest: string };

/** A signed-in person, or a node by its token. */
export type Requester = ({ readonly kind: "user" } & SignedIn) | ({ readonly kind: "node" } & TokenOwner);

/** As the audit trail calls them. */
export function actorOf(requester: Requester): string {
  return requester.kind === "user" ? `user:${requester.user.name}` : `node:${requester.name}`;
}

const noteRefusedTokensEveryMs = 60_000;
const mostRefusedAddresses = 1_000;

/** Who asks: sign-in, sessions, sign-out. The cookie's value is a random token of which the database holds only the SHA-256. */
export class Auth {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #isSecure: boolean;
  readonly #decoyHash: string;
  readonly #delay: SignInDelay;
  readonly #onEnd: (tokenDigest: string) => void;
  readonly #refusedTokens = new Map<string, number>();
  readonly #resolveHost: (host: string) => Promise<readonly string[]>;
  #signIns = 0;

  private constructor(database: Database, clock: Clock, isSecure: boolean, decoyHash: string, onEnd: (tokenDigest: string) => void) {
    this.#database = database;
    this.#clock = clock;
    this.#isSecure = isSecure;
    this.#decoyHash = decoyHash;
    this.#delay = new SignInDelay(clock.now);
    this.#resolveHost = createHostResolver(clock);
    this.#onEnd = onEnd;
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

  /** A new session under a new token, or a refusal that does not tell whether the name or the password is wrong, nor by its time. */
  async signIn(context: Context, name: string, password: string): Promise<User> {
    const address = addressOf(context);
    const waitMs = this.#delay.begin(name, address);
    if (waitMs > 0) {
      const seconds = Math.ceil(waitMs / 1000);
      context.set("Retry-After", String(seconds));
      throw new RefusedError("too-many-tries", `too many failed tries; wait ${seconds} s and try again`);
    }
    if (this.#signIns >= mostSignInsAtOnce) throw new UnavailableError("busy", "too many people sign in just now; try again");
    const user = findUser(this.#database, name);
    this.#signIns++;
    let isRight: boolean;
    try {
      isRight = await verifyPassword(password, user?.passwordHash ?? this.#decoyHash);
    } finally {
      this.#signIns--;
    }
    const at = this.#clock.now();
    if (!user || !isRight) {
      // an unknown name is not written down: people type passwords into the wrong field
      const actor = user ? `user:${user.name}` : "unknown";
      addAudit(this.#database, { at, actor, action: "sign-in-failed", object: "session", detail: { address } });
      throw new RefusedError("sign-in-failed", "the name or the password is wrong");
    }
    const token = randomBytes(32).toString("base64url");
    const earlier = tokenDigestOf(context);
    this.#database.transaction(() => {
      removeStaleSessions(this.#database, { createdBefore: at - sessionLimits.absoluteMs, seenBefore: at - sessionLimits.idleMs });
      if (earlier) removeSession(this.#database, earlier);
      addSession(this.#database, { tokenDigest: digestOf(token), userId: user.id, at });
      addAudit(this.#database, { at, actor: `user:${user.name}`, action: "sign-in", object: "session", detail: { address } });
    });
    if (earlier) this.#onEnd(earlier);
    this.#delay.succeeded(name, address);
    this.#setCookie(context, token);
    return { id: user.id, name: user.name, role: user.role };
  }

  /** Who the request's cookie stands for; counts as activity. */
  signedIn(context: Context): SignedIn | undefined {
    const tokenDigest = tokenDigestOf(context);
    const session = tokenDigest === undefined ? undefined : this.#liveSession(tokenDigest);
    if (!tokenDigest || !session) return undefined;
    const now = this.#clock.now();
    if (now - session.lastSeenAt > touchEveryMs) touchSession(this.#database, tokenDigest, now);
    return { user: session.user, tokenDigest };
  }

  /**
   * Who asks, where nodes may too: a request with an Authorization header is judged by that alone, and refused where it names no node;
   * one without by its cookie. A token counts only from where its node calls from, unless the node's `tokenFrom` says `anywhere`.
   */
  async requester(context: Context): Promise<Requester | undefined> {
    const authorization = context.get("Authorization");
    if (authorization === "") {
      const signedIn = this.signedIn(context);
      return signedIn && { kind: "user", ...signedIn };
    }
    const [, token] = /^Bearer +(\S+)$/i.exec(authorization) ?? [];
    const owner = token === undefined ? undefined : findTokenOwner(this.#database, token, this.#clock.now());
    const isHere = owner !== undefined && (await this.#mayShowToken(owner, addressOf(context)));
    if (owner && isHere) return { kind: "node", ...owner };
    this.#noteRefusedToken(addressOf(context), owner);
    if (owner)
      throw new RefusedError(
        "token-address",
        `the token of ${owner.name} counts only from where that node calls from (callsFrom, or its host)`,
      );
    context.set("WWW-Authenticate", 'Bearer realm="segbox"');
    throw new RefusedError("token-invalid", "expected the token of a node, as `segbox node token NAME` prints it");
  }

  async #mayShowToken({ name }: TokenOwner, address: string): Promise<boolean> {
    const node = findNode(this.#database, name);
    return node !== undefined && (node.tokenFrom === "anywhere" || (await callsFrom(node, address, this.#resolveHost)));
  }

  /** Once a minute and address: nobody fills the audit trail from outside. */
  #noteRefusedToken(address: string, owner: TokenOwner | undefined): void {
    const at = this.#clock.now();
    if (at - (this.#refusedTokens.get(address) ?? 0) < noteRefusedTokensEveryMs) return;
    if (this.#refusedTokens.size >= mostRefusedAddresses) this.#refusedTokens.clear();
    this.#refusedTokens.set(address, at);
    addAudit(this.#database, {
      at,
      actor: owner ? `node:${owner.name}` : "unknown",
      action: "token-refused",
      object: "session",
      detail: { address },
    });
  }

  /** Whether a session still holds; does not count as activity. */
  isAlive(tokenDigest: string): boolean {
    return this.#liveSession(tokenDigest) !== undefined;
  }

  signOut(context: Context, { user, tokenDigest }: SignedIn): void {
    this.#database.transaction(() => {
      removeSession(this.#database, tokenDigest);
      const address = addressOf(context);
      addAudit(this.#database, {
        at: this.#clock.now(),
        actor: `user:${user.name}`,
        action: "sign-out",
        object: "session",
        detail: { address },
      });
    });
    this.#setCookie(context, null);
    this.#onEnd(tokenDigest);
  }

  #liveSession(tokenDigest: string) {
    const session = findSession(this.#database, tokenDigest);
    const now = this.#clock.now();
    if (!session || now - session.lastSeenAt > sessionLimits.idleMs || now - session.createdAt > sessionLimits.absoluteMs) return undefined;
    return session;
  }

  #setCookie(context: Context, token: string | null): void {
    const secure = this.#isSecure ? "; Secure" : "";
    const value = token === null ? `${cookieName}=; Max-Age=0` : `${cookieName}=${token}`;
    context.set("Set-Cookie", `${value}; Path=/; HttpOnly; SameSite=Strict${secure}`);
  }
}

/** Where a request comes from. No proxy header is believed. */
export function addressOf(context: Context): string {
  return context.req.socket.remoteAddress ?? "unknown";
}

function tokenDigestOf(context: Context): string | undefined {
  const token = context.cookies.get(cookieName);
  return token && /^[\w-]{43}$/.test(token) ? digestOf(token) : undefined;
}

function digestOf(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}
