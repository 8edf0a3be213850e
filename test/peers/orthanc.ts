import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { temporaryFolder } from "./folder.ts";
import { freePort } from "./ports.ts";
import { type RunningProcess, start } from "./process.ts";

const dicomWebPlugin = "/usr/share/orthanc/plugins/libOrthancDicomWeb.so";

/** A node Orthanc may query or send to, by the name its REST interface uses. */
export type Modality = { readonly aeTitle: string; readonly port: number; readonly host?: string };

/** A resource of DICOMweb as DICOM JSON (PS3.18 F). */
export type DicomJson = Readonly<Record<string, { readonly vr: string; readonly Value?: readonly unknown[] }>>;

export type Orthanc = AsyncDisposable & {
  readonly aeTitle: string;
  readonly dicomPort: number;
  readonly httpPort: number;
  /** Root of Orthanc's own REST interface, without a slash at the end. */
  readonly url: string;
  /** Root of DICOMweb, for QIDO-RS, WADO-RS and STOW-RS, without a slash at the end. */
  readonly dicomWebUrl: string;
  readonly process: RunningProcess;
  /** A REST call whose answer is JSON; an answer that is no success fails, with its text. `body` is sent as JSON, bytes as they are. */
  readonly call: (method: "GET" | "POST" | "PUT" | "DELETE", path: string, body?: unknown) => Promise<unknown>;
  /** QIDO-RS: `find("/studies?PatientID=1")`. */
  readonly find: (pathAndQuery: string) => Promise<readonly DicomJson[]>;
  /** C-STORE requests in its log so far, which can be a moment late. An object sent again is answered with Success, not stored, but counted. */
  readonly storeRequests: () => number;
  /** Part 10 files of all instances Orthanc holds that have this SOP Class. It re-encodes sequences and lengths; values stay. */
  readonly instancesOf: (sopClassUid: string) => Promise<readonly Uint8Array<ArrayBuffer>[]>;
  readonly stop: () => Promise<void>;
};

/**
 * Orthanc as a PACS: takes C-STORE of every storage class from anybody, answers C-FIND, C-MOVE and C-GET of the known modalities. Its data
 * lives in a temporary folder. It listens on all addresses (Orthanc 1.10 cannot bind to one) but answers HTTP to loopback only.
 *
 * @param settings more of Orthanc's own configuration, over what stands here
 */
export async function startOrthanc({
  aeTitle = "PACS",
  modalities = {},
  settings = {},
  isVerbose = true,
}: {
  readonly aeTitle?: string;
  readonly modalities?: Readonly<Record<string, Modality>>;
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Whether it logs each request, which `storeRequests` counts. */
  readonly isVerbose?: boolean;
} = {}): Promise<Orthanc> {
  const folder = await temporaryFolder("orthanc");
  const dicomPort = await freePort();
  const httpPort = await freePort();
  const configuration = {
    Name: "Test PACS",
    StorageDirectory: join(folder.path, "storage"),
    IndexDirectory: join(folder.path, "storage"),
    Plugins: [dicomWebPlugin],
    DicomAet: aeTitle,
    DicomPort: dicomPort,
    DicomCheckCalledAet: true,
    DicomModalities: Object.fromEntries(
      Object.entries(modalities).map(([name, node]) => [name, { AET: node.aeTitle, Host: node.host ?? "127.0.0.1", Port: node.port }]),
    ),
    HttpPort: httpPort,
    // Loopback only, and so no password: a request from elsewhere is answered 403.
    RemoteAccessAllowed: false,
    AuthenticationEnabled: false,
    DicomWeb: { Enable: true, Root: "/dicom-web/" },
    StableAge: 1,
    // Orthanc's defaults keep one outgoing association open for 5 s and wait for the disk at each file.
    DicomAssociationCloseDelay: 0,
    SyncStorageArea: false,
    HttpThreadsCount: 8,
    WebDavEnabled: false,
    ...settings,
  };
  const configurationFile = join(folder.path, "orthanc.json");
  await writeFile(configurationFile, JSON.stringify(configuration));
  const process = start("Orthanc", [...(isVerbose ? ["--verbose"] : []), configurationFile], { cwd: folder.path });
  const url = `http://127.0.0.1:${httpPort}`;
  const dicomWebUrl = `${url}/dicom-web`;
  const stop = async () => {
    await process.stop(0); // its orderly end takes 3 s and saves nothing that is wanted: the folder goes too
    await folder[Symbol.asyncDispose]();
  };

  const request = async (method: string, path: string, body?: unknown): Promise<Response> => {
    const init: RequestInit = { method }; // not "connection: close": Orthanc 1.10 then closes before the last bytes of a large file are out
    if (body instanceof Uint8Array) init.body = body as Uint8Array<ArrayBuffer>;
    else if (body !== undefined) init.body = JSON.stringify(body);
    const response = await fetch(`${url}${path}`, init);
    if (!response.ok) assert.fail(`Orthanc answered ${method} ${path} with ${response.status}: ${await response.text()}`);
    return response;
  };
  const call: Orthanc["call"] = async (method, path, body) => {
    const text = await (await request(method, path, body)).text();
    return text === "" ? undefined : JSON.parse(text);
  };

  try {
    await process.waitForLine(/Orthanc has started/); // comes when both servers listen
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    aeTitle,
    dicomPort,
    httpPort,
    url,
    dicomWebUrl,
    process,
    storeRequests: process.counter(/Incoming Store request/),
    call,
    find: async (pathAndQuery) => (await call("GET", `/dicom-web${pathAndQuery}`)) as DicomJson[],
    instancesOf: async (sopClassUid) => {
      const ids = (await call("GET", "/instances")) as string[];
      const files: Uint8Array<ArrayBuffer>[] = [];
      for (const id of ids) {
        const { SOPClassUID } = (await call("GET", `/instances/${id}/simplified-tags`)) as { SOPClassUID?: string };
        if (SOPClassUID !== sopClassUid) continue;
        files.push(new Uint8Array(await (await request("GET", `/instances/${id}/file`)).arrayBuffer()));
      }
      return files;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
