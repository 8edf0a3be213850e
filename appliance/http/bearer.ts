import type { Clock } from "../base/clock.ts";
import { RefusedError } from "../base/errors.ts";
import type { TokenScope } from "../domain/token-scope.ts";
import { createHostResolver } from "../host/resolve-host.ts";
import { callsFrom } from "../pipeline/accept.ts";
import { type ApiToken, findApiToken } from "../store/api-tokens.ts";
import { addAudit } from "../store/audit.ts";
import type { Database } from "../store/database.ts";
import { findTokenOwner, type TokenOwner } from "../store/node-tokens.ts";
import { findNode } from "../store/settings.ts";
import type { Context } from "./context.ts";
import { addressOf } from "./sessions.ts";

/** A node, or another program, by its token. */
export type Bearer = ({ readonly kind: "node" } & TokenOwner) | ({ readonly kind: "token" } & ApiToken);

/** Which tokens open a route. */
export type Opens = { readonly nodes?: boolean | undefined; readonly scope?: TokenScope | undefined };

const noteRefusedTokensEveryMs = 60_000;
const mostRefusedAddresses = 1_000;

/** Whom a request's Authorization header names. */
export class Bearers {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #resolveHost: (host: string) => Promise<readonly string[]>;
  readonly #refused = new Map<string, number>();

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
    this.#resolveHost = createHostResolver(clock);
  }

  /**
   * Refused where the token was not issued, has run out, or does not open this. A node's token counts only from where the node calls from, unless
   * the node's `tokenFrom` says `anywhere`.
   */
  async of(context: Context, { nodes = false, scope }: Opens): Promise<Bearer> {
    const [, secret = ""] = /^Bearer +(\S+)$/i.exec(context.get("Authorization")) ?? [];
    const now = this.#clock.now();
    const owner = findTokenOwner(this.#database, secret, now);
    const token = findApiToken(this.#database, secret, now);
    if (owner && nodes) {
      if (await this.#mayShowToken(owner, addressOf(context))) return { kind: "node", ...owner };
      this.#noteRefused(addressOf(context), owner);
      throw new RefusedError(
        "token-address",
        `the token of ${owner.name} counts only from where that node calls from (callsFrom, or its host)`,
      );
    }
    if (token && token.scope === scope) return { kind: "token", ...token };
    if (owner || token) throw new RefusedError("scope", "this token does not open this address");
    this.#noteRefused(addressOf(context));
    context.set("WWW-Authenticate", 'Bearer realm="segbox"');
    const made = nodes ? "a node, as `segbox node token NAME` prints it" : "a program, as an administrator issues it";
    throw new RefusedError("token-invalid", `expected the token of ${made}; this one was not issued, was revoked or has run out`);
  }

  async #mayShowToken({ name }: TokenOwner, address: string): Promise<boolean> {
    const node = findNode(this.#database, name);
    return node !== undefined && (node.tokenFrom === "anywhere" || (await callsFrom(node, address, this.#resolveHost)));
  }

  /** Once a minute and address: nobody fills the audit trail from outside. */
  #noteRefused(address: string, owner?: TokenOwner): void {
    const at = this.#clock.now();
    if (at - (this.#refused.get(address) ?? 0) < noteRefusedTokensEveryMs) return;
    if (this.#refused.size >= mostRefusedAddresses) this.#refused.clear();
    this.#refused.set(address, at);
    const actor = owner ? `node:${owner.name}` : "unknown";
    addAudit(this.#database, { at, actor, action: "token-refused", object: "session", detail: { address } });
  }
}
