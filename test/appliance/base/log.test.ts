import assert from "node:assert/strict";
import { test } from "node:test";
import { createLog, type LogLevel } from "../../../appliance/base/log.ts";

function linesOf(lowest?: LogLevel): { log: ReturnType<typeof createLog>; lines: string[] } {
  const lines: string[] = [];
  return {
    log: createLog(
      (line) => lines.push(line),
      () => 1_700_000_000_000,
      lowest,
    ),
    lines,
  };
}

test("an event is one line of JSON with its time, level, name and fields", () => {
  const { log, lines } = linesOf();
  log.info("series-complete", { seriesId: 3, note: 'two\nlines and a "' });
  assert.equal(lines.length, 1);
  assert.match(lines[0]!, /^[^\n]+\n$/);
  assert.deepEqual(JSON.parse(lines[0]!), {
    at: "2023-11-14T22:13:20.000Z",
    level: "info",
    event: "series-complete",
    seriesId: 3,
    note: 'two\nlines and a "',
  });
});

test("events below the lowest level are left out", () => {
  const { log, lines } = linesOf("warn");
  log.debug("a");
  log.info("b");
  log.warn("c");
  log.error("d");
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).event),
    ["c", "d"],
  );
});

test("a UID in a sentence is left out, also one that was made of a UUID; an address is none", () => {
  const { log, lines } = linesOf();
  log.warn("a", { message: "(0020,0032) of 1.2.840.10008.5.1.4 and 2.25.143410694237064666167503035867072624869, from 10.0.0.9" });
  assert.equal(JSON.parse(lines[0]!).message, "(0020,0032) of (UID) and (UID), from 10.0.0.9");
});
