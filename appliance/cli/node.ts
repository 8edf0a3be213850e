import { systemClock } from "../base/clock.ts";
import { dataFolder } from "../config/data-folder.ts";
import { knownNode, testAndNote } from "../pipeline/ask-node.ts";
import { pauseNode } from "../pipeline/outbox.ts";
import { addAudit } from "../store/audit.ts";
import { openExistingDatabase } from "../store/database.ts";
import { type Command, required, UsageError } from "./command.ts";
import { withNode } from "./with-node.ts";

export const nodeTest: Command = {
  words: ["node", "test"],
  summary: "ask a DICOM node for an answer (C-ECHO), and what it does",
  help: `
segbox node test NAME --data DIR

Opens an association with a node of the site file as the service would and asks for an answer (C-ECHO). Says how long it took and which services
the node takes, or which layer failed: no route, port closed, TLS failed, AE title refused, service refused. What was found is kept: it counts
where the site file does not name the node's services.

  --data DIR  the service's data folder
`,
  options: { data: { type: "string" } },
  positionals: 1,
  run: (args) =>
    withNode(args, async ({ database, name, caller }) => {
      const node = knownNode(database, name);
      addAudit(database, { at: systemClock.now(), actor: "console", action: "node-tested", object: `node:${name}`, detail: {} });
      const { roundTripMs, services } = await testAndNote(database, name, caller, systemClock);
      const where = `${node.name} (${node.aeTitle} at ${node.host}:${node.port})`;
      process.stdout.write(
        `${where} answered in ${Math.round(roundTripMs)} ms; takes ${node.dicomweb ? "DICOMweb" : services.join(", ")}\n`,
      );
      return 0;
    }),
};

export const nodePause = pauseCommand(true);
export const nodeResume = pauseCommand(false);

function pauseCommand(paused: boolean): Command {
  const verb = paused ? "pause" : "resume";
  return {
    words: ["node", verb],
    summary: paused ? "send nothing to a DICOM node until it is resumed" : "send to a paused DICOM node again",
    help: `
segbox node ${verb} NAME --data DIR

${
  paused
    ? "Nothing is sent to the node any more; what is to go there waits, in order. What is being sent just now is still sent."
    : "What waited for the node goes out, in order. A running service notices within a minute."
}

  --data DIR  the service's data folder
`,
    options: { data: { type: "string" } },
    positionals: 1,
    async run(args) {
      const [name] = args.positionals;
      if (name === undefined) throw new UsageError("NAME is required: a node of the site file");
      const now = systemClock.now();
      const database = await openExistingDatabase(dataFolder(required(args, "data")).database, now);
      try {
        database.transaction(() => {
          pauseNode(database, name, paused, now);
          addAudit(database, {
            at: now,
            actor: "console",
            action: paused ? "node-paused" : "node-resumed",
            object: `node:${name}`,
            detail: {},
          });
        });
      } finally {
        database.close();
      }
      process.stdout.write(`${name} ${paused ? "is paused" : "goes on"}\n`);
      return 0;
    },
  };
}
