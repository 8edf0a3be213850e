import { RefusedError } from "../base/errors.ts";
import { hashPassword } from "../host/password.ts";
import type { Sealing } from "../host/sealing.ts";
import { makeRecoveryCodes, readRecoveryCode } from "../host/secret-codes.ts";
import { base32, makeTotpSecret, totpStep, totpUri } from "../host/totp.ts";
import { addAudit } from "../store/audit.ts";
import type { Database } from "../store/database.ts";
import {
  confirmSecondFactor,
  findSecondFactor,
  listRecoveryCodes,
  proposeSecondFactor,
  removeSecondFactor,
  replaceRecoveryCodes,
  type SecondFactor,
  useRecoveryCode,
  useStep,
} from "../store/second-factors.ts";
import { removeSessionsOf } from "../store/sessions.ts";
import type { Auth } from "./auth.ts";
import type { Context } from "./context.ts";
import { addressOf, type SignedIn } from "./sessions.ts";

export type SecondFactorOptions = {
  readonly database: Database;
  readonly now: () => number;
  /** What the secrets are sealed with. */
  readonly sealing: Sealing;
  readonly auth: Auth;
};

/** A code that was found to be right; `use` says whether nobody was faster with it. Runs inside a transaction. */
type RightCode = { readonly kind: "totp" | "recovery-code"; readonly use: () => boolean };

/** The second factor: codes of an authenticator app (TOTP, RFC 6238), and recovery codes for when it is lost. */
export class SecondFactors {
  readonly #options: SecondFactorOptions;

  constructor(options: SecondFactorOptions) {
    this.#options = options;
  }

  /** The second step of signing in: the session that owes a code gets a new token, and opens. */
  async give(context: Context, signedIn: SignedIn, code: string): Promise<SignedIn> {
    const { auth, database } = this.#options;
    const { id, name } = signedIn.user;
    const right = await this.#require(context, signedIn, code);
    const opened = auth.renew(
      context,
      signedIn,
      () => {
        if (!right.use()) throw wrongCode();
        const left = listRecoveryCodes(database, id).length;
        this.#audit(context, signedIn, "second-factor-given", right.kind === "totp" ? {} : { recoveryCodesLeft: left });
        return [];
      },
      true,
    );
    auth.rightTry(context, name, "code");
    auth.rightTry(context, name, "account");
    return opened;
  }

  /** A new secret, of no effect until `confirm`. */
  propose(context: Context, signedIn: SignedIn, issuer: string): { secret: string; uri: string } {
    const { database, sealing } = this.#options;
    const { user } = signedIn;
    if (findSecondFactor(database, user.id)?.since != null)
      throw new RefusedError("second-factor-there", "there is a second factor already; remove it first");
    const secret = makeTotpSecret();
    database.transaction(() => {
      proposeSecondFactor(database, user.id, sealing.seal(secret, purposeOf(user.id)));
      this.#audit(context, signedIn, "second-factor-proposed");
    });
    return { secret: base32(secret), uri: totpUri(secret, issuer, user.name) };
  }

