import { createHash, randomUUID } from "node:crypto";
import {
  access,
  close,
  closeSync,
  existsSync,
  mkdirSync,
  open as openFile,
  read,
  rename as renameFile,
  renameSync,
  rmSync,
  unlink,
} from "node:fs";
import { type FileHandle, mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { UnavailableError } from "../base/errors.ts";
import { Durability } from "./durability.ts";
import { append, Segments, segmentBytes } from "./segments.ts";

// Plain descriptors and not FileHandles: half the cost per call, and a few hundred images come in a second
const openPath = promisify(openFile);
const closePath = promisify(close);
const movePath = promisify(renameFile);
const readSome = promisify(read);

/**
 * Received DICOM files, one per distinct content, named by the SHA-256 of their data set. Nothing that came over the network becomes part
 * of a path. A file is written as `incoming/UUID.part`, synchronised, renamed, and its folder is synchronised: what
 * {@link ObjectWriter.commit} has returned from survives a power cut. A full or failing disk is an UnavailableError.
 */
export class ObjectFolder {
  readonly #folder: string;
  readonly #incoming: string;
  readonly #durability: Durability;
  /** Descriptors of the folders that files went to, kept open: 256 at the most. */
  readonly #folders = new Map<string, Promise<number>>();
  readonly #segments = new Segments();
  /** Contents that get their names just now. */
  readonly #placing = new Map<string, Promise<void>>();
  #removed = 0;

  private constructor(folder: string, durability: Durability) {
    this.#folder = folder;
    this.#incoming = join(folder, "incoming");
    this.#durability = durability;
  }

  /** Makes the folders and removes what a crash left half-written: it was never acknowledged. */
  static async open(folder: string, durability = new Durability()): Promise<ObjectFolder> {
    const objects = new ObjectFolder(folder, durability);
    await mkdir(objects.#incoming, { recursive: true });
    for (const name of await readdir(objects.#incoming)) await rm(join(objects.#incoming, name), { force: true });
    for (let first = 0; first < 256; first++) await mkdir(join(folder, first.toString(16).padStart(2, "0")), { recursive: true });
    await syncFolder(folder);
    await syncFolder(dirname(folder));
    return objects;
  }

  /** For reading beside a running service: touches nothing. */
  static at(folder: string): ObjectFolder {
    return new ObjectFolder(folder, new Durability());
  }

  path(digest: string): string {
    return join(this.#folder, digest.slice(0, 2), `${digest}.dcm`);
  }

  isThere(digest: string): Promise<boolean> {
    return new Promise((resolve) => access(this.path(digest), (error) => resolve(error === null)));
  }

  /** How many files were taken away so far, see {@link requireThere}. */
  get removed(): number {
    return this.#removed;
  }

  /**
   * Takes a file away, if it is there. In one go with the caller's question whether it may go, since nothing can come between; it may be back after a power
   * cut until {@link syncRemoved}.
   */
  remove(digest: string): void {
    this.#removed++;
    rmSync(this.path(digest), { force: true });
  }

  /** Every content that has a file. */
  async listDigests(): Promise<string[]> {
    const digests: string[] = [];
    for (let first = 0; first < 256; first++)
      for (const name of await readdir(join(this.#folder, first.toString(16).padStart(2, "0"))))
        if (name.endsWith(".dcm")) digests.push(name.slice(0, -".dcm".length));
    return digests;
  }

  /** Moves a file into another folder of the same file system, at once, as `remove` does, then durably. */
  async setAside(digest: string, folder: string): Promise<void> {
    this.#removed++;
    mkdirSync(folder, { recursive: true });
    renameSync(this.path(digest), join(folder, `${digest}.dcm`));
    await syncFolder(folder);
    await this.syncRemoved([digest]);
  }

  /** What was removed of these contents stays so. */
  async syncRemoved(digests: Iterable<string>): Promise<void> {
    for (const folder of new Set([...digests].map((digest) => dirname(this.path(digest)))))
      await this.#durability.syncNames(await this.#descriptorOf(folder));
  }

  /**
   * To be asked right before a content that was just placed gets its row: a file whose name was taken may have been removed since, when `removed` has
   * changed. UnavailableError then: its sender sends it again.
   */
  requireThere(digest: string, removedBefore: number): void {
    if (this.#removed === removedBefore || existsSync(this.path(digest))) return;
    throw new UnavailableError("object-removed", "the same content was deleted here just now; send it again");
  }

  /**
   * Starts a file with `head` (the Part 10 file meta information, not part of the digest; some kilobytes). UnavailableError where nothing can be
   * kept.
   *
   * @param onBeginning shown the first bytes of the file, `head` included, while they are in memory: up to 288 KiB. What it throws fails the writer
   */
  create(head: Uint8Array, onBeginning: Beginning = () => {}): ObjectWriter {
    this.#durability.require();
    const part = join(this.#incoming, `${randomUUID()}.part`);
    return new ObjectWriter({ objects: this, durability: this.#durability, segments: this.#segments, part }, head, onBeginning);
  }

  /**
   * Gives a synchronised file its name, durably. A file that has the name already has the same data set and stays, since its file meta
   * information belongs to the row that came first; two of the same content at once go one after the other.
   *
   * @param mayBeThere whether the name may be taken; without, a file that nobody knows of any more is replaced
   */
  async place(part: string, digest: string, mayBeThere: boolean): Promise<void> {
    const before = this.#placing.get(digest);
    const placing = before
      ? before.catch(() => {}).then(() => this.#placeNow(part, digest, true))
      : this.#placeNow(part, digest, mayBeThere);
    this.#placing.set(digest, placing);
    try {
      await placing;
    } finally {
      if (this.#placing.get(digest) === placing) this.#placing.delete(digest);
    }
  }

  async #placeNow(part: string, digest: string, mayBeThere: boolean): Promise<void> {
    const path = this.path(digest);
    if (mayBeThere && (await this.isThere(digest))) await promisify(unlink)(part);
    else await movePath(part, path);
    // Also for a name that was there: whoever put it there may not have come to this line
    await this.#durability.syncNames(await this.#descriptorOf(dirname(path)));
  }

  #descriptorOf(folder: string): Promise<number> {
    const known = this.#folders.get(folder);
    if (known) return known;
    const opened = openPath(folder, "r");
    this.#folders.set(folder, opened);
    opened.catch(() => this.#folders.delete(folder));
    return opened;
  }

  /** After the last writer has ended. */
  async close(): Promise<void> {
    for (const opened of this.#folders.values()) await opened.then(closePath).catch(() => {}); // nothing was written through it
    this.#folders.clear();
  }
}

/** Shown the first bytes of a file, once, while they are in memory. `isAll`: the file has no more. */
export type Beginning = (bytes: Buffer, isAll: boolean) => void;

type Site = { readonly objects: ObjectFolder; readonly durability: Durability; readonly segments: Segments; readonly part: string };

/** One file on its way. Ends by `commit` or by `abort`. Calls do not overlap. */
export class ObjectWriter {
  readonly #site: Site;
  readonly #hash = createHash("sha256");
  readonly #opened: Promise<number>;
  #onBeginning: Beginning | null;
  /** What is gathered; of one object at most one more is in memory, which is being written. Null: nothing more comes. */
  #segment: Buffer | null;
  #filled = 0;
  /** Null: the disk has all that it was given. */
  #writing: Promise<void> | null = null;
  #sizeBytes: number;
  #ended = false;

  constructor(site: Site, head: Uint8Array, onBeginning: Beginning) {
    this.#site = site;
    this.#onBeginning = onBeginning;
    this.#segment = site.segments.take();
    this.#segment.set(head);
    this.#filled = head.length;
    this.#sizeBytes = head.length;
    this.#opened = openPath(site.part, "wx+");
    this.#opened.catch(() => {}); // told by the next write or commit
  }

  /** Takes a copy of the piece. A promise where the disk is behind; the piece has to stay as it is until it resolves. */
  write(piece: Uint8Array): void | Promise<void> {
    this.#hash.update(piece);
    this.#sizeBytes += piece.length;
    return this.#gather(piece, 0);
  }

  #gather(piece: Uint8Array, from: number): void | Promise<void> {
    for (let at = from; ; ) {
      this.#segment ??= this.#site.segments.take();
      const part = piece.subarray(at, at + segmentBytes - this.#filled);
      this.#segment.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled < segmentBytes) return;
      const behind = this.#handOver(this.#segment, false);
      if (behind) return unlessFull(() => behind).then(() => this.#gather(piece, at));
    }
  }

  /** Gives what was gathered to the disk. A promise where that has not yet taken what it was given before. */
  #handOver(segment: Buffer, isLast: boolean): Promise<void> | null {
    const onBeginning = this.#onBeginning;
    this.#onBeginning = null;
    onBeginning?.(segment.subarray(0, this.#filled), isLast);
    const before = this.#writing;
    const writing = this.#write(before, segment, this.#filled);
    this.#segment = null;
    this.#filled = 0;
    this.#writing = writing;
    writing.then(
      () => {
        if (this.#writing === writing) this.#writing = null;
      },
      () => {}, // told by the next write or commit
    );
    return before;
  }

  async #write(before: Promise<void> | null, segment: Buffer, bytes: number): Promise<void> {
    try {
      if (before) await before;
      await append(await this.#opened, segment.subarray(0, bytes));
    } finally {
      this.#site.segments.giveBack(segment);
    }
  }

  /** Nothing more comes: what is in memory goes to the disk. `onBeginning` was called when this returns. */
  end(): void {
    if (this.#segment) void this.#handOver(this.#segment, true);
    this.#segment = null;
  }

  /** The first bytes of the file, after `end`. */
  readBeginning(bytes: number): Promise<Buffer> {
    return unlessFull(async () => {
      await this.#writing;
      const file = await this.#opened;
      const beginning = Buffer.alloc(Math.min(bytes, this.#sizeBytes));
      for (let at = 0; at < beginning.length; ) {
        const { bytesRead } = await readSome(file, beginning, at, beginning.length - at, at);
        if (bytesRead === 0) throw new Error(`the file ends after ${at} bytes, ${this.#sizeBytes} were written`);
        at += bytesRead;
      }
      return beginning;
    });
  }

  /**
   * The content is durable under its digest when this resolves.
   *
   * @param mayBeThere asked with the digest whether a file of that name may be there; without, it is looked for
   */
  async commit(mayBeThere: (digest: string) => boolean = () => true): Promise<{ digest: string; sizeBytes: number }> {
    const { objects, durability, part } = this.#site;
    const digest = this.#hash.digest("hex");
    await unlessFull(async () => {
      this.end();
      await this.#writing;
      const file = await this.#opened;
      await durability.syncContent(file);
      await objects.place(part, digest, mayBeThere(digest));
      this.#ended = true;
      closeSync(file); // synchronised: nothing is left to wait for, or that could fail
    });
    return { digest, sizeBytes: this.#sizeBytes };
  }

  async abort(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#segment) this.#site.segments.giveBack(this.#segment);
    this.#segment = null;
    const file = await this.#opened.catch(() => null);
    if (file === null) return; // it could not be made: nothing is there
    await this.#writing?.catch(() => {});
    await closePath(file).catch(() => {});
    await rm(this.#site.part, { force: true });
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
  const first = (await mkdir(path, { recursive: true })) ?? path;
  // Folders above it that were not there either are names as well: without theirs a power cut takes all that is below
  for (let made = path; ; made = dirname(made)) {
    await syncFolder(dirname(made));
    if (made === first) return;
  }
}

/** Moves a file or folder into another folder of the same file system, durably. */
export async function moveAside(path: string, folder: string, name: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await rename(path, join(folder, name));
  await syncFolder(folder);
  await syncFolder(dirname(path));
}

/** Removes a folder with what it holds, durably; nothing to do where there is none. */
export async function removeFolder(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
  await syncFolder(dirname(path)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error; // the folder around it was never made
  });
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
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
