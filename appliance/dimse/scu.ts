import type { FileHandle } from "node:fs/promises";
import { RefusedError, UnavailableError } from "../base/errors.ts";
import { explicitVrLittleEndian, implicitVrLittleEndian } from "../dicom/transfer-syntaxes.ts";
import type { AeTitle, Uid } from "../domain/ids.ts";
import type { RemoteNode } from "../domain/remote-node.ts";
import { type Association, type AssociationOptions, openAssociation, type WantedContext } from "./association.ts";
import { type CommandSet, commandFields } from "./command-set.ts";
import { verificationSopClass } from "./presentation-contexts.ts";
import { meaningOf, refusesClass, statusText } from "./status.ts";
import { FileSender, openForSending, readImplicitHead } from "./store-file.ts";

export type { RemoteNode } from "../domain/remote-node.ts";
export { Association, openAssociation } from "./association.ts";

/** A Part 10 file to send: its data set goes out byte for byte, unless {@link StoreFile.isOurs} lets it be rewritten. */
export type StoreFile = {
  readonly path: string;
  readonly sopClassUid: Uid;
  readonly sopInstanceUid: Uid;
  readonly transferSyntaxUid: Uid;
  /** Where the data set begins, after the File Meta Information. */
  readonly dataSetOffset: number;
  /**
   * We wrote it: where the peer does not take Explicit VR Little Endian, in which it is, it goes out in Implicit VR. Other files go out byte for
   * byte or not at all.
   */
  readonly isOurs?: boolean;
  /**
   * The same object without compression, in Explicit VR Little Endian: it goes out where the peer does not take the file's own syntax. Asked for only
   * then; who sends closes the file.
   */
  readonly decode?: () => Promise<OpenedFile>;
};

/** A Part 10 file that is open, and where its data set begins. */
export type OpenedFile = { readonly handle: FileHandle; readonly dataSetOffset: number };

/** What became of one file. */
export type StoreOutcome =
  /** The peer has it; a status other than 0000H is its remark (a warning Bxxx, or 0111H: it had it already). */
  | {
      readonly kind: "stored";
      readonly status: number;
      readonly comment?: string;
      /** Without compression or in the other encoding, not as the file is. */
      readonly rewritten?: "explicit" | "implicit";
    }
  /** The peer said no. `permanent`: another try will not help. */
  | { readonly kind: "refused"; readonly status: number; readonly permanent: boolean; readonly message: string; readonly comment?: string }
  /** No answer for it: the association ended first, its context was refused, or the file can't be read. */
  | { readonly kind: "not-sent"; readonly code: string; readonly permanent: boolean; readonly message: string };

export type StoreOptions = AssociationOptions & {
  /** After each answer; the next object goes out when what it returns has settled. */
  readonly onStored?: (index: number, outcome: StoreOutcome) => void | Promise<void>;
};

export type SendOptions<Form extends StoreFile> = AssociationOptions & {
  /** Before the first byte of a form can go out: from then on the peer may have it, answer or not. */
  readonly onSending?: (form: Form) => void;
};

/**
 * Sends files over one association, in order, and says of each what became of it. Throws when there is no association to begin with
 * (see openAssociation), and the signal's reason when it is given up.
 */
export async function storeFiles(
  node: RemoteNode,
  callingAeTitle: AeTitle,
  files: readonly StoreFile[],
  { onStored, ...options }: StoreOptions = {},
): Promise<StoreOutcome[]> {
  if (files.length === 0) return [];
  const association = await openAssociation(node, callingAeTitle, contextsFor(files), options);
  const sender = new FileSender(association);
  const outcomes: StoreOutcome[] = [];
  try {
    for (const [index, file] of files.entries()) {
      const outcome = await storeFile(association, sender, file);
      outcomes.push(outcome); // the peer has answered: whatever happens now, that is known
      await onStored?.(index, outcome);
      if (outcomes.length < files.length || outcome.kind === "not-sent") options.signal?.throwIfAborted();
    }
    if (!association.failure) await association.release();
  } finally {
    association.abort(); // ends what did not end in good order; after a release there is nothing left to abort
  }
  return outcomes;
}

/**
 * Sends one of several forms of the same thing: the first whose class the peer takes. What became of each that was tried, in order; all but
 * the last are refusals of the class ({@link refusesItsClass}). Throws as storeFiles does.
 *
 * All forms are proposed in one association, and Verification with them: peers that reject an association of which they take no context
 * then say by context what they don't take. Where a peer turns all of it away all the same, each form is proposed alone, since some reject
 * whoever names a class that they don't know.
 */
export async function storeFirstTaken<Form extends StoreFile>(
  node: RemoteNode,
  callingAeTitle: AeTitle,
  forms: readonly Form[],
  options: SendOptions<Form> = {},
): Promise<StoreOutcome[]> {
  try {
    return await storeFirstOf(node, callingAeTitle, forms, options);
  } catch (error) {
    if (!isTurnedAway(error) || forms.length < 2) throw error;
    const outcomes: StoreOutcome[] = [];
    let isKnown = false;
    for (const form of forms) {
      try {
        outcomes.push(...(await storeFirstOf(node, callingAeTitle, [form], options)));
        isKnown = true;
      } catch (alone) {
        if (!isTurnedAway(alone)) throw alone;
        outcomes.push(contextRefused(alone.message));
      }
      if (!refusesItsClass(outcomes.at(-1)!)) break;
    }
    if (isKnown) return outcomes;
    throw error; // whatever is proposed: it is us that the peer does not take
  }
}

