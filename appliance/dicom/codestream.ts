import { RefusedError } from "../base/errors.ts";

/** What a code stream says of its image. */
export type StreamHeader = {
  readonly rows: number;
  readonly columns: number;
  readonly components: number;
  /** Bits of a sample. */
  readonly precision: number;
  readonly signed: boolean;
};

/**
 * The frame header of a JPEG lossless (SOF3) or JPEG-LS (SOF55) stream, and the promise that the stream has its end. The decoders fill what a
 * truncated stream lacks without a word, so the end is looked for here. ITU-T T.81 annex B, T.87 annex C
 */
export function readJpegHeader(stream: Uint8Array, frameMarker: 0xffc3 | 0xfff7): StreamHeader {
  const view = new DataView(stream.buffer, stream.byteOffset, stream.byteLength);
  if (stream.length < 4 || view.getUint16(0) !== 0xffd8) throw malformed("a JPEG stream does not start with SOI");
  let header: StreamHeader | null = null;
  for (let at = 2; ; ) {
    if (at + 4 > stream.length) throw truncated("a JPEG stream ends before its scan");
    if (stream[at] !== 0xff) throw malformed(`expected a JPEG marker at byte ${at}`);
    if (stream[at + 1] === 0xff) {
      at += 1; // a fill byte, T.81 B.1.1.2
      continue;
    }
    const marker = view.getUint16(at);
    const length = view.getUint16(at + 2);
    const isFrame = (marker >= 0xffc0 && marker <= 0xffcf && ![0xffc4, 0xffc8, 0xffcc].includes(marker)) || marker === 0xfff7;
    if (isFrame && marker !== frameMarker)
      throw malformed(`expected JPEG frame marker ${frameMarker.toString(16)}, found ${marker.toString(16)}`);
    if (isFrame) {
      if (length < 8 || at + 2 + length > stream.length) throw truncated("a JPEG frame header is cut off");
      header = {
        precision: stream[at + 4]!,
        rows: view.getUint16(at + 5),
        columns: view.getUint16(at + 7),
        components: stream[at + 9]!,
        signed: false,
      };
    }
    at += 2 + length;
    if (marker === 0xffda) break;
  }
  if (!header) throw malformed("a JPEG stream has no frame header");
  if (!endsWithMarker(view)) throw truncated("a JPEG stream has no end marker");
  return header;
}

/**
 * The size header of a JPEG 2000 or HTJ2K code stream, and the promise that all tiles are there and whole: each tile-part says its length.
 * ITU-T T.800 annex A, T.814 annex A
 */
export function readJpeg2000Header(stream: Uint8Array): StreamHeader {
  const view = new DataView(stream.buffer, stream.byteOffset, stream.byteLength);
  if (stream.length < 4 || view.getUint16(0) !== 0xff4f) throw malformed("a JPEG 2000 code stream does not start with SOC");
  if (stream.length < 45) throw truncated("a JPEG 2000 code stream ends in its header");
  if (view.getUint16(2) !== 0xff51) throw malformed("a JPEG 2000 code stream has no SIZ after SOC");
  const word = (at: number): number => view.getUint32(6 + at);
  const [xSize, ySize, xOffset, yOffset] = [word(2), word(6), word(10), word(14)];
  const [tileWidth, tileHeight, tileX, tileY] = [word(18), word(22), word(26), word(30)];
  if (tileWidth === 0 || tileHeight === 0) throw malformed("a JPEG 2000 code stream has tiles without size");
  const tiles = Math.ceil((xSize - tileX) / tileWidth) * Math.ceil((ySize - tileY) / tileHeight);
  const depth = stream[42]!;
  requireTileParts(view, tiles);
  return {
    columns: xSize - xOffset,
    rows: ySize - yOffset,
    components: view.getUint16(40),
    precision: (depth & 0x7f) + 1,
    signed: depth >= 0x80,
  };
}

/** Walks the tile-parts: each must lie within the stream, each tile must have begun, and the end marker (or the last announced part) must be there. */
function requireTileParts(view: DataView, tiles: number): void {
  if (!(tiles >= 1 && tiles <= 65535)) throw malformed(`a JPEG 2000 code stream of ${tiles} tiles`);
  let at = 2;
  while (at + 4 <= view.byteLength && view.getUint16(at) !== 0xff90) at += 2 + view.getUint16(at + 2);
  /** Tile-parts still to come, by tile; only for tiles that say how many they have. */
  const partsLeft = new Map<number, number>();
  const seen = new Set<number>();
  while (at + 12 <= view.byteLength && view.getUint16(at) === 0xff90) {
    const tile = view.getUint16(at + 4);
    const length = view.getUint32(at + 6);
    seen.add(tile);
    const parts = view.getUint8(at + 11);
    if (parts > 0) partsLeft.set(tile, parts - view.getUint8(at + 10) - 1);
    if (length === 0) {
      // The last tile-part may leave its length open: then only the end marker tells.
      if (!endsWithMarker(view)) throw truncated("a JPEG 2000 code stream has no end marker");
      break;
    }
    if (length < 14 || at + length > view.byteLength) throw truncated(`tile-part of ${length} bytes of a JPEG 2000 code stream is cut off`);
    at += length;
  }
  if (seen.size < tiles) throw truncated(`a JPEG 2000 code stream holds ${seen.size} of ${tiles} tiles`);
  const isEnded = endsWithMarker(view) || (at + 2 <= view.byteLength && view.getUint16(at) === 0xffd9);
  // Some encoders forget the end marker; that all announced tile-parts are there is as good.
  const isComplete = partsLeft.size === tiles && [...partsLeft.values()].every((left) => left === 0);
  if (!isEnded && !isComplete) throw truncated("a JPEG 2000 code stream has no end marker");
}

/** Whether the end marker, FFD9 in both families, is the last thing but padding (zero or FF bytes). */
function endsWithMarker(view: DataView): boolean {
  let end = view.byteLength;
  while (end > 2 && (view.getUint8(end - 1) === 0 || view.getUint8(end - 1) === 0xff)) end -= 1;
  return view.getUint16(end - 2) === 0xffd9;
}

function truncated(what: string): RefusedError {
  return new RefusedError("pixel-data-truncated", what);
}

function malformed(what: string): RefusedError {
  return new RefusedError("pixel-data-malformed", what);
}
