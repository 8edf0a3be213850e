import assert from "node:assert/strict";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TemporaryFolder, temporaryFolder } from "./folder.ts";
import { freePort } from "./ports.ts";
import { type Finished, type RunningProcess, run, start } from "./process.ts";

/** Whom a dcmtk tool calls, and as whom. */
export type Call = {
  readonly port: number;
  readonly host?: string;
  readonly callingAeTitle?: string;
  readonly calledAeTitle?: string;
  /** More of the tool's own options, before the address. */
  readonly options?: readonly string[];
  readonly timeoutMs?: number;
};

export type StoreCall = Call & {
  /** Files, or folders, which are searched with all below them. */
  readonly paths: readonly string[];
};

/** A DIMSE status as dcmtk shows it: `0000` is Success. */
export type Stored = Finished & { readonly statuses: readonly string[] };

function addressArgs({ port, host = "127.0.0.1", callingAeTitle = "DCMTK", calledAeTitle = "ANY-SCP", options = [] }: Call): string[] {
  return ["-aet", callingAeTitle, "-aec", calledAeTitle, "-ta", "10", ...options, host, String(port)];
}

const runOptions = ({ timeoutMs = 60_000 }: Call) => ({ timeoutMs });

/** C-ECHO. Exit code 0: the peer took the association and answered Success. */
export function echoscu(call: Call): Promise<Finished> {
  return run("echoscu", ["-v", ...addressArgs(call)], runOptions(call));
}

/**
 * C-STORE of files and folders over one association, as a scanner does. Proposes uncompressed transfer syntaxes only, unless an option
 * says else: `-xv` JPEG 2000 lossless, `-xs` JPEG lossless, `-xt` JPEG-LS, `-xr` RLE, `-xd` Deflated. Halts at the first store that fails
 * (its exit code is not 0), unless `--no-halt` is given. Without -R it would propose its own short list of storage classes, in which SEG is
 * missing.
 */
export async function storescu(call: StoreCall): Promise<Stored> {
  const args = ["-d", "-R", "+sd", "+r", ...addressArgs(call), ...call.paths];
  const finished = await run("storescu", args, runOptions(call));
  return { ...finished, statuses: statusesIn(finished) };
}

/** C-STORE of files and folders that proposes each file's own transfer syntax. Leaves out, with a warning, what is not DICOM. */
export async function dcmsend(call: StoreCall): Promise<Stored> {
  const args = ["-d", "+sd", "+r", "--no-halt", ...addressArgs(call), ...call.paths];
  const finished = await run("dcmsend", args, runOptions(call));
  return { ...finished, statuses: statusesIn(finished) };
}

/** The four hexadecimal digits of each C-STORE response, in order. dcmtk logs a response as one block that begins with its kind. */
function statusesIn({ stdout, stderr }: Finished): string[] {
  const responses = `${stdout}\n${stderr}`.matchAll(/Message Type +: C-STORE RSP[\s\S]*?DIMSE Status +: 0x([0-9a-f]{4})/g);
  return Array.from(responses, ([, status = ""]) => status);
}

/** One match of a query, as DICOM JSON (PS3.18 F): `match["00100020"]?.Value?.[0]`. */
export type Match = Readonly<Record<string, { readonly vr: string; readonly Value?: readonly unknown[] }>>;

export type FindCall = Call & {
  readonly model: "patient" | "study" | "worklist";
  /** Keyword or `gggg,eeee` -> value; an empty value asks for the attribute. */
  readonly keys: Readonly<Record<string, string>>;
};

/** C-FIND. The matches are what the peer sent as pending responses. */
export async function findscu(call: FindCall): Promise<Finished & { readonly matches: readonly Match[] }> {
  await using folder = await temporaryFolder("findscu");
  const keys = Object.entries(call.keys).flatMap(([keyword, value]) => ["-k", value === "" ? keyword : `${keyword}=${value}`]);
  const model = { patient: "-P", study: "-S", worklist: "-W" }[call.model];
  const args = ["-v", model, ...keys, "-X", "-od", folder.path, ...addressArgs(call)];
  const finished = await run("findscu", args, runOptions(call));
  const matches: Match[] = [];
  for (const name of (await readdir(folder.path)).sort()) {
    const { stdout, stderr, code } = await run("dcm2json", [join(folder.path, name)]);
    assert.equal(code, 0, `dcm2json could not read a response: ${stderr}`);
    matches.push(JSON.parse(stdout) as Match);
  }
  return { ...finished, matches };
}

