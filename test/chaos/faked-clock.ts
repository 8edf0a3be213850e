import assert from "node:assert/strict";
import { globSync, writeFileSync } from "node:fs";

/** A clock that is set while a program runs (Debian's libfaketime); durations go on as they were. */
export type FakedClock = {
  /** For the program. */
  readonly env: Readonly<Record<string, string>>;
  /** Sets it so many hours before or after the machine's. */
  readonly set: (hours: number) => void;
};

/** @param file where the program reads what to add */
export function fakeClock(file: string): FakedClock {
  const [library] = globSync("/usr/lib/*/faketime/libfaketimeMT.so.1");
  assert.ok(library, "libfaketime is missing: apt-get install faketime");
  const set = (hours: number) => writeFileSync(file, `${hours < 0 ? "-" : "+"}${Math.abs(hours)}h`);
  set(0);
  return {
    env: { LD_PRELOAD: library, FAKETIME_TIMESTAMP_FILE: file, FAKETIME_NO_CACHE: "1", FAKETIME_DONT_FAKE_MONOTONIC: "1" },
    set,
  };
}