/** Whether the peer does not take this class of object, by its presentation contexts or by its answer: another form may be welcome. */
export function refusesItsClass(outcome: StoreOutcome): boolean {
  if (outcome.kind === "refused") return refusesClass(outcome.status);
  return outcome.kind === "not-sent" && outcome.code === classNotTaken;
}

async function storeFirstOf<Form extends StoreFile>(
  node: RemoteNode,
  callingAeTitle: AeTitle,
  forms: readonly Form[],
  options: SendOptions<Form>,
): Promise<StoreOutcome[]> {
  const wanted = [...contextsFor(forms), { abstractSyntax: verificationSopClass, transferSyntaxes: [implicitVrLittleEndian] }];
  const association = await openAssociation(node, callingAeTitle, wanted, options);
  const sender = new FileSender(association);
  const outcomes: StoreOutcome[] = [];
  try {
    for (const form of forms) {
      options.onSending?.(form);
      const outcome = await storeFile(association, sender, form);
      outcomes.push(outcome);
      if (!refusesItsClass(outcome)) break;
      options.signal?.throwIfAborted();
    }
    if (outcomes.at(-1)?.kind === "not-sent") options.signal?.throwIfAborted();
    if (!association.failure) await association.release();
  } finally {
    association.abort(); // ends what did not end in good order
  }
  return outcomes;
}

function isTurnedAway(error: unknown): error is RefusedError {
  return error instanceof RefusedError && error.code === "association-rejected";
}

const classNotTaken = "presentation-context-refused";

function contextRefused(message: string): StoreOutcome {
  return notSent(new RefusedError(classNotTaken, message));
}

/** One presentation context per pair of class and transfer syntax, with that syntax only: the bytes go out as they are where that is taken. */
function contextsFor(files: readonly StoreFile[]): WantedContext[] {
  const wanted = files.flatMap((file) =>
    waysOf(file).map(({ transferSyntaxUid }) => ({ sopClassUid: file.sopClassUid, transferSyntaxUid })),
  );
  const pairs = new Map(wanted.map((pair) => [`${pair.sopClassUid} ${pair.transferSyntaxUid}`, pair]));
  return [...pairs.values()].map(({ sopClassUid, transferSyntaxUid }) => ({
    abstractSyntax: sopClassUid,
    transferSyntaxes: [transferSyntaxUid],
  }));
}

type Way = { readonly transferSyntaxUid: Uid; readonly isDecoded: boolean; readonly rewritten?: "explicit" | "implicit" };

/** In which transfer syntaxes a file can go out, best first: as it is; without compression; in Implicit VR. */
function waysOf({ isOurs, transferSyntaxUid, decode }: StoreFile): Way[] {
  const isDecoded = decode !== undefined;
  return [
    { transferSyntaxUid, isDecoded: false },
    ...(isDecoded ? [{ transferSyntaxUid: explicitVrLittleEndian, isDecoded, rewritten: "explicit" as const }] : []),
    ...(isOurs && (isDecoded || transferSyntaxUid === explicitVrLittleEndian)
      ? [{ transferSyntaxUid: implicitVrLittleEndian, isDecoded, rewritten: "implicit" as const }]
      : []),
  ];
}

async function storeFile(association: Association, sender: FileSender, file: StoreFile): Promise<StoreOutcome> {
  if (association.failure) return notSent(association.failure);
  const { sopClassUid, transferSyntaxUid } = file;
  const way = waysOf(file).find((each) => association.contextFor(sopClassUid, each.transferSyntaxUid) !== null);
  if (!way) return contextRefused(`the peer does not take class ${sopClassUid} in transfer syntax ${transferSyntaxUid}`);
  const contextId = association.contextFor(sopClassUid, way.transferSyntaxUid)!;
  try {
    const { handle, dataSetOffset } =
      way.isDecoded && file.decode
        ? await file.decode()
        : { handle: await openForSending(file.path, file.dataSetOffset), dataSetOffset: file.dataSetOffset };
    try {
      const { start, restAt } = way.rewritten === "implicit" ? await readImplicitHead(handle) : { start: undefined, restAt: dataSetOffset };
      const response = await association.request(contextId, storeRequest(association, file), (commandPdus) =>
        sender.send(handle, restAt, contextId, commandPdus, start),
      );
      const outcome = outcomeOf(response);
      return outcome.kind === "stored" && way.rewritten ? { ...outcome, rewritten: way.rewritten } : outcome;
    } finally {
      await handle.close();
    }
  } catch (error) {
    return notSent(error);
  }
}

/** PS3.7 section 9.3.1.1. */
function storeRequest(association: Association, { sopClassUid, sopInstanceUid }: StoreFile): CommandSet {
  return {
    affectedSopClassUid: sopClassUid,
    commandField: commandFields.cStoreRequest,
    messageId: association.nextMessageId(),
    priority: 0, // medium
    commandDataSetType: 0x0001,
    affectedSopInstanceUid: sopInstanceUid,
  };
}

function outcomeOf({ status, errorComment }: CommandSet): StoreOutcome {
  if (status === undefined) return notSent(new UnavailableError("association-aborted", "a response without a status"));
  const meaning = meaningOf(status);
  const comment = errorComment ? { comment: errorComment } : {};
  if (meaning === "stored") return { kind: "stored", status, ...comment };
  const message = `the peer answered ${statusText(status)}${errorComment ? `: ${errorComment}` : ""}`;
  return { kind: "refused", status, permanent: meaning === "refused", message, ...comment };
}

function notSent(error: unknown): StoreOutcome {
  if (!(error instanceof RefusedError || error instanceof UnavailableError)) throw error;
  return { kind: "not-sent", code: error.code, permanent: error instanceof RefusedError, message: error.message };
}
