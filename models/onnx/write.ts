import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { OnnxAttribute, OnnxModel, OnnxNode, OnnxTensor, OnnxValue } from "./graph.ts";
import { MessageWriter } from "./protobuf.ts";
import {
  attributeField,
  attributeType,
  elementTypes,
  entryField,
  graphField,
  modelField,
  nodeField,
  opsetField,
  shapeField,
  storedExternally,
  tensorField,
  typeField,
  valueField,
} from "./schema.ts";

/** A file as it was written. */
export type WrittenFile = { readonly file: string; readonly sha256: string; readonly sizeBytes: number };

/** Where a tensor's values lie beside the model's file. */
type Place = { readonly location: string; readonly offset: number; readonly length: number };

/** Protocol Buffers measure a message with 31 bits. */
const largestMessageBytes = 2 ** 31 - 1;
/** Tensors smaller than this stay in the model's file even when others lie beside it. */
const smallestExternalBytes = 1024;
/** Values beside the file begin at whole pages, so that a runtime can map them. */
const pageBytes = 4096;

/** An ONNX file's bytes, piece by piece in order; the tensors' values are handed out as they are, not copied. */
export function encodeOnnx(model: OnnxModel): Iterable<Uint8Array> {
  return modelMessage(model, new Map()).pieces;
}

/**
 * Writes a model as an ONNX file, synchronised to the disk. One that would be larger than `externalPastBytes` keeps its larger tensors in
 * `FILE.data` beside it.
 *
 * @returns the file, then the one beside it where there is one; names are those inside the folder
 */
export async function writeOnnxFile(
  path: string,
  model: OnnxModel,
  { externalPastBytes = largestMessageBytes }: { readonly externalPastBytes?: number } = {},
): Promise<readonly WrittenFile[]> {
  const whole = modelMessage(model, new Map());
  if (whole.sizeBytes <= externalPastBytes) return [await writePieces(path, whole.pieces)];
  const location = `${basename(path)}.data`;
  const places = new Map<OnnxTensor, Place>();
  const pieces: Uint8Array[] = [];
  let offset = 0;
  for (const tensor of model.graph.initializers) {
    const length = tensor.data.byteLength;
    if (length < smallestExternalBytes) continue;
    places.set(tensor, { location, offset, length });
    const padding = (pageBytes - (length % pageBytes)) % pageBytes;
    pieces.push(bytesOfTensor(tensor), new Uint8Array(padding));
    offset += length + padding;
  }
  const beside = await writePieces(join(dirname(path), location), pieces);
  return [await writePieces(path, modelMessage(model, places).pieces), beside];
}

async function writePieces(path: string, pieces: Iterable<Uint8Array>): Promise<WrittenFile> {
  const hash = createHash("sha256");
  let sizeBytes = 0;
  await using file = await open(path, "w");
  const write = async (bytes: Uint8Array): Promise<void> => {
    hash.update(bytes);
    for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten;
    sizeBytes += bytes.length;
  };
  // Most pieces are a few bytes long: they go out together.
  let small: Uint8Array[] = [];
  for (const piece of pieces) {
    if (piece.length < pageBytes && small.length < pageBytes) {
      small.push(piece);
      continue;
    }
    await write(Buffer.concat([...small, ...(piece.length < pageBytes ? [piece] : [])]));
    small = [];
    if (piece.length >= pageBytes) await write(piece);
  }
  await write(Buffer.concat(small));
  await file.sync();
  return { file: basename(path), sha256: hash.digest("hex"), sizeBytes };
}

function modelMessage({ opset, domains = {}, metadata = {}, graph }: OnnxModel, places: ReadonlyMap<OnnxTensor, Place>): MessageWriter {
  const message = new MessageWriter().int(modelField.irVersion, irVersionFor(opset)).text(modelField.producer, "segbox");
  const content = new MessageWriter();
  for (const node of graph.nodes) content.message(graphField.node, nodeMessage(node));
  content.text(graphField.name, graph.name);
  for (const tensor of graph.initializers) content.message(graphField.initializer, tensorMessage(tensor, places.get(tensor)));
  for (const value of graph.inputs) content.message(graphField.input, valueMessage(value));
  for (const value of graph.outputs) content.message(graphField.output, valueMessage(value));
  message.message(modelField.graph, content);
  for (const [domain, version] of [["", opset] as const, ...Object.entries(domains)])
    message.message(modelField.opsetImport, new MessageWriter().text(opsetField.domain, domain).int(opsetField.version, version));
  for (const [key, value] of Object.entries(metadata)) message.message(modelField.metadata, entryMessage(key, value));
  return message;
}

