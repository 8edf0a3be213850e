import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { RefusedError } from "../../appliance/base/errors.ts";
import type { ElementType, OnnxAttribute, OnnxGraph, OnnxModel, OnnxNode, OnnxTensor, OnnxValue, TensorData } from "./graph.ts";
import { bytesOf, doublesOf, type Field, fieldsOf, floatsOf, intOf, intsOf, textOf, unreadable } from "./protobuf.ts";
import {
  attributeField,
  attributeType,
  elementTypeOf,
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
  valuesOf,
} from "./schema.ts";

/** The bytes of a file beside the model's, by its name. */
export type Beside = (location: string) => Uint8Array;

const nothingBeside: Beside = (location) => {
  throw unreadable(`its tensors lie in ${location} beside it`);
};

/**
 * Reads an ONNX file's bytes. Tensors are views into them where they are aligned, copies else. Notes for people and shapes inside the graph
 * are left out; RefusedError ("onnx-unreadable") for what is no ONNX, and for what we have no words for: graphs as attributes, other types.
 *
 * @param beside the bytes of the file that a tensor's values lie in, where the model has such
 */
export function decodeOnnx(bytes: Uint8Array, beside: Beside = nothingBeside): OnnxModel {
  let graph: OnnxGraph | undefined;
  let opset: number | undefined;
  const domains: [string, number][] = [];
  const metadata: [string, string][] = [];
  for (const field of fieldsOf(bytes)) {
    if (field.number === modelField.graph) graph = readGraph(bytesOf(field), beside);
    else if (field.number === modelField.metadata) metadata.push(readEntry(field));
    else if (field.number === modelField.opsetImport) {
      const [domain, version] = readOpset(field);
      if (domain === "" || domain === "ai.onnx") opset = version;
      else domains.push([domain, version]);
    }
  }
  if (!graph || opset === undefined) throw unreadable(`it has no ${graph ? "operator set" : "graph"}`);
  return {
    opset,
    graph,
    ...(domains.length > 0 && { domains: Object.fromEntries(domains) }),
    ...(metadata.length > 0 && { metadata: Object.fromEntries(metadata) }),
  };
}

/** Reads an ONNX file, and what lies beside it where it says so. */
export async function readOnnxFile(path: string): Promise<OnnxModel> {
  const bytes = await readBytes(path);
  const files = new Map<string, Uint8Array>();
  for (const location of locationsIn(bytes)) files.set(location, await readBytes(join(dirname(path), location)));
  return decodeOnnx(bytes, (location) => files.get(location) ?? nothingBeside(location));
}

/** The files beside an ONNX file that its tensors lie in. RefusedError ("onnx-unreadable") where one is named outside its folder. */
export async function filesBesideOnnx(path: string): Promise<readonly string[]> {
  return locationsIn(await readBytes(path));
}

function locationsIn(bytes: Uint8Array): readonly string[] {
  const found = new Set<string>();
  for (const field of fieldsOf(bytes)) {
    if (field.number !== modelField.graph) continue;
    for (const inner of fieldsOf(bytesOf(field))) {
      const location = inner.number === graphField.initializer ? externalOf(bytesOf(inner)).location : undefined;
      if (location !== undefined) found.add(location);
    }
  }
  for (const location of found)
    if (location === "" || location === ".." || /[/\\\0]/.test(location))
      throw unreadable(`its tensors lie in ${JSON.stringify(location)}, expected a file in the same folder`);
  return [...found];
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new RefusedError("onnx-missing", `no file at ${path}`, { cause: error });
  }
}

function readGraph(bytes: Uint8Array, beside: Beside): OnnxGraph {
  let name = "";
  const nodes: OnnxNode[] = [];
  const initializers: OnnxTensor[] = [];
  const inputs: OnnxValue[] = [];
  const outputs: OnnxValue[] = [];
  for (const field of fieldsOf(bytes)) {
    if (field.number === graphField.node) nodes.push(readNode(bytesOf(field), beside));
    else if (field.number === graphField.name) name = textOf(field);
    else if (field.number === graphField.initializer) initializers.push(readTensor(bytesOf(field), beside));
    else if (field.number === graphField.input) inputs.push(readValue(bytesOf(field)));
    else if (field.number === graphField.output) outputs.push(readValue(bytesOf(field)));
    else if (field.number === graphField.sparseInitializer) throw unreadable("it has sparse tensors");
  }
  return { name, nodes, initializers, inputs, outputs };
}

