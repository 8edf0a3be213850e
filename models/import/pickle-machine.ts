import { RefusedError } from "../../appliance/base/errors.ts";
import { PickleGlobal, PickleObject, type PickleRules, type PickleValue, pickleUnreadable } from "./pickle-values.ts";

/** Dictionaries, sets and open lists take the most memory for a byte; a checkpoint with its optimizer has a few thousand. */
const mostDictionaries = 500_000;
const deepest = 1_000;

/** What one pickle is read with: the place in it, the values put so far, and those remembered. Every move is checked. */
export class PickleMachine {
  readonly #bytes: Buffer;
  readonly #rules: PickleRules;
  /** By number. Python numbers them as they come; any other order is allowed, only without gaps. */
  readonly #memo: PickleValue[] = [];
  #stack: PickleValue[] = [];
  readonly #marked: PickleValue[][] = [];
  #at = 0;
  #dictionaries = 0;

  constructor(bytes: Uint8Array, rules: PickleRules) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#rules = rules;
  }

  take(length: number): Buffer {
    if (this.#at + length > this.#bytes.length) throw pickleUnreadable("it is cut off");
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  byte(): number {
    if (this.#at >= this.#bytes.length) throw pickleUnreadable("it is cut off");
    return this.#bytes[this.#at++]!;
  }

  length4(): number {
    if (this.#at + 4 > this.#bytes.length) throw pickleUnreadable("it is cut off");
    this.#at += 4;
    return this.#bytes.readUInt32LE(this.#at - 4);
  }

  text(length: number, encoding: "utf8" | "latin1"): string {
    if (this.#at + length > this.#bytes.length) throw pickleUnreadable("it is cut off");
    this.#at += length;
    return this.#bytes.toString(encoding, this.#at - length, this.#at);
  }

  length8(): number {
    const length = this.take(8).readBigUInt64LE();
    return length > 0xffffffffn ? Number.POSITIVE_INFINITY : Number(length);
  }

  checkProtocol(version: number): void {
    if (version < 2 || version > 5) throw pickleUnreadable(`pickle protocol ${version}, expected 2 to 5`);
  }

  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#at);
    if (end < 0) throw pickleUnreadable("it is cut off");
    const line = this.#bytes.toString("utf8", this.#at, end);
    this.#at = end + 1;
    return line;
  }

  global(module: string, name: string): PickleGlobal {
    const full = `${module}.${name}`;
    if (this.#rules.globals.has(full)) return new PickleGlobal(full);
    const shown = full.length <= 100 && /^[\w.]+$/.test(full) ? full : `something ${full.length} letters long`;
    throw new RefusedError("pickle-unsafe", `it names ${shown}, which no network is made of; nothing of it was run`);
  }

  pushGlobal([module, name]: readonly PickleValue[]): void {
    if (typeof module !== "string" || typeof name !== "string") throw pickleUnreadable("a class without a name");
    this.push(this.global(module, name));
  }

  pushCall([callee, args]: readonly PickleValue[]): void {
    if (!(callee instanceof PickleGlobal) || !Array.isArray(args)) throw pickleUnreadable("a call of something that can't be called");
    const maker = this.#rules.globals.get(callee.name);
    if (!maker) throw new RefusedError("pickle-unsafe", `it calls ${callee.name}, which is only a name; nothing of it was run`);
    this.push(maker(args));
  }

  build(state: PickleValue): void {
    const object = this.top();
    // Attributes on a dictionary (torch's _metadata) say nothing about the weights.
    if (object instanceof PickleObject) object.state = state;
    else if (!(object instanceof Map)) throw pickleUnreadable("attributes for something that has none");
  }

  persistent(id: PickleValue): PickleValue {
    return this.#rules.persistent(id);
  }

  push(value: PickleValue): void {
    this.#stack.push(value);
  }

  pop(): PickleValue {
    if (this.#stack.length === 0) throw pickleUnreadable("it takes more than it put");
    return this.#stack.pop() as PickleValue;
  }

  top(): PickleValue {
    if (this.#stack.length === 0) throw pickleUnreadable("it takes more than it put");
    return this.#stack.at(-1) as PickleValue;
  }

  popMany(count: number): PickleValue[] {
    if (this.#stack.length < count) throw pickleUnreadable("it takes more than it put");
    return this.#stack.splice(this.#stack.length - count);
  }

  mark(): void {
    if (this.#marked.length >= deepest) throw pickleUnreadable(`it is nested deeper than ${deepest}`);
    this.#marked.push(this.#stack);
    this.#stack = [];
  }

  toMark(): PickleValue[] {
    const items = this.#stack;
    const before = this.#marked.pop();
    if (!before) throw pickleUnreadable("an end without a beginning");
    this.#stack = before;
    return items;
  }

  append(items: readonly PickleValue[]): void {
    const list = this.top();
    if (!Array.isArray(list)) throw pickleUnreadable("items for something that is no list");
    for (const item of items) list.push(item);
  }

  pushDictionary(items: readonly PickleValue[]): void {
    this.#countDictionary();
    this.push(new Map());
    this.setItems(items);
  }

  pushSet(items: readonly PickleValue[]): void {
    this.#countDictionary();
    this.push(new Set(items));
  }

  #countDictionary(): void {
    if (++this.#dictionaries > mostDictionaries) throw pickleUnreadable(`it has more than ${mostDictionaries} dictionaries`);
  }

  setItems(items: readonly PickleValue[]): void {
    const map = this.top();
    if (!(map instanceof Map) || items.length % 2 !== 0) throw pickleUnreadable("items for something that is no dictionary");
    for (let at = 0; at < items.length; at += 2) map.set(items[at]!, items[at + 1]!);
  }

  addItems(items: readonly PickleValue[]): void {
    const set = this.top();
    if (!(set instanceof Set)) throw pickleUnreadable("items for something that is no set");
    for (const item of items) set.add(item);
  }

  remember(index: number): void {
    if (index > this.#memo.length) throw pickleUnreadable("it numbers what it remembers with gaps");
    this.#memo[index] = this.top();
  }

  rememberNext(): void {
    this.remember(this.#memo.length);
  }

  recall(index: number): PickleValue {
    if (index >= this.#memo.length) throw pickleUnreadable("it recalls what was never there");
    return this.#memo[index] as PickleValue;
  }
}
