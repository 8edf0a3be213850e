import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { RefusedError } from "../appliance/base/errors.ts";
import { plainly } from "../appliance/base/system-errors.ts";
import { parseSiteFile, type Site } from "../appliance/config/site-file.ts";
import { addAudit } from "../appliance/store/audit.ts";
import type { Database } from "../appliance/store/database.ts";
import { getSetting, replaceNodesAndRules, setSetting } from "../appliance/store/settings.ts";

/**
 * Applies a site file: its station, DICOM and HTTP settings, nodes and rules take the place of those in the database. A file whose content
 * was the last one applied is left alone, so that what was changed at run time since stays. True when it was applied now.
 */
export async function applySiteFile(database: Database, path: string, now: number): Promise<boolean> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw new RefusedError("site-file-unreadable", `can't read the site file: ${plainly(error)}`, { cause: error });
  });
  const digest = createHash("sha256").update(text).digest("hex");
  if (getSetting<string>(database, "provisioned") === digest) return false;
  const site = parseSiteFile(text);
  database.transaction(() => {
    applySite(database, site);
    setSetting(database, "provisioned", digest);
    addAudit(database, { at: now, actor: "system", action: "site-file-applied", object: "setting:all", detail: { digest } });
  });
  return true;
}

function applySite(database: Database, { station, dicom, http, nodes, rules }: Site): void {
  setSetting(database, "station", station);
  setSetting(database, "dicom", dicom);
  setSetting(database, "http", http);
  replaceNodesAndRules(database, nodes, rules);
}
