import { existsSync } from "node:fs";
import { systemClock } from "../base/clock.ts";
import { RefusedError } from "../base/errors.ts";
import { dataFolder } from "../config/data-folder.ts";
import type { Site } from "../config/site-file.ts";
import { echo } from "../dimse/echo.ts";
import { openDatabase } from "../store/database.ts";
import { findNode, getSetting, listNodes } from "../store/settings.ts";
import { type Command, required, UsageError } from "./command.ts";

export const nodeTest: Command = {
  words: ["node", "test"],
  summary: "ask a DICOM node for an answer (C-ECHO)",
  help: `
segbox node test NAME --data DIR

Opens an association with a node of the site file as the service would and asks for an answer (C-ECHO). Says how long it took, or which layer
failed: no route, port closed, AE title refused, service refused.

  --data DIR  the service's data folder
`,
  options: { data: { type: "string" } },
  positionals: 1,
  async run(args) {
    const [name] = args.positionals;
    if (name === undefined) throw new UsageError("NAME is required: a node of the site file");
    const path = dataFolder(required(args, "data")).database;
    if (!existsSync(path)) throw new RefusedError("not-set-up", `there is no database at ${path}; start the service once with --provision`);
    const database = await openDatabase(path, systemClock.now());
    try {
      const node = findNode(database, name);
      const dicom = getSetting<Site["dicom"]>(database, "dicom");
      const known = listNodes(database).map((each) => each.name);
      if (!node || !dicom) throw new RefusedError("node-missing", `there is no node ${name}; known: ${known.join(", ") || "none"}`);
      const tookMs = await echo(node, dicom.aeTitle);
      process.stdout.write(`${node.name} (${node.aeTitle} at ${node.host}:${node.port}) answered in ${Math.round(tookMs)} ms\n`);
      return 0;
    } finally {
      database.close();
    }
  },
};
