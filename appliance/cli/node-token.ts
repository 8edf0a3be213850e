import { systemClock } from "../base/clock.ts";
import { RefusedError } from "../base/errors.ts";
import { dataFolder } from "../config/data-folder.ts";
import { addAudit } from "../store/audit.ts";
import { openExistingDatabase } from "../store/database.ts";
import { issueNodeToken, revokeNodeToken } from "../store/node-tokens.ts";
import { findNode, listNodes } from "../store/settings.ts";
import { type Command, required, UsageError } from "./command.ts";

export const nodeToken: Command = {
  words: ["node", "token"],
  summary: "let a node read and write over DICOMweb",
  help: `
segbox node token NAME --data DIR [--revoke]

Prints a new token of a node, once: what is kept cannot be turned back into it. The node sends it with each request
(Authorization: Bearer TOKEN) and may then search, retrieve and store at /dicom-web. A token that it had before ends with that.

  --data DIR  the service's data folder
  --revoke    end the node's token, and print none
`,
  options: { data: { type: "string" }, revoke: { type: "boolean" } },
  positionals: 1,
  async run(args) {
    const [name] = args.positionals;
    if (name === undefined) throw new UsageError("NAME is required: a node of the site file");
    const now = systemClock.now();
    const database = await openExistingDatabase(dataFolder(required(args, "data")).database, now);
    try {
      const isRevoked = args.values.revoke === true;
      const text = database.transaction(() => {
        if (!isRevoked && !findNode(database, name)) {
          const known = listNodes(database).map((each) => each.name);
          throw new RefusedError("node-missing", `there is no node ${name}; known: ${known.join(", ") || "none"}`);
        }
        if (isRevoked && !revokeNodeToken(database, name)) throw new RefusedError("token-missing", `${name} has no token`);
        const action = isRevoked ? "node-token-revoked" : "node-token-issued";
        addAudit(database, { at: now, actor: "console", action, object: `node:${name}`, detail: {} });
        return isRevoked ? `${name} has no token any more` : issueNodeToken(database, name, now);
      });
      process.stdout.write(`${text}\n`);
      return 0;
    } finally {
      database.close();
    }
  },
};
