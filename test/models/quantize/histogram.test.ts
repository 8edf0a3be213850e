import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Histogram } from "../../../models/quantize/histogram.ts";

test("values are counted in bins whose edges include 0, and the bins widen as larger ones come", () => {
  const histogram = new Histogram(8);
  histogram.add(Float32Array.of(0.00001, -0.00001));
  histogram.add(Float32Array.of(3, -1, 0.5));
  assert.equal(histogram.width, 1); // 8 bins reach from -4 to 4
  assert.deepEqual([...histogram.counts], [0, 0, 0, 2, 2, 0, 0, 1]);
  assert.deepEqual([histogram.min, histogram.max, histogram.total], [-1, 3, 5]);
  assert.deepEqual([histogram.valueAt(3), histogram.valueAt(4)], [-0.5, 0.5]);
});

test("no value is lost, and none counts in another place than when all came at once", () => {
  const values = fc.array(fc.float({ noNaN: true, noDefaultInfinity: true, min: -1000, max: 1000 }), { minLength: 1, maxLength: 50 });
  fc.assert(
    fc.property(values, fc.nat(), (list, cut) => {
      const all = Float32Array.from(list);
      const at = cut % all.length;
      const [whole, pieces] = [new Histogram(64), new Histogram(64)];
      whole.add(all);
      pieces.add(all.subarray(0, at));
      pieces.add(all.subarray(at));
      assert.deepEqual(pieces.counts, whole.counts);
      assert.equal(
        pieces.counts.reduce((sum, count) => sum + count, 0),
        all.length,
      );
    }),
  );
});

test("a percentile lies at the edge of a bin, and never outside what was seen", () => {
  const histogram = new Histogram();
  histogram.add(Float32Array.from({ length: 1000 }, (_, n) => n / 10));
  assert.ok(Math.abs(histogram.percentile(0.99) - 99) <= histogram.width + 0.1);
  assert.ok(Math.abs(histogram.percentile(0.01) - 1) <= histogram.width + 0.1);
  assert.equal(histogram.percentile(1), Math.fround(99.9));
});

test("values that are no numbers are refused", () => {
  assert.throws(() => new Histogram().add(Float32Array.of(1, Number.NaN)), /not finite/);
});
