/** The few parts of DER (X.690) that a certificate and a request for one are made of. */

function element(tag: number, content: Uint8Array): Buffer {
  const { length } = content;
  const bytes = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  if (length > 0xffff) throw new RangeError(`a DER element of ${length} bytes`);
  return Buffer.concat([Buffer.from([tag, ...bytes]), content]);
}

export const sequence = (...parts: readonly Uint8Array[]): Buffer => element(0x30, Buffer.concat(parts));
export const setOf = (...parts: readonly Uint8Array[]): Buffer => element(0x31, Buffer.concat(parts));
export const octetString = (content: Uint8Array): Buffer => element(0x04, content);
export const bitString = (content: Uint8Array): Buffer => element(0x03, Buffer.concat([Buffer.from([0]), content]));
export const utf8String = (text: string): Buffer => element(0x0c, Buffer.from(text, "utf8"));
/** 0 to 127. */
export const smallInteger = (value: number): Buffer => element(0x02, Buffer.from([value]));
/** Not negative, highest byte first. */
export const integer = (bytes: Uint8Array): Buffer => element(0x02, bytes[0]! & 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes);
export const yes = (): Buffer => element(0x01, Buffer.from([0xff]));
/** UTC epoch ms as RFC 5280 section 4.1.2.5 wants it: with two digits of the year until 2049. */
export function time(at: number): Buffer {
  const digits = new Date(at).toISOString().replaceAll(/[-:T]|\.\d+/g, ""); // 20261126103000Z
  return digits < "2050" ? element(0x17, Buffer.from(digits.slice(2), "ascii")) : element(0x18, Buffer.from(digits, "ascii"));
}
/** `[number]`, holding other elements. */
export const tagged = (number: number, ...parts: readonly Uint8Array[]): Buffer => element(0xa0 | number, Buffer.concat(parts));
/** `[number] IMPLICIT` of a primitive type. */
export const taggedPrimitive = (number: number, content: Uint8Array): Buffer => element(0x80 | number, content);

/** `1.2.840.10045.4.3.2` */
export function objectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  return element(0x06, Buffer.from([40 * first + second, ...rest].flatMap(base128)));
}

function base128(value: number): number[] {
  const groups = [value & 0x7f];
  for (let left = value >>> 7; left > 0; left >>>= 7) groups.unshift((left & 0x7f) | 0x80);
  return groups;
}
