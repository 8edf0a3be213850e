import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { RefusedError } from "../base/errors.ts";
import { askHidden, askTwice } from "./ask-password.ts";
import { type Arguments, optional, UsageError } from "./command.ts";

export const passphraseOptions = { "passphrase-file": { type: "string" }, "passphrase-stdin": { type: "boolean" } } as const;
export const passphraseHelp = `
  --passphrase-file FILE  the passphrase is the first line of a file
  --passphrase-stdin      the passphrase is the first line of standard input; without either it is asked for on the terminal`;

/** A backup's passphrase from where the command line says; never from the command line itself, which every user of the machine can see. */
export async function readPassphrase(args: Arguments, { isNew }: { readonly isNew: boolean }): Promise<string> {
  const file = optional(args, "passphrase-file");
  const passphrase = file !== undefined ? firstLine(await readFile(file, "utf8")) : await askOrRead(args, isNew);
  if (passphrase === "") throw new RefusedError("backup-passphrase", "the passphrase is empty");
  return passphrase;
}

async function askOrRead(args: Arguments, isNew: boolean): Promise<string> {
  if (args.values["passphrase-stdin"] === true) return firstLine(await text(process.stdin));
  const { stdin } = process;
  if (!stdin.isTTY)
    throw new UsageError(
      "standard input is no terminal to ask for the passphrase on; give it with --passphrase-file or --passphrase-stdin",
    );
  const write = (line: string): void => void process.stderr.write(line);
  return isNew ? askTwice(stdin, write, "Passphrase of backups: ", "passphrases") : askHidden(stdin, write, "Passphrase of the backup: ");
}

function firstLine(content: string): string {
  return content.split(/\r?\n/)[0] ?? "";
}
