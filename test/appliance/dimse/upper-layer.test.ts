import assert from "node:assert/strict";
import { test } from "node:test";
import { actions, events, type State, states, step, transitions, type UpperLayerEvent } from "../../../appliance/dimse/upper-layer.ts";

/** PS3.8 table 9-10 as it is printed: a row for each event, a column for each of the states 1 to 13, a dash for an empty cell. */
const printed = `
  Evt1   AE-1 -    -    -    -    -    -    -    -    -     -    -    -
  Evt2   -    -    -    AE-2 -    -    -    -    -    -     -    -    -
  Evt3   -    AA-1 AA-8 -    AE-3 AA-8 AA-8 AA-8 AA-8 AA-8  AA-8 AA-8 AA-6
  Evt4   -    AA-1 AA-8 -    AE-4 AA-8 AA-8 AA-8 AA-8 AA-8  AA-8 AA-8 AA-6
  Evt5   AE-5 -    -    -    -    -    -    -    -    -     -    -    -
  Evt6   -    AE-6 AA-8 -    AA-8 AA-8 AA-8 AA-8 AA-8 AA-8  AA-8 AA-8 AA-7
  Evt7   -    -    AE-7 -    -    -    -    -    -    -     -    -    -
  Evt8   -    -    AE-8 -    -    -    -    -    -    -     -    -    -
  Evt9   -    -    -    -    -    DT-1 -    AR-7 -    -     -    -    -
  Evt10  -    AA-1 AA-8 -    AA-8 DT-2 AR-6 AA-8 AA-8 AA-8  AA-8 AA-8 AA-6
  Evt11  -    -    -    -    -    AR-1 -    -    -    -     -    -    -
  Evt12  -    AA-1 AA-8 -    AA-8 AR-2 AR-8 AA-8 AA-8 AA-8  AA-8 AA-8 AA-6
  Evt13  -    AA-1 AA-8 -    AA-8 AA-8 AR-3 AA-8 AA-8 AR-10 AR-3 AA-8 AA-6
  Evt14  -    -    -    -    -    -    -    AR-4 AR-9 -     -    AR-4 -
  Evt15  -    -    AA-1 AA-2 AA-1 AA-1 AA-1 AA-1 AA-1 AA-1  AA-1 AA-1 -
  Evt16  -    AA-2 AA-3 -    AA-3 AA-3 AA-3 AA-3 AA-3 AA-3  AA-3 AA-3 AA-2
  Evt17  -    AA-5 AA-4 AA-4 AA-4 AA-4 AA-4 AA-4 AA-4 AA-4  AA-4 AA-4 AR-5
  Evt18  -    AA-2 -    -    -    -    -    -    -    -     -    -    AA-2
  Evt19  -    AA-1 AA-8 -    AA-8 AA-8 AA-8 AA-8 AA-8 AA-8  AA-8 AA-8 AA-7
`;
/** "Next state is" of PS3.8 tables 9-6 to 9-9. */
const printedNext = `AE-1 4, AE-2 5, AE-3 6, AE-4 1, AE-5 2, AE-6 3 or 13, AE-7 6, AE-8 13, DT-1 6, DT-2 6, AR-1 7, AR-2 8, AR-3 1, AR-4 13,
  AR-5 1, AR-6 7, AR-7 8, AR-8 9 or 10, AR-9 11, AR-10 12, AA-1 13, AA-2 1, AA-3 1, AA-4 1, AA-5 1, AA-6 13, AA-7 13, AA-8 13`;

const rows = printed
  .trim()
  .split("\n")
  .map((line) => line.trim().split(/\s+/));

test("each of the 13 x 19 pairs of state and event has the action of table 9-10", () => {
  assert.equal(rows.length, 19);
  for (const [event = "", ...cells] of rows) {
    const number = Number(event.slice(3)) as UpperLayerEvent;
    assert.equal(cells.length, 13, event);
    for (const [index, cell] of cells.entries()) {
      const state = (index + 1) as State;
      assert.equal(transitions[number][state] ?? "-", cell, `${events[number]} while ${states[state]}`);
      assert.equal(step(state, number) === null, cell === "-");
    }
  }
});

test("each action leads to the state that tables 9-6 to 9-9 give", () => {
  const found = Object.entries(actions).map(([action, ways]) => `${action} ${ways.map(({ next }) => next).join(" or ")}`);
  assert.deepEqual(found, printedNext.split(/,\s+/));
});

test("a second way is taken only where there is one", () => {
  assert.equal(step(7, 12, true)?.next, 10);
  assert.equal(step(7, 12, false)?.next, 9);
  assert.equal(step(6, 12, true)?.next, 8);
});