  /** Takes the proposed secret into use: the app has shown a code of it. Other sessions end. Gives the recovery codes, which are told this once. */
  async confirm(context: Context, signedIn: SignedIn, code: string): Promise<string[]> {
    const { auth, database, now } = this.#options;
    const { id } = signedIn.user;
    const proposed = findSecondFactor(database, id);
    if (!proposed || proposed.since !== null) throw new RefusedError("second-factor-missing", "there is none to confirm; begin again");
    auth.countTry(context, signedIn.user.name, "code");
    const step = totpStep(this.#unseal(proposed, id), code, now(), proposed.lastStep);
    if (step === undefined) throw wrongCode();
    const { codes, hashes } = await makeHashedCodes();
    auth.renew(
      context,
      signedIn,
      () => {
        if (findSecondFactor(database, id)?.sealedSecret !== proposed.sealedSecret || !useStep(database, id, step)) throw wrongCode();
        confirmSecondFactor(database, id, now());
        replaceRecoveryCodes(database, id, hashes);
        this.#audit(context, signedIn, "second-factor-set-up");
        return removeSessionsOf(database, id, signedIn.tokenDigest);
      },
      true,
    );
    auth.rightTry(context, signedIn.user.name, "code");
    return codes;
  }

  /** Asks for a code once more: who has the password and a session that was left open has not got the telephone. */
  async remove(context: Context, signedIn: SignedIn, code: string): Promise<void> {
    const { auth, database } = this.#options;
    const { id, name } = signedIn.user;
    const right = await this.#require(context, signedIn, code);
    auth.renew(
      context,
      signedIn,
      () => {
        if (!right.use()) throw wrongCode();
        removeSecondFactor(database, id);
        this.#audit(context, signedIn, "second-factor-removed");
        return removeSessionsOf(database, id, signedIn.tokenDigest);
      },
      false,
    );
    auth.rightTry(context, name, "code");
  }

  /** Ten new ones in place of those that are left. */
  async renewRecoveryCodes(context: Context, signedIn: SignedIn, code: string): Promise<string[]> {
    const { auth, database } = this.#options;
    const right = await this.#require(context, signedIn, code);
    const { codes, hashes } = await makeHashedCodes();
    database.transaction(() => {
      if (!right.use()) throw wrongCode();
      replaceRecoveryCodes(database, signedIn.user.id, hashes);
      this.#audit(context, signedIn, "recovery-codes-renewed");
    });
    auth.rightTry(context, signedIn.user.name, "code");
    return codes;
  }

  async #require(context: Context, signedIn: SignedIn, code: string): Promise<RightCode> {
    const { auth } = this.#options;
    auth.countTry(context, signedIn.user.name, "code");
    const right = await this.#rightCode(signedIn.user.id, code);
    if (right) return right;
    this.#audit(context, signedIn, "second-factor-failed");
    throw wrongCode();
  }

  async #rightCode(userId: number, code: string): Promise<RightCode | undefined> {
    const { auth, database, now } = this.#options;
    const factor = findSecondFactor(database, userId);
    if (!factor || factor.since === null) throw new RefusedError("second-factor-missing", "there is no second factor here");
    const recoveryCode = readRecoveryCode(code);
    if (recoveryCode === undefined) {
      const step = totpStep(this.#unseal(factor, userId), code.replaceAll(" ", ""), now(), factor.lastStep);
      return step === undefined ? undefined : { kind: "totp", use: () => useStep(database, userId, step) };
    }
    for (const hash of listRecoveryCodes(database, userId))
      if (await auth.verify(recoveryCode, hash)) return { kind: "recovery-code", use: () => useRecoveryCode(database, userId, hash) };
    return undefined;
  }

  #unseal({ sealedSecret }: SecondFactor, userId: number): Buffer {
    const secret = this.#options.sealing.unseal(sealedSecret, purposeOf(userId));
    if (!secret)
      throw new RefusedError(
        "second-factor-unreadable",
        "the second factor can't be read with this box's key (secret.key); restore the key, or run `segbox user reset NAME --second-factor` at the box",
      );
    return secret;
  }

  #audit(context: Context, { user }: SignedIn, action: string, detail = {}): void {
    const { database, now } = this.#options;
    const actor = `user:${user.name}`;
    addAudit(database, { at: now(), actor, action, object: actor, detail: { address: addressOf(context), ...detail } });
  }
}

function purposeOf(userId: number): string {
  return `totp of user ${userId}`;
}

function wrongCode(): RefusedError {
  return new RefusedError("code-wrong", "the code is wrong, or was used already; wait for the next one");
}

/** The codes have 80 bits, too few for a plain digest: argon2id, as SP 800-63B-4, 3.1.2.2, asks for below 112. */
async function makeHashedCodes(): Promise<{ codes: string[]; hashes: string[] }> {
  const codes = makeRecoveryCodes();
  const hashes: string[] = [];
  for (const code of codes) hashes.push(await hashPassword(code)); // one after the other: each takes 19 MiB
  return { codes, hashes };
}
