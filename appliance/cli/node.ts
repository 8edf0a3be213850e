import { systemClock } from "../base/clock.ts";
import { RefusedError } from "../base/errors.ts";
import { dataFolder } from "../config/data-folder.ts";
import type { Site } from "../config/site-file.ts";
import { echo } from "../dimse/echo.ts";
import { checkIdentity } from "../dimse/tls.ts";
import { readTlsFiles } from "../host/tls-files.ts";
import { pauseNode } from "../pipeline/outbox.ts";
import { addAudit } from "../store/audit.ts";
import { openExistingDatabase } from "../store/database.ts";
import { findNode, getSetting, listNodes } from "../store/settings.ts";
import { type Command, required, UsageError } from "./command.ts";

export const nodeTest: Command = {
  words: ["node", "test"],
  summary: "ask a DICOM node for an answer (C-ECHO)",
  help: `
segbox node test NAME --data DIR

Opens an association with a node of the site file as the service would and asks for an answer (C-ECHO). Says how long it took, or which layer
failed: no route, port closed, TLS failed, AE title refused, service refused.

  --data DIR  the service's data folder
`,
  options: { data: { type: "string" } },
  positionals: 1,
  async run(args) {
    const [name] = args.positionals;
    if (name === undefined) throw new UsageError("NAME is required: a node of the site file");
    const database = await openExistingDatabase(dataFolder(required(args, "data")).database, systemClock.now());
    try {
      const node = findNode(database, name);
      const dicom = getSetting<Site["dicom"]>(database, "dicom");
      const known = listNodes(database).map((each) => each.name);
      if (!node || !dicom) throw new RefusedError("node-missing", `there is no node ${name}; known: ${known.join(", ") || "none"}`);
      const tls = node.tls && dicom.tls ? await readTlsFiles(dicom.tls, checkIdentity) : undefined;
      const tookMs = await echo(node, dicom.aeTitle, { tls });
      process.stdout.write(`${node.name} (${node.aeTitle} at ${node.host}:${node.port}) answered in ${Math.round(tookMs)} ms\n`);
      return 0;
    } finally {
      database.close();
    }
  },
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
