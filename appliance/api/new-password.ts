import { ZxcvbnFactory } from "@zxcvbn-ts/core";
import { adjacencyGraphs, dictionary } from "@zxcvbn-ts/language-common";
import { RefusedError } from "../base/errors.ts";
import { longestPassword, shortestPassword } from "./password-length.ts";

/** What must be left of it without the names that anybody here would try. */
const fewestOwnCharacters = 8;
const leastStrength = 3; // more than 10^8 guesses: with argon2id and the pauses at sign-in out of reach
const mostJudged = 64; // the estimate takes longer than in proportion

/** 0: guessed at once … 4: not guessed. By an estimate of how many guesses it takes, common passwords and patterns first. */
export type PasswordStrength = 0 | 1 | 2 | 3 | 4;
export type PasswordJudgement = {
  readonly strength: PasswordStrength;
  /** Why it is not taken. */
  readonly fault?: { readonly code: "password-length" | "password-names" | "password-common"; readonly message: string };
};

const estimator = new ZxcvbnFactory({ dictionary, graphs: adjacencyGraphs });

/**
 * How good a new password is, and whether it is taken: its length, the 49,000 most common ones and what is like them (repeated, reversed,
 * beside each other on a keyboard), and the names around it. By SP 800-63B-4, 3.1.1.2.
 *
 * @param names the user's, the station's: what is known of this place
 */
export function judgePassword(password: string, names: readonly string[]): PasswordJudgement {
  const characters = [...password].length;
  const known = ["segbox", ...names.flatMap((name) => name.toLowerCase().split(/[^\p{L}\p{N}]+/u))].filter((name) => name.length >= 3);
  const strength = estimator.check([...password].slice(0, mostJudged).join(""), known).score as PasswordStrength;
  const judged = (code: NonNullable<PasswordJudgement["fault"]>["code"], message: string) => ({ strength, fault: { code, message } });
  if (characters < shortestPassword || characters > longestPassword)
    return judged("password-length", `expected a password of ${shortestPassword} to ${longestPassword} characters, found ${characters}`);
  const own = known.reduce((left, name) => left.replaceAll(name, ""), password.toLowerCase());
  if ([...own].length < fewestOwnCharacters)
    return judged("password-names", "expected more than the names of this box and its user; add words that are not theirs");
  if (strength < leastStrength)
    return judged("password-common", "expected a password that is not easily guessed; take a few words that do not belong together");
  return { strength };
}

/** Refuses what {@link judgePassword} has something against. */
export function requireGoodPassword(password: string, names: readonly string[]): void {
  const { fault } = judgePassword(password, names);
  if (fault) throw new RefusedError(fault.code, fault.message);
}
