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