type RetrieveCall = Call & {
  /** Study Root: Query/Retrieve Level and the unique keys, by keyword. */
  readonly keys: Readonly<Record<string, string>>;
};

const keyArgs = (keys: Readonly<Record<string, string>>): string[] =>
  Object.entries(keys).flatMap(([key, value]) => ["-k", `${key}=${value}`]);

/** C-MOVE: asks the peer to send what matches to `destination`, which the peer has to know. */
export function movescu({ destination, ...call }: RetrieveCall & { readonly destination: string }): Promise<Finished> {
  return run("movescu", ["-v", "-S", "-aem", destination, ...keyArgs(call.keys), ...addressArgs(call)], runOptions(call));
}

/** C-GET: what matches comes over the same association, as it was stored, and is kept in `folder`. */
export function getscu({ folder, ...call }: RetrieveCall & { readonly folder: string }): Promise<Finished> {
  return run("getscu", ["-v", "-S", "-B", "-od", folder, ...keyArgs(call.keys), ...addressArgs(call)], runOptions(call));
}

/** A DICOM node of dcmtk's that keeps what it receives in a folder. */
export type StorageNode = AsyncDisposable & {
  readonly aeTitle: string;
  readonly port: number;
  readonly process: RunningProcess;
  /** Paths of what was received, sorted. */
  readonly files: () => Promise<string[]>;
  /** C-STORE requests in its log so far, the same object sent twice counted twice. The log can be a moment late. */
  readonly storeRequests: () => number;
  readonly stop: () => Promise<void>;
};

/** An association configuration of dcmtk's (its asconfig.txt) that takes these SOP classes, uncompressed, and no other. */
function takingOnly(
  sopClassUids: readonly string[],
  syntaxes: readonly string[] = ["LittleEndianExplicit", "LittleEndianImplicit"],
): string {
  const contexts = ["1.2.840.10008.1.1", ...sopClassUids].map((uid, index) => `PresentationContext${index + 1} = ${uid}\\Uncompressed`);
  return [
    "[[TransferSyntaxes]]",
    "[Uncompressed]",
    ...syntaxes.map((syntax, index) => `TransferSyntax${index + 1} = ${syntax}`),
    "[[PresentationContexts]]",
    "[These]",
    ...contexts,
    "[[Profiles]]",
    "[Only]",
    "PresentationContexts = These",
    "",
  ].join("\n");
}

/**
 * storescp: takes whatever it is sent, in any transfer syntax, byte for byte, one association at a time; it looks at no AE title. An object
 * sent again overwrites the file: count the requests where that matters. Options can make it misbehave: `--refuse`, `--abort-during`,
 * `--abort-after`, `--sleep-during 5`. With `takes` it refuses the presentation contexts of all other SOP classes, and what is compressed.
 */
export async function startStorescp({
  aeTitle = "STORESCP",
  port,
  takes,
  syntaxes,
  options = [],
}: {
  readonly aeTitle?: string;
  readonly port?: number;
  readonly takes?: readonly string[];
  /** Of what it `takes`, in dcmtk's words; both uncompressed little endian ones where absent. */
  readonly syntaxes?: readonly string[];
  readonly options?: readonly string[];
} = {}): Promise<StorageNode> {
  const folder = await temporaryFolder("storescp");
  await using settings = await temporaryFolder("storescp-settings"); // read at the start
  const profile = join(settings.path, "associations.cfg");
  if (takes) await writeFile(profile, takingOnly(takes, syntaxes));
  const ownPort = port ?? (await freePort());
  // -dhl: no reverse look-up of the caller, which can take seconds where no name server answers.
  const args = [
    "-v",
    ...(takes ? ["-xf", profile, "Only"] : ["+xa", "-pm"]),
    "+B",
    "-dhl",
    "-aet",
    aeTitle,
    "-od",
    folder.path,
    ...options,
    String(ownPort),
  ];
  const process = start("storescp", args);
  // Awaited here: settings that a peer reads at its start live until then.
  return await storageNode(process, { aeTitle, port: ownPort, folder, received: /Received Store Request/ });
}

