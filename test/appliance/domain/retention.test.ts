import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { deliveryStates, resultStates } from "../../../appliance/domain/result.ts";
import { type HeldResult, type Holding, planRetention, type RetentionSettings, whyKept } from "../../../appliance/domain/retention.ts";
import { seriesStates } from "../../../appliance/domain/series.ts";

const day = 86_400_000;
const now = 1_000 * day;
const settings: RetentionSettings = { imageDays: 30, resultDays: 90, traceDays: 3_650, startFreeBytes: 1_000 };

type Delivery = HeldResult["deliveries"][number];
const delivery = (rest: Partial<Delivery> = {}): Delivery => ({
  ...{ id: 5, state: "delivered", commitment: null, destination: "pacs", deliveredAt: now - 40 * day },
  ...rest,
});
const result = (rest: Partial<HeldResult> = {}): HeldResult => ({
  ...{ id: 7, state: "ready", createdAt: now - 40 * day, review: null, deliveries: [delivery()] },
  ...rest,
});
const holding = (rest: Partial<Holding> = {}): Holding => ({
  ...{ seriesId: 1, state: "complete", lastReceivedAt: now - 41 * day, images: 20, imageBytes: 100, resultBytes: 60 },
  ...{ hasOpenJobs: false, isUnjudged: false, settledAt: null, results: [result()] },
  ...rest,
});
/** A series with one delivered result, so many days after its delivery. */
const aged = (seriesId: number, days: number, rest: Partial<HeldResult> = {}): Holding =>
  holding({
    seriesId,
    lastReceivedAt: now - days * day,
    results: [result({ createdAt: now - days * day, deliveries: [delivery({ deliveredAt: now - days * day })], ...rest })],
  });
const plan = (holdings: readonly Holding[], rest: Partial<Parameters<typeof planRetention>[1]> = {}) =>
  planRetention(holdings, { settings, now, freeBytes: null, ...rest });
const listed = (holdings: readonly Holding[], rest = {}) =>
  plan(holdings, rest).removals.map(({ seriesId, what, cause, bytes }) => `${seriesId} ${what} ${cause} ${bytes}`);

const accepted = { verdict: "accepted", at: now - 40 * day } as const;
const rejected = { verdict: "rejected", at: now - 40 * day } as const;

for (const [name, held, code] of [
  ["a series whose result is delivered", holding(), null],
  ["one that is being received", holding({ state: "receiving" }), "receiving"],
  ["one for which a job waits or runs", holding({ hasOpenJobs: true }), "in-work"],
  ["one about which the rules could not be asked", holding({ state: "ignored", results: [], isUnjudged: true }), "not-judged"],
  ["one about which the rules were not asked", holding({ results: [] }), "not-judged"],
  ["one that no rule took", holding({ state: "ignored", results: [] }), null],
  ["a result that waits for inference", holding({ results: [result({ state: "pending", deliveries: [] })] }), "in-work"],
  ["a result that is not written", holding({ results: [result({ state: "segmented", deliveries: [] })] }), "in-work"],
  ["a failed result", holding({ results: [result({ state: "failed", deliveries: [] })] }), "result-failed"],
  ["a failed result that somebody settled", holding({ settledAt: now, results: [result({ state: "failed", deliveries: [] })] }), null],
  [
    "a failed result that was made after somebody settled another",
    holding({ settledAt: now - 41 * day, results: [result({ state: "failed", deliveries: [] })] }),
    "result-failed",
  ],
  ["a result that went nowhere", holding({ results: [result({ deliveries: [] })] }), "only-copy"],
  ["a superseded result that was never written", holding({ results: [result({ state: "superseded", deliveries: [] }), result()] }), null],
  ["a waiting delivery", holding({ results: [result({ deliveries: [delivery({ state: "waiting" })] })] }), "not-delivered"],
  ["a held delivery", holding({ results: [result({ deliveries: [delivery({ state: "held" })] })] }), "held"],
  [
    "one failed delivery beside a delivered one",
    holding({ results: [result({ deliveries: [delivery(), delivery({ state: "failed" })] })] }),
    "delivery-failed",
  ],
  [
    "a failed delivery, settled or not",
    holding({ settledAt: now, results: [result({ deliveries: [delivery({ state: "failed" })] })] }),
    "delivery-failed",
  ],
  ["a delivery that was called back", holding({ results: [result({ deliveries: [delivery({ state: "withdrawn" })] })] }), null],
  [
    "a delivery that is not committed yet",
    holding({ results: [result({ deliveries: [delivery({ commitment: "asked" })] })] }),
    "not-committed",
  ],
  ["a committed delivery", holding({ results: [result({ deliveries: [delivery({ commitment: "committed" })] })] }), null],
  [
    "a superseded result whose rejection note waits",
    holding({ results: [result({ state: "superseded", deliveries: [delivery(), delivery({ state: "waiting" })] }), result()] }),
    "not-delivered",
  ],
] as const)
  test(`${name} ${code ? `stays: ${code}` : "may go"}`, () => {
    assert.equal(whyKept(held)?.code ?? null, code);
    const { removals, kept } = plan([held], { isOrdered: true });
    assert.equal(removals.length > 0, code === null);
    assert.deepEqual(
      kept.map(({ reason }) => reason.code),
      code === null ? [] : [code],
      "what stays although it was ordered is said",
    );
  });

