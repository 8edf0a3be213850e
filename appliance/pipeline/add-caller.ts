import { RefusedError } from "../base/errors.ts";
import { parseAeTitle } from "../domain/ids.ts";
import type { RemoteNode } from "../domain/remote-node.ts";
import type { Database } from "../store/database.ts";
import { getRefusedCaller, type RefusedCaller, removeRefusalsOf } from "../store/refused-callers.ts";
import { addNode, listNodes } from "../store/settings.ts";

/** DICOM's own port (PS3.8 section 9.1.1): where a caller listens is not known from its call. */
const assumedPort = 104;

/** Whether making it a node would let a refused caller in. */
export function canBeAdded({ reason, callingAeTitle }: Pick<RefusedCaller, "reason" | "callingAeTitle">): boolean {
  return reason === "calling-ae-not-recognized" && isTitle(callingAeTitle);
}

function isTitle(text: string): boolean {
  try {
    parseAeTitle(text);
    return true;
  } catch {
    return false; // RefusedError, the only one it throws
  }
}

/**
 * Makes a refused caller a node, under its title and the address that it called from, and forgets that it was refused. Results can be sent
 * to it only where it listens on port 104: a site file says otherwise. Refused where it would not come in all the same. Inside a transaction.
 */
export function addCaller(database: Database, id: number): RemoteNode {
  const caller = getRefusedCaller(database, id);
  if (!caller) throw new RefusedError("not-found", "there is no such caller here");
  if (!canBeAdded(caller)) throw new RefusedError("caller-not-addable", `it was turned away for another reason (${caller.reason})`);
  const aeTitle = parseAeTitle(caller.callingAeTitle);
  const taken = new Set(listNodes(database).map(({ name }) => name));
  const node = { name: freeName(aeTitle, caller.address, taken), aeTitle, host: caller.address, port: assumedPort };
  addNode(database, node);
  removeRefusalsOf(database, caller.callingAeTitle, caller.address);
  return node;
}

/** A name that a site file could have, not in use: the title, else the title and the address, else with a number. */
function freeName(aeTitle: string, address: string, taken: ReadonlySet<string>): string {
  const plain = aeTitle.replace(/[^A-Za-z0-9 ._-]/g, "-").replace(/^[^A-Za-z0-9]+/, "") || "node";
  const long = `${plain} ${address.replaceAll(":", ".")}`;
  for (const name of [plain, long]) if (!taken.has(name)) return name;
  for (let number = 2; ; number++) if (!taken.has(`${long} ${number}`)) return `${long} ${number}`;
}
