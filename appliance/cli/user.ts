import { mkdir } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { shortestPassword } from "../api/password-length.ts";
import { systemClock } from "../base/clock.ts";
import { dataFolder } from "../config/data-folder.ts";
import { type Role, roles, userName } from "../domain/user.ts";
import { hashPassword } from "../host/password.ts";
import { addAudit } from "../store/audit.ts";
import { openDatabase } from "../store/database.ts";
import { addUser } from "../store/users.ts";
import { askNewPassword } from "./ask-password.ts";
import { type Arguments, type Command, required, UsageError } from "./command.ts";

export const userAdd: Command = {
  words: ["user", "add"],
  summary: "add a user of the web page",
  help: `
segbox user add NAME --data DIR --role admin|engineer|reviewer [--password-stdin]

Adds a user; the service may be running. Asks for the password, at least ${shortestPassword} characters, on the terminal, without showing it.

  --data DIR        the service's data folder
  --role ROLE       admin: everything; engineer: settings and health; reviewer: worklist and results
  --password-stdin  the password is the first line of standard input, for scripts: it stands in no process list
`,
  options: { data: { type: "string" }, role: { type: "string" }, "password-stdin": { type: "boolean" } },
  positionals: 1,
  async run(args) {
    const [name = ""] = args.positionals;
    if (!userName.test(name)) throw new UsageError("NAME: expected 1 to 64 letters, digits, dots, dashes, underscores or @");
    const role = roleIn(args);
    const isAsked = process.stdin.isTTY === true;
    if (!args.values["password-stdin"] && !isAsked)
      throw new UsageError("standard input is no terminal to ask for the password on; give it there with --password-stdin");
    const folder = dataFolder(required(args, "data"));
    const password = isAsked ? await askNewPassword(process.stdin, (line) => process.stderr.write(line)) : await firstLine();
    const { requireGoodPassword } = await import("../api/new-password.ts"); // its lists are too large for every command to load
    requireGoodPassword(password, [name]);
    const now = systemClock.now();
    const passwordHash = await hashPassword(password);
    await mkdir(folder.root, { recursive: true, mode: 0o700 });
    const database = await openDatabase(folder.database, now);
    try {
      database.transaction(() => {
        addUser(database, { name, role, passwordHash, createdAt: now });
        addAudit(database, { at: now, actor: "console", action: "user-added", object: `user:${name}`, detail: { role } });
      });
    } finally {
      database.close();
    }
    process.stdout.write(`user ${name} added as ${role}\n`);
    return 0;
  },
};

export function roleIn(args: Arguments): Role {
  const role = required(args, "role");
  if (!roles.includes(role as Role)) throw new UsageError(`--role: expected ${roles.join(", ")}, found ${role}`);
  return role as Role;
}

async function firstLine(): Promise<string> {
  const [line = ""] = (await text(process.stdin)).split(/\r?\n/);
  return line;
}
