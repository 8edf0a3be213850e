import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { quantiseBias, quantiseWeights } from "../../../models/quantize/affine.ts";

test("weights are spread over -127..127 by the largest of each output channel", () => {
  const { values, scales } = quantiseWeights(Float32Array.of(1, -2, 0.5, 0.25, 0, -0.25), 2);
  assert.deepEqual([...scales], [Math.fround(2 / 127), Math.fround(0.25 / 127)]);
  // 63.5 and 31.75 in steps: halves go to the even neighbour.
  assert.deepEqual([...values], [64, -127, 32, 127, 0, -127]);
});

test("a channel of zeros stays zero, with a scale that can be divided by", () => {
  const { values, scales } = quantiseWeights(new Float32Array(3), 1);
  assert.deepEqual([...values, ...scales], [0, 0, 0, 1]);
});

test("no weight is more than half a step away from what stands for it", () => {
  const weight = fc.float({ noNaN: true, noDefaultInfinity: true, min: -100, max: 100 });
  fc.assert(
    fc.property(fc.array(weight, { minLength: 4, maxLength: 40 }), (list) => {
      const weights = Float32Array.from(list.slice(0, 4 * Math.floor(list.length / 4)));
      const { values, scales } = quantiseWeights(weights, 4);
      const perChannel = weights.length / 4;
      for (const [at, value] of weights.entries()) {
        const scale = scales[Math.floor(at / perChannel)]!;
        assert.ok(Math.abs(value - values[at]! * scale) <= scale * 0.5 * (1 + 1e-5), `${value} as ${values[at]} * ${scale}`);
      }
    }),
  );
});

test("a bias counts in steps of its channel and stays within int32", () => {
  assert.deepEqual([...quantiseBias(Float32Array.of(1, -1, 5e9), Float32Array.of(0.5, 0.4, 1))], [2, -2, 2 ** 31 - 1]);
});
