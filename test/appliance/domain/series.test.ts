import assert from "node:assert/strict";
import { test } from "node:test";
import { isComplete } from "../../../appliance/domain/series.ts";

const quietMs = 10_000;
const arrived = { lastReceivedAt: 100_000, lastAssociationEndedAt: null };

test("a series is complete when nothing came for the quiet time", () => {
  assert.equal(isComplete(arrived, 0, quietMs, 109_999), false);
  assert.equal(isComplete(arrived, 0, quietMs, 110_000), true);
});

test("a series is not complete while an association that brought its images is open, however long nothing came", () => {
  assert.equal(isComplete(arrived, 1, quietMs, 10_000_000), false);
});

test("the quiet time begins anew when the last association ends", () => {
  const series = { lastReceivedAt: 100_000, lastAssociationEndedAt: 150_000 };
  assert.equal(isComplete(series, 0, quietMs, 155_000), false);
  assert.equal(isComplete(series, 0, quietMs, 160_000), true);
});

test("an image after the end of an earlier association counts from its own arrival", () => {
  const series = { lastReceivedAt: 158_000, lastAssociationEndedAt: 150_000 };
  assert.equal(isComplete(series, 0, quietMs, 161_000), false);
});

test("a clock set back by years does not hold a series up until it comes there again", () => {
  const series = { lastReceivedAt: Date.UTC(2031, 0), lastAssociationEndedAt: null };
  assert.equal(isComplete(series, 0, quietMs, Date.UTC(2026, 0)), true);
});
