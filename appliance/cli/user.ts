import { mkdir } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { systemClock } from "../base/clock.ts";
import { dataFolder } from "../config/data-folder.ts";
import { type Role, roles } from "../domain/user.ts";
import { hashPassword } from "../host/password.ts";
import { addAudit } from "../store/audit.ts";
import { openDatabase } from "../store/database.ts";
import { addUser } from "../store/users.ts";
import { type Command, required, UsageError } from "./command.ts";

export const userAdd: Command = {
  words: ["user", "add"],
  summary: "add a user of the web page",
  help: `
segbox user add NAME --data DIR --role admin|engineer|reviewer --password-stdin

Adds a user; the service may be running. The password, at least 12 characters, is the first line of standard input, so that it stands in no
process list.

  --data DIR        the service's data folder
  --role ROLE       admin: everything; engineer: settings and health; reviewer: worklist and results
  --password-stdin  required: the password comes on standard input
`,
  options: { data: { type: "string" }, role: { type: "string" }, "password-stdin": { type: "boolean" } },
  positionals: 1,
  async run(args) {
    const [name = ""] = args.positionals;
    if (!/^[\p{L}\p{N}][\p{L}\p{N}._@-]{0,63}$/u.test(name))
      throw new UsageError("NAME: expected 1 to 64 letters, digits, dots, dashes, underscores or @");
    const role = required(args, "role");
    if (!roles.includes(role as Role)) throw new UsageError(`--role: expected ${roles.join(", ")}, found ${role}`);
    if (!args.values["password-stdin"]) throw new UsageError("--password-stdin is required");
    const folder = dataFolder(required(args, "data"));
    const [password = ""] = (await text(process.stdin)).split(/\r?\n/);
    const now = systemClock.now();
    const passwordHash = await hashPassword(password);
    await mkdir(folder.root, { recursive: true, mode: 0o700 });
    const database = await openDatabase(folder.database, now);
    try {
      database.transaction(() => {
        addUser(database, { name, role: role as Role, passwordHash, createdAt: now });
        addAudit(database, { at: now, actor: "console", action: "user-added", object: `user:${name}`, detail: { role } });
      });
    } finally {
      database.close();
    }
    process.stdout.write(`user ${name} added as ${role}\n`);
    return 0;
  },
};
