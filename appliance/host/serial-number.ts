import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";

/**
 * A serial number for a box that was given none: 16 hex digits that stay the same on this machine. Made from the machine id by a keyed
 * hash, since the id itself is not to leave the machine (machine-id(5)); from the host name where there is none.
 */
export function machineSerialNumber(): string {
  return createHmac("sha256", machineId()).update("segbox device serial number").digest("hex").slice(0, 16);
}

function machineId(): string {
  try {
    return readFileSync("/etc/machine-id", "utf8").trim() || hostname();
  } catch {
    return hostname(); // no systemd, no machine id
  }
}