function readNode(bytes: Uint8Array, beside: Beside): OnnxNode {
  let op = "";
  let name: string | undefined;
  let domain: string | undefined;
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes: [string, OnnxAttribute][] = [];
  for (const field of fieldsOf(bytes)) {
    if (field.number === nodeField.input) inputs.push(textOf(field));
    else if (field.number === nodeField.output) outputs.push(textOf(field));
    else if (field.number === nodeField.name) name = textOf(field);
    else if (field.number === nodeField.op) op = textOf(field);
    else if (field.number === nodeField.domain) domain = textOf(field);
    else if (field.number === nodeField.attribute) attributes.push(readAttribute(bytesOf(field), beside));
  }
  return {
    op,
    inputs,
    outputs,
    ...(name !== undefined && { name }),
    ...(domain !== undefined && { domain }),
    ...(attributes.length > 0 && { attributes: Object.fromEntries(attributes) }),
  };
}

function readAttribute(bytes: Uint8Array, beside: Beside): [string, OnnxAttribute] {
  let name = "";
  let type = 0;
  let single: OnnxAttribute | undefined;
  const floats: number[] = [];
  const ints: number[] = [];
  const strings: string[] = [];
  for (const field of fieldsOf(bytes)) {
    if (field.number === attributeField.name) name = textOf(field);
    else if (field.number === attributeField.type) type = intOf(field);
    else if (field.number === attributeField.f) single = { float: floatsOf(field)[0] ?? 0 };
    else if (field.number === attributeField.i) single = intOf(field);
    else if (field.number === attributeField.s) single = textOrBytes(field);
    else if (field.number === attributeField.t) single = readTensor(bytesOf(field), beside);
    else if (field.number === attributeField.floats) appendTo(floats, floatsOf(field));
    else if (field.number === attributeField.ints) appendTo(ints, intsOf(field).map(Number));
    else if (field.number === attributeField.strings) strings.push(textOf(field));
  }
  if (type === attributeType.ints) return [name, ints];
  if (type === attributeType.floats) return [name, { floats }];
  if (type === attributeType.strings) return [name, { strings }];
  // A writer may leave out a value that is zero or empty.
  if (single === undefined && type === attributeType.int) single = 0;
  if (single === undefined && type === attributeType.float) single = { float: 0 };
  if (single === undefined && type === attributeType.string) single = "";
  if (single === undefined) throw unreadable(`attribute ${name} has type ${type}, which can't be read`);
  return [name, single];
}

/** A STRING is text or any bytes, and does not say which. */
function textOrBytes(field: Field): string | Uint8Array {
  try {
    return textOf(field);
  } catch (error) {
    if (error instanceof RefusedError) return bytesOf(field);
    throw error;
  }
}

