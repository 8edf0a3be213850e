import { RefusedError } from "../../appliance/base/errors.ts";

/** A class or function that a pickle names. It is never anything but its name here. */
export class PickleGlobal {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

/** Something that was made of parts we have no use for: kept as it was written. */
export class PickleObject {
  readonly name: string;
  readonly args: readonly PickleValue[];
  state: PickleValue = null;
  constructor(name: string, args: readonly PickleValue[]) {
    this.name = name;
    this.args = args;
  }
}

/** Python's values: lists and tuples are arrays, dictionaries Maps, whole numbers past 2^53 bigints. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleValue[]
  | Map<PickleValue, PickleValue>
  | Set<PickleValue>
  | PickleGlobal
  | PickleObject
  | object;

/** What a call of an allowed global gives; a global that is only named, never called, has none. */
export type PickleMaker = (args: readonly PickleValue[]) => PickleValue;

/** Nothing else is there for a pickle: no import, no lookup, no call of anything but these makers. */
export type PickleRules = {
  /** By full name, `collections.OrderedDict`. */
  readonly globals: ReadonlyMap<string, PickleMaker | null>;
  /** What stands behind a persistent id. */
  readonly persistent: (id: PickleValue) => PickleValue;
};

/** A pickle that is broken, or is not of the kind that torch writes. */
export const pickleUnreadable = (what: string): RefusedError =>
  new RefusedError("pickle-unreadable", `its list of contents can't be read: ${what}`);