/** A receiver that was started, when it listens; stopped again, its folder with it, when it does not come to that. */
async function storageNode(
  process: RunningProcess,
  {
    aeTitle,
    port,
    folder,
    received,
  }: { readonly aeTitle: string; readonly port: number; readonly folder: TemporaryFolder; readonly received: RegExp },
): Promise<StorageNode> {
  const stop = async () => {
    await process.stop();
    await folder[Symbol.asyncDispose]();
  };
  try {
    await process.waitForPort(port);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    aeTitle,
    port,
    process,
    files: async () => (await readdir(folder.path)).sort().map((name) => join(folder.path, name)),
    storeRequests: process.counter(received),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/**
 * dcmrecv: takes the named SOP classes and Verification, uncompressed, and rejects an association of which it takes no context at all, as many
 * archives do; storescp would accept it with every context refused.
 */
export async function startDcmrecv({
  aeTitle = "DCMRECV",
  takes,
}: {
  readonly aeTitle?: string;
  readonly takes: readonly string[];
}): Promise<StorageNode> {
  const folder = await temporaryFolder("dcmrecv");
  await using settings = await temporaryFolder("dcmrecv-settings"); // read at the start
  const profile = join(settings.path, "associations.cfg");
  await writeFile(profile, takingOnly(takes));
  const port = await freePort();
  const process = start("dcmrecv", ["-v", "+B", "-xf", profile, "Only", "-aet", aeTitle, "-od", folder.path, String(port)]);
  // Awaited here: settings that a peer reads at its start live until then.
  return await storageNode(process, { aeTitle, port, folder, received: /Received C-STORE Request/ });
}

/** A node that dcmqrscp knows, which is whom it moves to. */
export type KnownNode = { readonly aeTitle: string; readonly port: number; readonly host?: string };

export type QueryNode = AsyncDisposable & {
  readonly aeTitle: string;
  readonly port: number;
  readonly process: RunningProcess;
  readonly stop: () => Promise<void>;
};

/**
 * dcmqrscp: a small archive that stores, finds, moves and gets. Forks for each association. Any AE title may call it. Takes uncompressed
 * transfer syntaxes, and one compressed that an option names (`+xv` JPEG 2000 lossless, `+xs` JPEG lossless, `+xt` JPEG-LS).
 */
export async function startDcmqrscp({
  aeTitle = "DCMQRSCP",
  knownNodes = [],
  options = [],
}: {
  readonly aeTitle?: string;
  readonly knownNodes?: readonly KnownNode[];
  readonly options?: readonly string[];
} = {}): Promise<QueryNode> {
  const folder = await temporaryFolder("dcmqrscp");
  const port = await freePort();
  const storage = join(folder.path, "storage");
  await mkdir(storage);
  const configuration = [
    `NetworkTCPPort = ${port}`,
    "MaxPDUSize = 131072",
    "MaxAssociations = 16",
    "HostTable BEGIN",
    ...knownNodes.map((node, index) => `node${index} = (${node.aeTitle}, ${node.host ?? "127.0.0.1"}, ${node.port})`),
    "HostTable END",
    "VendorTable BEGIN",
    "VendorTable END",
    "AETable BEGIN",
    `${aeTitle} ${storage} RW (1000, 1024mb) ANY`,
    "AETable END",
    "",
  ];
  const configurationFile = join(folder.path, "dcmqrscp.cfg");
  await writeFile(configurationFile, configuration.join("\n"));
  const process = start("dcmqrscp", ["-v", "-dhl", "-c", configurationFile, ...options]);
  const stop = async () => {
    await process.stop();
    await folder[Symbol.asyncDispose]();
  };
  try {
    await process.waitForPort(port);
  } catch (error) {
    await stop();
    throw error;
  }
  return { aeTitle, port, process, stop, [Symbol.asyncDispose]: stop };
}
