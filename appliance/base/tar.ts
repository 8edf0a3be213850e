import { RefusedError } from "./errors.ts";

const blockBytes = 512;
const mostBytes = 8 ** 11 - 1;

/**
 * What stands before a file in a tar archive (POSIX.1-1988 ustar). After it come the bytes of the file, filled up by {@link tarPadding}.
 * Refused (`archive-too-large`): a file of 8 GiB or more, a name of more than 100 ASCII characters.
 *
 * @param modifiedAt UTC epoch ms
 */
export function tarHeader(name: string, sizeBytes: number, modifiedAt: number): Uint8Array {
  if (sizeBytes > mostBytes || name.length > 100 || !/^[\x21-\x7e]+$/.test(name))
    throw new RefusedError(
      "archive-too-large",
      `expected a name of 1 to 100 letters and less than 8 GiB, found ${name.length} and ${sizeBytes} bytes`,
    );
  const header = Buffer.alloc(blockBytes);
  const octal = (value: number, offset: number, digits: number): void => {
    header.write(value.toString(8).padStart(digits, "0"), offset, "ascii");
  };
  header.write(name, 0, "ascii");
  octal(0o600, 100, 7);
  octal(0, 108, 7); // owner
  octal(0, 116, 7); // group
  octal(sizeBytes, 124, 11);
  octal(Math.max(0, Math.floor(modifiedAt / 1000)), 136, 11);
  header.fill(" ", 148, 156); // the checksum counts as blanks in its own sum
  header.write("0", 156, "ascii");
  header.write("ustar\x0000", 257, "latin1");
  octal(
    header.reduce((sum, byte) => sum + byte, 0),
    148,
    6,
  );
  header.write("\0 ", 154, "latin1");
  return header;
}

/** What follows the bytes of a file. */
export function tarPadding(sizeBytes: number): Uint8Array {
  return new Uint8Array((blockBytes - (sizeBytes % blockBytes)) % blockBytes);
}

/** What ends an archive. */
export const tarEnd = new Uint8Array(2 * blockBytes);
