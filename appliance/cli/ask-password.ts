import type { ReadStream } from "node:tty";
import { shortestPassword } from "../api/password-length.ts";
import { RefusedError } from "../base/errors.ts";

const enter = new Set(["\r", "\n", "\u0004"]); // the last is Ctrl-D
const erase = new Set(["\b", "\u007f"]);
const interrupt = "\u0003"; // Ctrl-C, which raw mode hands over as a character

/** Asks for a new password twice on a terminal, without showing it. Refused when the two differ, or the person gives up. */
export async function askNewPassword(terminal: ReadStream, write: (text: string) => void): Promise<string> {
  return askTwice(terminal, write, `Password, at least ${shortestPassword} characters: `, "passwords");
}

/** Asks for a secret twice. Refused when the two differ, or the person gives up. */
export async function askTwice(terminal: ReadStream, write: (text: string) => void, question: string, what: string): Promise<string> {
  const secret = await askHidden(terminal, write, question);
  const again = await askHidden(terminal, write, "The same again: ");
  if (secret !== again) throw new RefusedError("passwords-differ", `the two ${what} are not the same; nothing was changed`);
  return secret;
}

/** Asks for a secret on a terminal, without showing it. Refused when the person gives up. */
export function askHidden(terminal: ReadStream, write: (text: string) => void, question: string): Promise<string> {
  terminal.setRawMode(true); // before the question: what is typed at once must not show either
  terminal.setEncoding("utf8");
  write(question);
  return new Promise((resolve, reject) => {
    const typed: string[] = [];
    const end = (): void => {
      terminal.off("data", read);
      terminal.pause();
      terminal.setRawMode(false);
      write("\n");
    };
    const read = (text: string): void => {
      for (const character of text) {
        if (character === interrupt) {
          end();
          reject(new RefusedError("given-up", "given up; nothing was changed"));
          return;
        }
        if (enter.has(character)) {
          end();
          resolve(typed.join(""));
          return;
        }
        if (erase.has(character)) typed.pop();
        else typed.push(character);
      }
    };
    terminal.on("data", read);
    terminal.resume();
  });
}
