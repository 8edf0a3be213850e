import { createHash, randomUUID } from "node:crypto";
import { type FileHandle, link, mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { UnavailableError } from "../base/errors.ts";

/**
 * Received DICOM files, one per distinct content, named by the SHA-256 of their data set. Nothing that came over the network becomes part
 * of a path. A file is written as `incoming/UUID.part`, synchronised, linked to its name, and its folder is synchronised: what
 * {@link ObjectWriter.commit} has returned from survives a power cut. A full or failing disk is an UnavailableError.
 */
export class ObjectFolder {
  readonly #folder: string;
  readonly #incoming: string;

  private constructor(folder: string) {
    this.#folder = folder;
    this.#incoming = join(folder, "incoming");
  }

  /** Makes the folders and removes what a crash left half-written: it was never acknowledged. */
  static async open(folder: string): Promise<ObjectFolder> {
    const objects = new ObjectFolder(folder);
    await mkdir(objects.#incoming, { recursive: true });
    for (const name of await readdir(objects.#incoming)) await rm(join(objects.#incoming, name), { force: true });
    for (let first = 0; first < 256; first++) await mkdir(join(folder, first.toString(16).padStart(2, "0")), { recursive: true });
    await syncFolder(folder);
    await syncFolder(dirname(folder));
    return objects;
  }

  /** For reading beside a running service: touches nothing. */
  static at(folder: string): ObjectFolder {
    return new ObjectFolder(folder);
  }

  path(digest: string): string {
    return join(this.#folder, digest.slice(0, 2), `${digest}.dcm`);
  }

  /** Starts a file with `head` (the Part 10 file meta information, not part of the digest). */
  async create(head: Uint8Array): Promise<ObjectWriter> {
    const part = join(this.#incoming, `${randomUUID()}.part`);
    const writer = new ObjectWriter(this, part, await unlessFull(() => open(part, "wx")));
    await writer.writeHead(head).catch(async (error: unknown) => {
      await writer.abort();
      throw error;
    });
    return writer;
  }
}

/** One file on its way. Ends by `commit` or by `abort`. */
export class ObjectWriter {
  readonly #objects: ObjectFolder;
  readonly #part: string;
  readonly #file: FileHandle;
  readonly #hash = createHash("sha256");
  #sizeBytes = 0;
  #ended = false;

  constructor(objects: ObjectFolder, part: string, file: FileHandle) {
    this.#objects = objects;
    this.#part = part;
    this.#file = file;
  }

  async writeHead(head: Uint8Array): Promise<void> {
    await unlessFull(() => writeAll(this.#file, head));
    this.#sizeBytes += head.length;
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#hash.update(chunk);
    await unlessFull(() => writeAll(this.#file, chunk));
    this.#sizeBytes += chunk.length;
  }

  /**
   * The content is durable under its digest when this resolves. A file that has the name already has the same data set and stays: it is
   * linked and not renamed over, since its file meta information belongs to the row that came first.
   */
  async commit(): Promise<{ digest: string; sizeBytes: number }> {
    const digest = this.#hash.digest("hex");
    const path = this.#objects.path(digest);
    await unlessFull(async () => {
      await this.#file.datasync();
      await this.#file.close();
      await link(this.#part, path).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== "EEXIST") throw error;
      });
      await syncFolder(dirname(path));
    });
    this.#ended = true;
    await rm(this.#part, { force: true });
    return { digest, sizeBytes: this.#sizeBytes };
  }

  async abort(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.#file.close().catch(() => {}); // closed already when commit failed after its own close
    await rm(this.#part, { force: true });
  }
}

/** Writes a file beside its place, synchronises it and moves it there: it is either whole or absent. UnavailableError when the disk is full. */
export function writeDurably(path: string, pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<void> {
  return unlessFull(() => writeBeside(path, pieces));
}

async function writeBeside(path: string, pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<void> {
  const part = `${path}.${randomUUID()}.part`;
  const file = await open(part, "wx");
  try {
    for await (const piece of pieces) await writeAll(file, piece);
    await file.datasync();
    await file.close();
    await rename(part, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await file.close().catch(() => {}); // the first failure is the one to tell
    await rm(part, { force: true });
    throw error;
  }
}

/** Makes a folder anew, without what it held, so that its name is durable before anything is written into it. */
export async function makeEmptyFolder(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
  await mkdir(path, { recursive: true });
  await syncFolder(dirname(path));
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten;
}

const diskTroubles = ["ENOSPC", "EDQUOT", "EROFS", "EIO", "EMFILE", "ENFILE"];

/** A full or read-only disk is the machine's trouble, not that of what is written: it is worth another try when somebody has seen to it. */
async function unlessFull<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (!diskTroubles.includes(code)) throw error;
    throw new UnavailableError("storage-unavailable", `can't write to the data folder (${code}); free disk space or check the disk`, {
      cause: error,
    });
  }
}

/** Makes new names in a folder durable. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
