import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseRange, quantisationError } from "../../../models/quantize/choose-range.ts";
import { Histogram } from "../../../models/quantize/histogram.ts";

const counted = (values: Float32Array): Histogram => {
  const histogram = new Histogram();
  histogram.add(values);
  return histogram;
};
const evenly = (from: number, to: number, count = 100_000) =>
  Float32Array.from({ length: count }, (_, n) => from + ((to - from) * n) / (count - 1));
/** Sums of twelve evenly spread numbers: near enough to a normal distribution, the same every time. */
const bell = (count = 50_000) => {
  let state = 7;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  return Float32Array.from({ length: count }, () => Array.from({ length: 12 }, next).reduce((sum, value) => sum + value, -6));
};

test("evenly spread values take their whole range, and cost what rounding costs", () => {
  const { low, scale, relativeError } = chooseRange(counted(evenly(-1, 3)), {});
  assert.ok(Math.abs(low + 1) < 0.01 && Math.abs(low + 255 * scale - 3) < 0.01);
  // A step is 4 / 255; rounding to it has a twelfth of its square, the values themselves 16 / 12 as variance.
  assert.ok(Math.abs(relativeError / (1 / 255 ** 2) - 1) < 0.3, String(relativeError));
});

test("one far outlier among many values is cut off rather than given most of the codes", () => {
  const values = evenly(-1, 1, 2_000_000);
  values[1_000_000] = 6;
  const histogram = counted(values);
  const { method, low, scale, relativeError } = chooseRange(histogram, {});
  assert.notEqual(method, "min-max");
  assert.ok(low + 255 * scale < 1.1);
  const whole = { low: histogram.min, scale: (histogram.max - histogram.min) / 255 };
  assert.ok(relativeError / 3 < quantisationError(histogram, whole, Number.NEGATIVE_INFINITY) / 2);
});

test("with a zero point 0 has that code exactly", () => {
  for (const zeroPoint of [8, 64, 128]) {
    const { low, scale } = chooseRange(counted(bell()), { zeroPoint });
    assert.equal(low + zeroPoint * scale, 0);
  }
});

test("after a ReLU what is below 0 takes no codes", () => {
  const { low, scale } = chooseRange(counted(evenly(-100, 5)), { zeroPoint: 8, afterRelu: true });
  assert.ok(low + 255 * scale < 5.1);
});

test("a constant channel keeps a scale that can be divided by", () => {
  for (const value of [0, 5]) {
    const { low, scale } = chooseRange(counted(new Float32Array(100).fill(value)), {});
    assert.ok(scale > 0 && Math.abs(low + Math.round((value - low) / scale) * scale - value) < 1e-3);
  }
});
