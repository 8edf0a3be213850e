import { systemClock } from "../base/clock.ts";
import { RefusedError } from "../base/errors.ts";
import { dataFolder } from "../config/data-folder.ts";
import { hashPassword } from "../host/password.ts";
import { makeInitialPassword } from "../host/secret-codes.ts";
import { type By, changeRole, initialUntil, removeAccount, resetPassword, resetSecondFactor } from "../store/accounts.ts";
import { type Database, openExistingDatabase } from "../store/database.ts";
import { type Credentials, findUser, listUsers } from "../store/users.ts";
import { type Arguments, type Command, required, UsageError } from "./command.ts";
import { roleIn } from "./user.ts";

const userList: Command = {
  words: ["user", "list"],
  summary: "list the users of the web page",
  help: `
segbox user list --data DIR

  --data DIR  the service's data folder
`,
  options: { data: { type: "string" } },
  positionals: 0,
  async run(args) {
    return withDatabase(args, (database) => {
      for (const { name, role, hasSecondFactor, initialUntil } of listUsers(database))
        process.stdout.write(
          [
            name,
            role,
            hasSecondFactor ? "second factor" : "",
            initialUntil === null ? "" : "has not signed in with a password of their own",
          ]
            .filter((word) => word !== "")
            .join(", ")
            .concat("\n"),
        );
    });
  },
};

const userReset: Command = {
  words: ["user", "reset"],
  summary: "let somebody in again who has lost the password or the second factor",
  help: `
segbox user reset NAME --data DIR [--second-factor]

Prints a new password for NAME, once. It is taken for one week and must be replaced at the first sign-in. Sessions of NAME end. This
works whatever happens at the web page: for it, somebody has to be at the box.

  --data DIR       the service's data folder
  --second-factor  remove the second factor and its recovery codes too
`,
  options: { data: { type: "string" }, "second-factor": { type: "boolean" } },
  positionals: 1,
  async run(args) {
    const password = makeInitialPassword();
    const passwordHash = await hashPassword(password);
    return withUser(args, (database, by, { id, name }) => {
      resetPassword(database, by, id, { passwordHash, initialUntil: initialUntil(by.at) });
      if (args.values["second-factor"]) resetSecondFactor(database, by, id);
      process.stderr.write(`password of ${name}, for one sign-in within a week:\n`);
      return password;
    });
  },
};

const userRole: Command = {
  words: ["user", "role"],
  summary: "change what a user may do",
  help: `
segbox user role NAME --data DIR --role admin|engineer|reviewer

Sessions of NAME end. The last administrator stays one.

  --data DIR   the service's data folder
  --role ROLE  admin: everything; engineer: settings and health; reviewer: worklist and results
`,
  options: { data: { type: "string" }, role: { type: "string" } },
  positionals: 1,
  async run(args) {
    const role = roleIn(args);
    return withUser(args, (database, by, { id, name }) => {
      changeRole(database, by, id, role);
      return `${name} is ${role} now`;
    });
  },
};

const userRemove: Command = {
  words: ["user", "remove"],
  summary: "remove a user of the web page",
  help: `
segbox user remove NAME --data DIR

Sessions of NAME end. What NAME did stays in the audit trail. The last administrator can't be removed.

  --data DIR  the service's data folder
`,
  options: { data: { type: "string" } },
  positionals: 1,
  async run(args) {
    return withUser(args, (database, by, { id, name }) => {
      removeAccount(database, by, id);
      return `${name} removed`;
    });
  },
};

export const userCommands: readonly Command[] = [userList, userReset, userRole, userRemove];

async function withUser(args: Arguments, change: (database: Database, by: By, user: Credentials) => string): Promise<number> {
  const [name] = args.positionals;
  if (name === undefined) throw new UsageError("NAME is required: a user of the web page");
  return withDatabase(args, (database, at) => {
    const done = database.transaction(() => {
      const user = findUser(database, name);
      if (!user) throw new RefusedError("user-missing", `there is no user ${name}; \`segbox user list\` shows who is there`);
      return change(database, { actor: "console", at }, user);
    });
    process.stdout.write(`${done}\n`);
  });
}

async function withDatabase(args: Arguments, use: (database: Database, at: number) => void): Promise<number> {
  const now = systemClock.now();
  const database = await openExistingDatabase(dataFolder(required(args, "data")).database, now);
  try {
    use(database, now);
  } finally {
    database.close();
  }
  return 0;
}