test("images go 30 days after the last delivery, everything after 90, and nothing a moment before", () => {
  assert.deepEqual(listed([aged(1, 30)]), ["1 images age 100"]);
  assert.deepEqual(listed([aged(1, 29.999)]), []);
  assert.deepEqual(listed([aged(1, 90)]), ["1 everything age 160"]);
  assert.deepEqual(listed([{ ...aged(1, 40), images: 0, imageBytes: 0 }]), [], "its images have gone");
});

test("a judgement and a late image count as its last event", () => {
  assert.deepEqual(listed([aged(1, 90, { review: { verdict: "accepted", at: now - day } })]), []);
  assert.deepEqual(listed([{ ...aged(1, 90), lastReceivedAt: now - day }]), []);
});

test("a series that no rule took goes with its images", () => {
  assert.deepEqual(listed([holding({ state: "ignored", results: [], resultBytes: 0 })]), ["1 everything age 100"]);
});

test("`never` is never, and images stay no longer than the results that they belong to", () => {
  assert.deepEqual(listed([aged(1, 5_000)], { settings: { ...settings, imageDays: "never", resultDays: "never" } }), []);
  assert.deepEqual(listed([aged(1, 100)], { settings: { ...settings, imageDays: "never" } }), ["1 everything age 160"]);
});

test("what is over age and not delivered is said", () => {
  const { removals, kept } = plan([aged(1, 400, { deliveries: [delivery({ state: "failed", deliveredAt: null })] })]);
  assert.deepEqual(removals, []);
  assert.deepEqual(
    kept.map(({ seriesId, reason, cause, canBeSettled }) => [seriesId, reason.code, cause, canBeSettled]),
    [[1, "delivery-failed", "age", true]],
  );
});

test("a full disk takes as much as is needed for half as much room again, images first, the oldest first", () => {
  const holdings = [aged(1, 5), aged(2, 7), aged(3, 6)];
  assert.deepEqual(listed(holdings, { freeBytes: 1_000 }), [], "there is room");
  assert.deepEqual(listed(holdings, { freeBytes: 999, settings: { ...settings, startFreeBytes: 1_000 } }), [
    ...["2 images disk 100", "3 images disk 100", "1 images disk 100"],
    ...["2 everything disk 60", "3 everything disk 60", "1 everything disk 60"],
  ]);
  const small = { settings: { ...settings, startFreeBytes: 100 } };
  assert.deepEqual(listed(holdings, { freeBytes: 50, ...small }), ["2 images disk 100"]);
  assert.deepEqual(listed([...holdings, aged(4, 31)], { freeBytes: 50, ...small }), ["4 images age 100"], "what is over age counts");
});

test("accepted results go before those that nobody judged, rejected ones last", () => {
  const holdings = [aged(1, 8, { review: rejected }), aged(2, 7), aged(3, 6, { review: accepted })].map((each) => ({
    ...each,
    images: 0,
    imageBytes: 0,
  }));
  assert.deepEqual(
    plan(holdings, { isOrdered: true }).removals.map(({ seriesId }) => seriesId),
    [3, 2, 1],
  );
});

