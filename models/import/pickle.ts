import { PickleMachine } from "./pickle-machine.ts";
import { type PickleRules, type PickleValue, pickleUnreadable } from "./pickle-values.ts";

/** A network has some 20 000; the log of 4000 epochs with a number per epoch and label, as TotalSegmentator's, has some 8 million. */
const mostSteps = 20_000_000;
const stop = 0x2e;

/**
 * Reads a pickle of protocol 2 to 5 as data. A pickle is a program for a small stack machine; this machine has the steps that make values, and
 * of calls only those in `rules`. RefusedError: "pickle-unsafe" where it names anything else, "pickle-unreadable" where it is broken.
 *
 * @source CPython Lib/pickletools.py, the descriptions of the opcodes
 */
export function readPickle(bytes: Uint8Array, rules: PickleRules): PickleValue {
  const machine = new PickleMachine(bytes, rules);
  for (let count = 0; count < mostSteps; count++) {
    const code = machine.byte();
    if (code === stop) return machine.pop();
    const step = steps[code];
    if (!step) throw pickleUnreadable(`it has a step (0x${code.toString(16).padStart(2, "0")}) that torch does not write`);
    step(machine);
  }
  throw pickleUnreadable(`it has more than ${mostSteps} steps`);
}

type Step = (machine: PickleMachine) => void;

/** By opcode. */
const steps: readonly (Step | undefined)[] = byCode([
  [0x80, (m) => m.checkProtocol(m.byte())], // PROTO
  [0x95, (m) => m.take(8)], // FRAME: only a hint for readers of streams
  [0x28, (m) => m.mark()], // MARK
  [0x30, (m) => m.pop()], // POP
  [0x31, (m) => m.toMark()], // POP_MARK
  [0x32, (m) => m.push(m.top())], // DUP
  [0x4e, (m) => m.push(null)], // NONE
  [0x88, (m) => m.push(true)], // NEWTRUE
  [0x89, (m) => m.push(false)], // NEWFALSE
  [0x4a, (m) => m.push(m.take(4).readInt32LE())], // BININT
  [0x4b, (m) => m.push(m.byte())], // BININT1
  [0x4d, (m) => m.push(m.take(2).readUInt16LE())], // BININT2
  [0x8a, (m) => m.push(wholeNumber(m.take(m.byte())))], // LONG1
  [0x47, (m) => m.push(m.take(8).readDoubleBE())], // BINFLOAT
  [0x58, (m) => m.push(m.text(m.length4(), "utf8"))], // BINUNICODE
  [0x8c, (m) => m.push(m.text(m.byte(), "utf8"))], // SHORT_BINUNICODE
  [0x8d, (m) => m.push(m.text(m.length8(), "utf8"))], // BINUNICODE8
  [0x54, (m) => m.push(m.text(m.length4(), "latin1"))], // BINSTRING
  [0x55, (m) => m.push(m.text(m.byte(), "latin1"))], // SHORT_BINSTRING
  [0x42, (m) => m.push(m.take(m.length4()))], // BINBYTES
  [0x43, (m) => m.push(m.take(m.byte()))], // SHORT_BINBYTES
  [0x8e, (m) => m.push(m.take(m.length8()))], // BINBYTES8
  [0x29, (m) => m.push([])], // EMPTY_TUPLE
  [0x85, (m) => m.push(m.popMany(1))], // TUPLE1
  [0x86, (m) => m.push(m.popMany(2))], // TUPLE2
  [0x87, (m) => m.push(m.popMany(3))], // TUPLE3
  [0x74, (m) => m.push(m.toMark())], // TUPLE
  [0x5d, (m) => m.push([])], // EMPTY_LIST
  [0x6c, (m) => m.push(m.toMark())], // LIST
  [0x61, (m) => m.append([m.pop()])], // APPEND
  [0x65, (m) => m.append(m.toMark())], // APPENDS
  [0x7d, (m) => m.pushDictionary([])], // EMPTY_DICT
  [0x64, (m) => m.pushDictionary(m.toMark())], // DICT
  [0x73, (m) => m.setItems(m.popMany(2))], // SETITEM
  [0x75, (m) => m.setItems(m.toMark())], // SETITEMS
  [0x8f, (m) => m.pushSet([])], // EMPTY_SET
  [0x90, (m) => m.addItems(m.toMark())], // ADDITEMS
  [0x91, (m) => m.pushSet(m.toMark())], // FROZENSET
  [0x63, (m) => m.push(m.global(m.line(), m.line()))], // GLOBAL
  [0x93, (m) => m.pushGlobal(m.popMany(2))], // STACK_GLOBAL
  [0x52, (m) => m.pushCall(m.popMany(2))], // REDUCE
  [0x81, (m) => m.pushCall(m.popMany(2))], // NEWOBJ
  [0x62, (m) => m.build(m.pop())], // BUILD
  [0x51, (m) => m.push(m.persistent(m.pop()))], // BINPERSID
  [0x71, (m) => m.remember(m.byte())], // BINPUT
  [0x72, (m) => m.remember(m.length4())], // LONG_BINPUT
  [0x94, (m) => m.rememberNext()], // MEMOIZE
  [0x68, (m) => m.push(m.recall(m.byte()))], // BINGET
  [0x6a, (m) => m.push(m.recall(m.length4()))], // LONG_BINGET
]);

function byCode(pairs: readonly (readonly [code: number, step: Step])[]): readonly (Step | undefined)[] {
  const table = new Array<Step | undefined>(256).fill(undefined);
  for (const [code, step] of pairs) table[code] = step;
  return table;
}

/** Little-endian two's complement of any length. */
function wholeNumber(bytes: Uint8Array): number | bigint {
  let value = 0n;
  for (let at = bytes.length - 1; at >= 0; at--) value = (value << 8n) | BigInt(bytes[at]!);
  const signed = bytes.length > 0 ? BigInt.asIntN(8 * bytes.length, value) : 0n;
  return signed >= BigInt(Number.MIN_SAFE_INTEGER) && signed <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(signed) : signed;
}