/** The oldest file format that knows the operator set, for the sake of older readers. Source: onnx/docs/Versioning.md, released versions. */
function irVersionFor(opset: number): number {
  return opset <= 18 ? 8 : opset <= 20 ? 9 : opset <= 22 ? 10 : opset <= 23 ? 11 : opset <= 24 ? 12 : 13;
}

function nodeMessage({ op, domain, name, inputs, outputs, attributes = {} }: OnnxNode): MessageWriter {
  const message = new MessageWriter();
  for (const input of inputs) message.text(nodeField.input, input);
  for (const output of outputs) message.text(nodeField.output, output);
  if (name !== undefined) message.text(nodeField.name, name);
  message.text(nodeField.op, op);
  for (const [key, value] of Object.entries(attributes)) message.message(nodeField.attribute, attributeMessage(key, value));
  if (domain !== undefined) message.text(nodeField.domain, domain);
  return message;
}

function attributeMessage(name: string, value: OnnxAttribute): MessageWriter {
  const message = new MessageWriter().text(attributeField.name, name);
  const typed = (type: keyof typeof attributeType): MessageWriter => message.int(attributeField.type, attributeType[type]);
  if (typeof value === "number") return typed("int").int(attributeField.i, value);
  if (typeof value === "string") return typed("string").text(attributeField.s, value);
  if (value instanceof Uint8Array) return typed("string").bytes(attributeField.s, value);
  if ("float" in value) return typed("float").float(attributeField.f, value.float);
  if ("floats" in value) {
    for (const each of value.floats) message.float(attributeField.floats, each);
    return typed("floats");
  }
  if ("strings" in value) {
    for (const each of value.strings) message.text(attributeField.strings, each);
    return typed("strings");
  }
  if ("data" in value) return typed("tensor").message(attributeField.t, tensorMessage(value, undefined));
  for (const each of value) message.int(attributeField.ints, each);
  return typed("ints");
}

function tensorMessage(tensor: OnnxTensor, place: Place | undefined): MessageWriter {
  const { name, dims, type, data } = tensor;
  const { code, array } = elementTypes[type];
  const count = dims.reduce((product, length) => product * length, 1);
  if (!(data instanceof array) || data.length !== count)
    throw new Error(`tensor ${name}: expected ${count} values of ${type} [${dims}], found ${data.length} in a ${data.constructor.name}`);
  const message = new MessageWriter();
  for (const length of dims) message.int(tensorField.dims, length);
  message.int(tensorField.type, code).text(tensorField.name, name);
  if (!place) return message.bytes(tensorField.raw, bytesOfTensor(tensor));
  for (const [key, value] of Object.entries(place)) message.message(tensorField.external, entryMessage(key, String(value)));
  return message.int(tensorField.location, storedExternally);
}

function valueMessage({ name, type, dims }: OnnxValue): MessageWriter {
  const shape = new MessageWriter();
  for (const length of dims) {
    const dim = new MessageWriter();
    shape.message(
      shapeField.dim,
      typeof length === "number" ? dim.int(shapeField.dimValue, length) : dim.text(shapeField.dimParam, length),
    );
  }
  const tensor = new MessageWriter().int(typeField.elementType, elementTypes[type].code).message(typeField.shape, shape);
  return new MessageWriter().text(valueField.name, name).message(valueField.type, new MessageWriter().message(typeField.tensor, tensor));
}

const entryMessage = (key: string, value: string): MessageWriter =>
  new MessageWriter().text(entryField.key, key).text(entryField.value, value);

/** Typed arrays are little-endian on every machine Node runs on here, as raw_data wants it. */
const bytesOfTensor = ({ data }: OnnxTensor): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
