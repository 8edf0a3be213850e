import { parentPort, workerData } from "node:worker_threads";
import { addAudit } from "../../../appliance/store/audit.ts";
import { Database } from "../../../appliance/store/database.ts";

/** As a thread: writes entries into the database at the path it is given, until it is ended. */
const database = new Database(workerData as string);
for (let n = 1; ; n++) {
  addAudit(database, { at: n, actor: "system", action: "written-meanwhile", object: `series:${n}`, detail: {} });
  if (n === 1) parentPort?.postMessage("begun");
}
