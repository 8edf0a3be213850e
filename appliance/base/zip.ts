import { crc32, deflateRawSync } from "node:zlib";
import { RefusedError } from "./errors.ts";

/** A file in an archive; its name in ASCII, with `/` between folders. */
export type ZipEntry = { readonly name: string; readonly bytes: Uint8Array };

/**
 * A zip archive in pieces; entries are taken one by one, so that they can be made on the way. The same entries give the same bytes: every
 * file bears the earliest date there is. Refused (`archive-too-large`): over 4 GiB or 65 535 files, which the plain format can't say.
 *
 * @source PKWARE APPNOTE.TXT 6.3.10, sections 4.3.7, 4.3.12 and 4.3.16
 */
export function* encodeZip(entries: Iterable<ZipEntry>): Generator<Uint8Array> {
  const directory: Uint8Array[] = [];
  let offset = 0;
  for (const { name, bytes } of entries) {
    const packed = deflateRawSync(bytes, { level: 1 });
    const common = commonFields(name, bytes, packed.length);
    const local = Buffer.concat([signature(0x04034b50), common, Buffer.from(name, "ascii")]);
    const central = Buffer.alloc(14); // no comment, first disk, no attributes
    central.writeUInt32LE(offset, 10);
    directory.push(Buffer.concat([signature(0x02014b50), Buffer.from([20, 0]), common, central, Buffer.from(name, "ascii")]));
    offset += local.length + packed.length;
    if (offset > 0xffffffff || directory.length > 0xffff)
      throw new RefusedError("archive-too-large", `expected at most 4 GiB and 65535 files, found more at ${name}`);
    yield local;
    yield packed;
  }
  const sizeBytes = directory.reduce((sum, { length }) => sum + length, 0);
  yield* directory;
  const end = Buffer.alloc(18);
  end.writeUInt16LE(directory.length, 4);
  end.writeUInt16LE(directory.length, 6);
  end.writeUInt32LE(sizeBytes, 8);
  end.writeUInt32LE(offset, 12);
  yield Buffer.concat([signature(0x06054b50), end]);
}

function signature(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** What a file's own header and the directory both say: version, deflated, date, checksum, sizes, length of the name. */
function commonFields(name: string, bytes: Uint8Array, packedBytes: number): Buffer {
  const fields = Buffer.alloc(26);
  fields.writeUInt16LE(20, 0);
  fields.writeUInt16LE(8, 4);
  fields.writeUInt16LE(0x21, 8); // 1 January 1980
  fields.writeUInt32LE(crc32(bytes), 10);
  fields.writeUInt32LE(packedBytes, 14);
  fields.writeUInt32LE(bytes.length, 18);
  fields.writeUInt16LE(name.length, 22);
  return fields;
}
