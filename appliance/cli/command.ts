import { type ParseArgsOptionsConfig, parseArgs } from "node:util";
import { messageOf } from "../base/errors.ts";

/** The command line can't be understood. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export type Values = Readonly<Record<string, string | boolean | undefined>>;
export type Arguments = { readonly values: Values; readonly positionals: readonly string[] };

export type Command = {
  /** `user add` */
  readonly words: readonly string[];
  readonly summary: string;
  readonly help: string;
  readonly options: ParseArgsOptionsConfig;
  /** How many words may follow. */
  readonly positionals: number;
  /** The exit code. */
  readonly run: (args: Arguments) => Promise<number>;
};

/** Reads a command's options. UsageError for unknown ones, missing values and words too many. */
export function parseCommand({ options, positionals: allowed, words }: Command, args: readonly string[]): Arguments {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
    if (positionals.length > allowed) throw new UsageError(`unexpected ${JSON.stringify(positionals[allowed])}`);
    return { values: values as Values, positionals };
  } catch (error) {
    throw new UsageError(`${messageOf(error).replace(/\. To specify .*$/, "")}; \`segbox ${words.join(" ")} --help\` lists the options`);
  }
}

/** A required option's value. */
export function required({ values }: Arguments, name: string): string {
  const value = values[name];
  if (typeof value !== "string" || value === "") throw new UsageError(`--${name} is required`);
  return value;
}

/** An option's value where it was given. */
export function optional({ values }: Arguments, name: string): string | undefined {
  const value = values[name];
  return typeof value === "string" ? value : undefined;
}
