import { InferenceSession, Tensor } from "onnxruntime-node";
import type { Classify } from "../nnunet/classify.ts";
import type { OutputForm } from "../nnunet/infer.ts";

/**
 * Classes from summed features: one matrix product and an argmax per slice, by onnxruntime on one thread (in plain loops the product takes as
 * long as a patch).
 *
 * @param matrix headMatrix, [channels + 1][classes]
 */
export async function headClassify(matrix: Float32Array, { channels, layout }: OutputForm): Promise<Classify> {
  const rows = channels + 1;
  const classes = matrix.length / rows;
  const session = await InferenceSession.create(headGraph(layout), { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3 });
  const head =
    layout === "ndhwc"
      ? new Tensor("float32", matrix, [rows, classes])
      : new Tensor("float32", transposed(matrix, classes), [classes, rows]);
  return async (sums, labels) => {
    const voxels = labels.length;
    const slice = new Tensor("float32", sums, layout === "ndhwc" ? [voxels, rows] : [rows, voxels]);
    await session.run({ sums: slice, head }, { classes: new Tensor("uint8", labels, [voxels]) });
  };
}

function transposed(matrix: Float32Array, columns: number): Float32Array {
  const rows = matrix.length / columns;
  return Float32Array.from(matrix, (_, at) => matrix[(at % rows) * columns + Math.floor(at / rows)]!);
}

/**
 * The graph of it as an ONNX file: sums x head -> argmax over classes -> uint8; or head x sums where channels lie outermost.
 *
 * @source onnx.proto: numbers of fields and of types
 */
function headGraph(layout: OutputForm["layout"]): Uint8Array {
  const [float32, uint8, int] = [1, 2, 2];
  const isRows = layout === "ndhwc";
  const attribute = (name: string, value: number) => bytes(5, [...text(1, name), ...number(3, value), ...number(20, int)]);
  const node = (op: string, inputs: string[], output: string, attributes: number[] = []) =>
    bytes(1, [...inputs.flatMap((name) => text(1, name)), ...text(2, output), ...text(4, op), ...attributes]);
  const value = (field: number, name: string, type: number, rank: number) => {
    const dims = Array.from({ length: rank }, (_, axis) => bytes(1, text(2, `${name}_${axis}`))).flat();
    return bytes(field, [...text(1, name), ...bytes(2, bytes(1, [...number(1, type), ...bytes(2, dims)]))]);
  };
  const graph = [
    ...node("MatMul", isRows ? ["sums", "head"] : ["head", "sums"], "logits"),
    ...node("ArgMax", ["logits"], "best", [...attribute("axis", isRows ? 1 : 0), ...attribute("keepdims", 0)]),
    ...node("Cast", ["best"], "classes", attribute("to", uint8)),
    ...text(2, "head"),
    ...value(11, "sums", float32, 2),
    ...value(11, "head", float32, 2),
    ...value(12, "classes", uint8, 1),
  ];
  return Uint8Array.from([...number(1, 8), ...bytes(7, graph), ...bytes(8, number(2, 17))]);
}

// protobuf: a field's number and wire type, then a varint or a length and that many bytes. All here are below 16384.
const varint = (value: number): number[] => (value < 128 ? [value] : [128 | (value & 127), value >> 7]);
const number = (field: number, value: number): number[] => [...varint(field << 3), ...varint(value)];
const bytes = (field: number, content: readonly number[]): number[] => [...varint((field << 3) | 2), ...varint(content.length), ...content];
const text = (field: number, content: string): number[] => bytes(field, [...Buffer.from(content)]);
