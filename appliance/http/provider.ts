import { readFile } from "node:fs/promises";
import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  type Configuration,
  calculatePKCECodeChallenge,
  customFetch,
  discovery,
  fetchUserInfo,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
} from "openid-client";
import type { Clock } from "../base/clock.ts";
import { messageOf, RefusedError, UnavailableError } from "../base/errors.ts";
import type { ProviderSettings } from "../config/provider-settings.ts";
import { type Role, roles, userName } from "../domain/user.ts";
import { fetchBelieving } from "./provider-fetch.ts";

/** A person as the provider knows them. */
export type Vouched = {
  /** Who it is, for good: the provider and its name for them, which nobody else gets (OpenID Connect Core, section 2, `sub`). */
  readonly subject: string;
  /** What they are called here. */
  readonly name: string;
  /** Undefined: none of their groups has one. */
  readonly role: Role | undefined;
  /** It says that they gave a second factor (`amr`, RFC 8176). */
  readonly gaveSecondFactor: boolean;
};

/** A sign-in on its way. */
type Begun = { readonly state: string; readonly nonce: string; readonly verifier: string; readonly begunAt: number };

/** How long a person may take at the provider. */
const patienceMs = 10 * 60_000;
const mostBegun = 1_000;
const scope = "openid profile";
/** Methods that are another factor beside a password or a PIN (RFC 8176). */
const otherFactors = new Set(["otp", "hwk", "fpt", "face", "iris", "retina", "vbm", "sc", "swk", "sms", "tel"]);
const knownFactors = new Set(["pwd", "pin"]);

/** Signing in by the hospital's OpenID Connect provider: authorization code with PKCE, state and nonce. */
export class Provider {
  readonly settings: ProviderSettings;
  readonly #clock: Clock;
  #configuration: Promise<Configuration> | undefined;
  /** By the key in the browser's cookie. In memory: whoever was on the way when the box started anew begins again. */
  readonly #begun = new Map<string, Begun>();

  constructor(settings: ProviderSettings, clock: Clock) {
    this.settings = settings;
    this.#clock = clock;
  }

  /**
   * Where to send a browser that wants to sign in, and what it has to bring back in a cookie. UnavailableError where the provider does not answer.
   *
   * @param redirectUri where the provider sends it back to
   */
  async begin(redirectUri: string): Promise<{ url: URL; key: string }> {
    const configuration = await this.#configured();
    const [state, nonce, verifier, key] = [randomState(), randomNonce(), randomPKCECodeVerifier(), randomState()];
    const now = this.#clock.now();
    for (const [other, { begunAt }] of this.#begun)
      if (Math.abs(now - begunAt) > patienceMs || this.#begun.size >= mostBegun) this.#begun.delete(other);
      else break; // they stand in the order of their beginning
    this.#begun.set(key, { state, nonce, verifier, begunAt: now });
    const url = buildAuthorizationUrl(configuration, {
      redirect_uri: redirectUri,
      scope,
      state,
      nonce,
      code_challenge: await calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
      // OpenID Connect Core 5.5: some say how somebody signed in only when they are asked to
      ...(configuration.serverMetadata().claims_parameter_supported && { claims: JSON.stringify({ id_token: { amr: null } }) }),
    });
    return { url, key };
  }

  /**
   * Who came back. RefusedError where this browser did not begin it, or the provider says no.
   *
   * @param returned the address with which the provider sent the browser back
   */
  async finish(key: string, returned: URL): Promise<Vouched> {
    const begun = this.#begun.get(key);
    this.#begun.delete(key);
    if (!begun || Math.abs(this.#clock.now() - begun.begunAt) > patienceMs)
      throw new RefusedError("sign-in-stale", "this sign-in was not begun by this browser, or long ago; begin again");
    const configuration = await this.#configured();
    const claims = await this.#claims(configuration, begun, returned);
    const { sub } = claims;
    const name = [claims.preferred_username, claims.email, sub].find(
      (said): said is string => typeof said === "string" && userName.test(said),
    );
    if (name === undefined)
      throw new RefusedError(
        "name-unusable",
        "the provider gave no name of letters, digits, dots, dashes, underscores or @ (preferred_username, email)",
      );
    const role = roleOf(claims[this.settings.groupsClaim], this.settings.roles);
    return {
      subject: `${this.settings.issuer}#${sub}`,
      name,
      role,
      gaveSecondFactor: hasTwoFactors(claims.amr),
    };
  }

  /** Those of the ID token, and of the userinfo endpoint where there is one: many providers put groups only there. */
  async #claims(
    configuration: Configuration,
    { state, nonce, verifier }: Begun,
    returned: URL,
  ): Promise<Record<string, unknown> & { sub: string }> {
    try {
      const checks = { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: verifier, idTokenExpected: true };
      const tokens = await authorizationCodeGrant(configuration, returned, checks);
      const claims = tokens.claims()!;
      const hasMore = configuration.serverMetadata().userinfo_endpoint !== undefined;
      const more = hasMore ? await fetchUserInfo(configuration, tokens.access_token, claims.sub) : {};
      return { ...more, ...claims };
    } catch (error) {
      throw new RefusedError("provider-refused", `the sign-in provider did not vouch for this person: ${innermost(error)}`, {
        cause: error,
      });
    }
  }

  /** What the provider says of itself, asked once; anew after a failure. */
  #configured(): Promise<Configuration> {
    this.#configuration ??= this.#discover().catch((error: unknown) => {
      this.#configuration = undefined;
      throw new UnavailableError("provider-away", `the sign-in provider can't be used: ${innermost(error)}`, { cause: error });
    });
    return this.#configuration;
  }

  async #discover(): Promise<Configuration> {
    const { issuer, clientId, clientSecretFile, authorities } = this.settings;
    const secret = (await readFile(clientSecretFile, "utf8")).trim();
    const fetching = fetchBelieving(authorities === undefined ? null : await readFile(authorities, "utf8"));
    const url = new URL(issuer);
    return discovery(url, clientId, secret, undefined, {
      [customFetch]: fetching,
      ...(url.protocol === "http:" && { execute: [allowInsecureRequests] }), // the settings take that on loopback alone
    });
  }
}

/** Whether methods of authentication say that more than one factor was given: `mfa`, or something known and something else. One alone does not. */
export function hasTwoFactors(amr: unknown): boolean {
  const methods = Array.isArray(amr) ? amr.map(String) : [];
  return (
    methods.includes("mfa") || (methods.some((method) => knownFactors.has(method)) && methods.some((method) => otherFactors.has(method)))
  );
}

/** The library wraps what happened in what it was about to do. */
function innermost(error: unknown): string {
  return error instanceof Error && error.cause instanceof Error ? innermost(error.cause) : messageOf(error);
}

/** The role that may most of those that the groups have; undefined: none. */
export function roleOf(said: unknown, groups: ProviderSettings["roles"]): Role | undefined {
  const those = new Set(Array.isArray(said) ? said : [said]);
  return roles.find((role) => groups[role].some((group) => those.has(group)));
}
