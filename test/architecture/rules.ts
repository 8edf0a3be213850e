import { isBuiltin } from "node:module";
import type { Import, Sources } from "./imports.ts";

/** The folders whose imports are held. Tests may import whatever they test. */
export const trees = ["appliance", "models", "provisioning", "ui"];

/**
 * The places of the service and of the pages, lowest row first. A file imports from its own place and from lower rows of the same list,
 * nothing else: never sideways, never up, type imports included.
 */
const serviceRows = [
  ["appliance/base"],
  ["appliance/domain", "appliance/volume"],
  ["appliance/dicom", "appliance/report", "appliance/nnunet", "appliance/api", "appliance/config"],
  ["appliance/store", "appliance/dimse", "appliance/dicomweb", "appliance/inference", "appliance/host"],
  ["appliance/jobs", "appliance/update", "appliance/backup", "models", "provisioning"],
  ["appliance/pipeline"],
  ["appliance/http"],
  ["appliance/main.ts"],
  ["appliance/cli"],
];
const uiRows = [
  ["ui/styles", "ui/text", "ui/address.ts", "ui/css.d.ts"],
  ["ui/api", "ui/elements"],
  ["ui/viewer"],
  ["ui/pages"],
  ["ui/app.ts"],
  ["ui/main.ts"],
];

/** What the pages may take from the service: the wire contract, and numbers on a grid. Both must stay free of Node. */
const sharedWithUi = ["appliance/api", "appliance/volume"];
/** Who in ui/ may talk to the service: elements and the viewer show what they are given. */
const fetching = ["ui/api", "ui/pages", "ui/app.ts", "ui/main.ts"];

/** Outside packages, each with the only places that may import it. A package that is not here has no place yet. */
const owners: Readonly<Record<string, readonly string[]>> = {
  "better-sqlite3": ["appliance/store"],
  "onnxruntime-node": ["appliance/inference"],
  koa: ["appliance/http"],
  "@koa/router": ["appliance/http"],
  "openid-client": ["appliance/http"],
  "dcmjs-codecs": ["appliance/dicom"],
  fontkit: ["appliance/report"],
  "jpeg-js": ["appliance/report"],
  pdfkit: ["appliance/report"],
  // Where something is read that others wrote: requests, the site's file, nnU-Net's plans, a model's manifest, a backup.
  zod: ["appliance/api", "appliance/backup", "appliance/config", "appliance/nnunet", "appliance/inference", "appliance/http"],
  // Which passwords are taken is shown while one is typed, by the rule that the service has too.
  "@zxcvbn-ts/core": ["appliance/api"],
  "@zxcvbn-ts/language-common": ["appliance/api"],
  qr: ["ui/elements"],
  yaml: ["appliance/config"],
  systeminformation: ["appliance/host"],
  "node-cron": ["appliance/pipeline", "appliance/main.ts"],
  lit: ["ui/styles", "ui/elements", "ui/viewer", "ui/pages", "ui/app.ts"],
};

/** Rooms that take values and return values: no disk, no socket, no other process. */
const pure = [
  "appliance/base",
  "appliance/domain",
  "appliance/volume",
  "appliance/dicom",
  "appliance/report",
  "appliance/nnunet",
  "appliance/api",
];
const impure = [
  "child_process",
  "cluster",
  "dgram",
  "dns",
  "fs",
  "http",
  "http2",
  "https",
  "inspector",
  "net",
  "os",
  "tls",
  "worker_threads",
];

/** The room of a file, or the file itself where it stands beside the rooms: `appliance/dicom`, `appliance/main.ts`, `models`. */
export function placeOf(file: string): string {
  const [tree = "", room = ""] = file.split("/");
  return tree === "models" || tree === "provisioning" ? tree : `${tree}/${room}`;
}

const rowIn = (rows: readonly (readonly string[])[], place: string): number => rows.findIndex((places) => places.includes(place));

/** What each rule has against the tree, as `file -> file: why`. Empty: the tree keeps them all. */
export function faultsIn({ files, imports }: Sources): string[] {
  const homeless = [...new Set(files.map(placeOf))]
    .filter((place) => rowIn(serviceRows, place) < 0 && rowIn(uiRows, place) < 0)
    .map((place) => `${place} stands in no row`);
  const strays = imports.flatMap((one) => {
    const why = one.isOutside ? faultOfPackage(one) : faultOfFile(one);
    return why === undefined ? [] : [`${one.from} -> ${one.to}: ${why}`];
  });
  return [...homeless, ...strays];
}

function faultOfPackage({ from, to }: Import): string | undefined {
  const place = placeOf(from);
  if (isBuiltin(to)) {
    const name = to.replace(/^node:/, "").split("/")[0] ?? "";
    if (place.startsWith("ui/")) return "a page runs in a browser";
    return pure.includes(place) && impure.includes(name) ? `${place} takes values and returns values` : undefined;
  }
  const places = Object.hasOwn(owners, to) ? owners[to] : undefined;
  if (!places) return "the package has no owner";
  return places.includes(place) ? undefined : `only ${places.join(", ")} may import it`;
}

function faultOfFile({ from, to }: Import): string | undefined {
  const [here, there] = [placeOf(from), placeOf(to)];
  if (here === there) return undefined;
  if (from.startsWith("ui/")) {
    if (sharedWithUi.includes(there)) return undefined;
    if (there === "ui/api" && !fetching.includes(here)) return "elements and the viewer do not fetch";
    return lower(uiRows, there, here);
  }
  return lower(serviceRows, there, here);
}

function lower(rows: readonly (readonly string[])[], there: string, here: string): string | undefined {
  const [rowThere, rowHere] = [rowIn(rows, there), rowIn(rows, here)];
  if (rowThere < 0) return "out of bounds";
  return rowThere < rowHere ? undefined : `${there} is not below ${here}`;
}
