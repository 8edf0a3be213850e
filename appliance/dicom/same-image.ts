import { isDeepStrictEqual } from "node:util";
import { RefusedError } from "../base/errors.ts";
import { readCtInstance } from "./ct-instance.ts";
import { decodeFrame } from "./decode.ts";
import { openPart10, readFileMeta } from "./part10.ts";
import { readCodedPixels } from "./pixel-data.ts";
import { dataSetEncodingOf } from "./transfer-syntaxes.ts";

/**
 * Whether two files of one SOP Instance UID are the same image to whoever measures in it: same patient, study and frame of reference, same
 * place, spacing and rescale, same pixels. A PACS that forwards what the scanner has sent already may have changed the rest of the header
 * (coercion) or the transfer syntax. Files that are no CT images are never taken for the same.
 *
 * @param decode also compares pixels that are coded differently, by decoding them; without it those count as different, and what is deflated too
 */
export async function isSameImage(a: Uint8Array, b: Uint8Array, { decode }: { readonly decode: boolean }): Promise<boolean> {
  try {
    if (!decode && (isDeflated(a) || isDeflated(b))) return false;
    const [first, second] = [describe(a), describe(b)];
    if (!isDeepStrictEqual(first.instance, second.instance) || first.pixels.frames.length !== second.pixels.frames.length) return false;
    const sameSyntax = first.pixels.syntax === second.pixels.syntax;
    for (const [index, frame] of first.pixels.frames.entries()) {
      const other = second.pixels.frames[index]!;
      if (sameSyntax && equalBytes(frame, other)) continue;
      if (!decode) return false;
      const [words, otherWords] = [
        await decodeFrame(frame, first.pixels.syntax, first.instance.format),
        await decodeFrame(other, second.pixels.syntax, second.instance.format),
      ];
      if (!isDeepStrictEqual(words, otherWords)) return false;
    }
    return true;
  } catch (error) {
    if (error instanceof RefusedError) return false; // what can't be read can't be compared
    throw error;
  }
}

/** Its size says nothing of what it takes to read it. */
function isDeflated(file: Uint8Array): boolean {
  return dataSetEncodingOf(readFileMeta(file).transferSyntaxUid).deflated;
}

function describe(file: Uint8Array) {
  const opened = openPart10(file, { whole: true });
  const read = readCtInstance(opened);
  // Numbers and times of the acquisition place nothing and measure nothing.
  const instance = { ...read, frames: read.frames.map((frame) => ({ ...frame, acquisition: null })) };
  return { instance, pixels: readCodedPixels(opened, instance.format, instance.numberOfFrames) };
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