const someDelivery = fc.record({
  id: fc.nat(),
  state: fc.constantFrom(...deliveryStates),
  commitment: fc.constantFrom("asked", "committed", "failed", null),
  destination: fc.constant("pacs"),
  deliveredAt: fc.option(fc.integer({ min: 0, max: now })),
} as const);
const someResult = fc.record({
  id: fc.nat(),
  state: fc.constantFrom(...resultStates),
  createdAt: fc.integer({ min: 0, max: now }),
  review: fc.option(fc.record({ verdict: fc.constantFrom("accepted", "rejected"), at: fc.integer({ min: 0, max: now }) } as const)),
  deliveries: fc.array(someDelivery, { maxLength: 4 }),
} as const);
const someHoldings = fc
  .array(
    fc.record({
      state: fc.constantFrom(...seriesStates),
      lastReceivedAt: fc.integer({ min: 0, max: now + day }),
      images: fc.nat({ max: 500 }),
      imageBytes: fc.nat({ max: 5_000 }),
      resultBytes: fc.nat({ max: 5_000 }),
      hasOpenJobs: fc.boolean(),
      isUnjudged: fc.boolean(),
      settledAt: fc.option(fc.integer({ min: 0, max: now })),
      results: fc.array(someResult, { maxLength: 3 }),
    } as const),
    { maxLength: 12 },
  )
  .map((list) => list.map((each, seriesId): Holding => ({ seriesId, ...each })));
const days = fc.oneof(fc.constant("never" as const), fc.double({ min: 0, max: 2_000, noNaN: true }));
const someOptions = fc.record({
  settings: fc.record({ imageDays: days, resultDays: days, traceDays: days, startFreeBytes: fc.nat({ max: 20_000 }) }),
  freeBytes: fc.option(fc.nat({ max: 30_000 })),
  isOrdered: fc.boolean(),
});

test("nothing that is not delivered and committed, failed and not settled, or in work, is ever on the list", () => {
  fc.assert(
    fc.property(someHoldings, someOptions, (holdings, options) => {
      for (const { seriesId } of planRetention(holdings, { ...options, now }).removals) {
        const { state, hasOpenJobs, settledAt, results } = holdings[seriesId]!;
        assert.ok(state !== "receiving" && !hasOpenJobs);
        for (const { state, createdAt, deliveries } of results) {
          assert.ok(state !== "pending" && state !== "segmented");
          assert.ok(state !== "failed" || settledAt! >= createdAt);
          assert.ok(state !== "ready" || deliveries.length > 0 || settledAt! >= createdAt);
          for (const { state, commitment } of deliveries)
            assert.ok(state === "withdrawn" || (state === "delivered" && commitment !== "asked" && commitment !== "failed"));
        }
      }
    }),
    { numRuns: 2_000 },
  );
});

test("nothing goes twice, sums are right, and each series goes or is said to stay where all is ordered to go", () => {
  fc.assert(
    fc.property(someHoldings, someOptions, (holdings, options) => {
      const { removals, kept, bytes } = planRetention(holdings, { ...options, now });
      assert.equal(
        bytes,
        removals.reduce((sum, removal) => sum + removal.bytes, 0),
      );
      for (const { seriesId, imageBytes, resultBytes } of holdings) {
        const mine = removals.filter((removal) => removal.seriesId === seriesId);
        assert.ok(mine.filter(({ what }) => what === "everything").length <= 1 && mine.length <= 2);
        assert.notEqual(mine.at(0)?.what === "everything" && mine.length === 2, true, "nothing comes after everything");
        assert.ok(mine.reduce((sum, removal) => sum + removal.bytes, 0) <= imageBytes + resultBytes);
        const stays = kept.some((each) => each.seriesId === seriesId);
        assert.ok(!(stays && mine.length > 0));
        if (options.isOrdered) assert.ok(stays || mine.at(-1)?.what === "everything", "ordered: all of it, or a reason");
      }
    }),
    { numRuns: 2_000 },
  );
});

test("without an order and with room enough nothing goes before its time", () => {
  fc.assert(
    fc.property(someHoldings, someOptions, (holdings, { settings }) => {
      const { removals } = planRetention(holdings, { settings, now, freeBytes: settings.startFreeBytes });
      for (const { since, what, seriesId } of removals) {
        const limit = what === "images" || holdings[seriesId]!.results.length === 0 ? settings.imageDays : settings.resultDays;
        assert.ok(limit !== "never" && now - since >= limit * day);
      }
    }),
    { numRuns: 2_000 },
  );
});
