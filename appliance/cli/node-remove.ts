import { systemClock } from "../base/clock.ts";
import { RefusedError } from "../base/errors.ts";
import { dataFolder } from "../config/data-folder.ts";
import { addAudit } from "../store/audit.ts";
import { openExistingDatabase } from "../store/database.ts";
import { listWaitingFor } from "../store/deliveries.ts";
import { listNodes, listRules, removeNode } from "../store/settings.ts";
import { type Command, required, UsageError } from "./command.ts";

export const nodeRemove: Command = {
  words: ["node", "remove"],
  summary: "forget a DICOM node: it may not send any more",
  help: `
segbox node remove NAME --data DIR

Forgets a node, one that was added on the page for instance. Refused while a rule sends results there, or deliveries wait to go there. A running
service knows at the node's next call.

  --data DIR  the service's data folder
`,
  options: { data: { type: "string" } },
  positionals: 1,
  async run(args) {
    const [name] = args.positionals;
    if (name === undefined) throw new UsageError("NAME is required: a node");
    const now = systemClock.now();
    const database = await openExistingDatabase(dataFolder(required(args, "data")).database, now);
    try {
      database.transaction(() => {
        const isThere = (destination: string | { readonly node: string }): boolean =>
          (typeof destination === "string" ? destination : destination.node) === name;
        const rule = listRules(database).find(({ destinations }) => destinations.some(isThere));
        if (rule) throw new RefusedError("node-in-use", `rule ${rule.name} sends results to ${name}; change the site file first`);
        if (listWaitingFor(database, name).length > 0) throw new RefusedError("node-in-use", `deliveries wait to go to ${name}`);
        const nodes = listNodes(database);
        const known = nodes.map((node) => node.name);
        const before = nodes.find((node) => node.name === name);
        if (!removeNode(database, name))
          throw new RefusedError("node-missing", `there is no node ${name}; known: ${known.join(", ") || "none"}`);
        addAudit(database, { at: now, actor: "console", action: "node-removed", object: `node:${name}`, detail: { before } });
      });
    } finally {
      database.close();
    }
    process.stdout.write(`${name} is forgotten\n`);
    return 0;
  },
};