function readTensor(bytes: Uint8Array, beside: Beside): OnnxTensor {
  let name = "";
  let code = 0;
  let raw: Uint8Array | undefined;
  const dims: number[] = [];
  const numbers: number[] = [];
  const whole: bigint[] = [];
  for (const field of fieldsOf(bytes)) {
    if (field.number === tensorField.dims) appendTo(dims, intsOf(field).map(Number));
    else if (field.number === tensorField.type) code = intOf(field);
    else if (field.number === tensorField.name) name = textOf(field);
    else if (field.number === tensorField.raw) raw = bytesOf(field);
    else if (field.number === tensorField.floats) appendTo(numbers, floatsOf(field));
    else if (field.number === tensorField.doubles) appendTo(numbers, doublesOf(field));
    else if (field.number === tensorField.int32s || field.number === tensorField.int64s) appendTo(whole, intsOf(field));
    else if (field.number === tensorField.segment) throw unreadable(`tensor ${name} is in segments`);
  }
  const type = elementTypeOf(code);
  if (!type) throw unreadable(`tensor ${name} has element type ${code}, which can't be read`);
  const count = dims.reduce((product, length) => product * length, 1);
  if (dims.some((length) => length < 0) || !Number.isSafeInteger(count)) throw unreadable(`tensor ${name} has dimensions [${dims}]`);
  const { isExternal, location, offset, length } = externalOf(bytes);
  if (isExternal) {
    const file = beside(location ?? "");
    raw = file.subarray(offset, offset + (length ?? file.length - offset));
  }
  const sizeBytes = count * elementTypes[type].array.BYTES_PER_ELEMENT;
  if (raw && raw.length !== sizeBytes)
    throw unreadable(`tensor ${name} [${dims}] has ${raw.length} bytes of values, expected ${sizeBytes}`);
  const data = raw ? valuesOf(type, raw) : listed(type, numbers.length > 0 ? numbers : whole);
  if (data.length !== count) throw unreadable(`tensor ${name} [${dims}] has ${data.length} values, expected ${count}`);
  return { name, dims, type, data };
}

/** Values that were written one by one. */
function listed(type: ElementType, values: readonly (number | bigint)[]): TensorData {
  if (type === "int64") return BigInt64Array.from(values.map(BigInt));
  return new elementTypes[type].array(values.map(Number));
}

function appendTo<T>(list: T[], more: Iterable<T>): void {
  for (const each of more) list.push(each);
}

function externalOf(tensor: Uint8Array): { isExternal: boolean; location?: string; offset: number; length?: number } {
  let isExternal = false;
  const entries = new Map<string, string>();
  for (const field of fieldsOf(tensor)) {
    if (field.number === tensorField.location) isExternal = intOf(field) === storedExternally;
    else if (field.number === tensorField.external) entries.set(...readEntry(field));
  }
  const [location, length] = [entries.get("location"), entries.get("length")];
  const place = { offset: Number(entries.get("offset") ?? 0), ...(length !== undefined && { length: Number(length) }) };
  if (Object.values(place).some((value) => !Number.isSafeInteger(value) || value < 0)) throw unreadable("a tensor lies at no place");
  return { isExternal, ...place, ...(location !== undefined && { location }) };
}

function readValue(bytes: Uint8Array): OnnxValue {
  let name = "";
  let type: ElementType | undefined;
  const dims: (number | string)[] = [];
  for (const field of fieldsOf(bytes)) {
    if (field.number === valueField.name) name = textOf(field);
    if (field.number !== valueField.type) continue;
    for (const inner of fieldsOf(bytesOf(field))) {
      if (inner.number !== typeField.tensor) continue;
      for (const part of fieldsOf(bytesOf(inner))) {
        if (part.number === typeField.elementType) type = elementTypeOf(intOf(part));
        else if (part.number === typeField.shape) appendTo(dims, [...fieldsOf(bytesOf(part))].map(readDim));
      }
    }
  }
  if (!type) throw unreadable(`${name} is not a tensor of a type that can be read`);
  return { name, type, dims };
}

function readDim(dim: Field): number | string {
  for (const field of fieldsOf(bytesOf(dim))) {
    if (field.number === shapeField.dimValue && field.wire === "varint") return intOf(field);
    if (field.number === shapeField.dimParam) return textOf(field);
  }
  return ""; // any length
}

function readOpset(field: Field): [domain: string, version: number] {
  let domain = "";
  let version = 0;
  for (const inner of fieldsOf(bytesOf(field))) {
    if (inner.number === opsetField.domain) domain = textOf(inner);
    else if (inner.number === opsetField.version) version = intOf(inner);
  }
  return [domain, version];
}

function readEntry(field: Field): [key: string, value: string] {
  let [key, value] = ["", ""];
  for (const inner of fieldsOf(bytesOf(field))) {
    if (inner.number === entryField.key) key = textOf(inner);
    else if (inner.number === entryField.value) value = textOf(inner);
  }
  return [key, value];
}
