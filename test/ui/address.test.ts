import assert from "node:assert/strict";
import { test } from "node:test";
import {
  auditAddress,
  callersAddress,
  deliveriesAddress,
  healthAddress,
  modelAddress,
  modelsAddress,
  parseAddress,
  seriesAddress,
  tokensAddress,
} from "../../ui/address.ts";

test("each address names its page", () => {
  assert.deepEqual(parseAddress("/"), { page: "worklist" });
  assert.deepEqual(parseAddress(deliveriesAddress), { page: "deliveries" });
  assert.deepEqual(parseAddress(callersAddress), { page: "callers" });
  assert.deepEqual(parseAddress(healthAddress), { page: "health" });
  assert.deepEqual(parseAddress(seriesAddress(12)), { page: "series", id: 12 });
  assert.deepEqual(parseAddress(tokensAddress), { page: "tokens" });
  assert.deepEqual(parseAddress(auditAddress), { page: "audit" });
  assert.deepEqual(parseAddress(modelsAddress), { page: "models" });
  assert.deepEqual(parseAddress(modelAddress("headneck-oar")), { page: "model", name: "headneck-oar" });
  for (const path of [
    "/models/",
    "/models/..",
    "/models/A",
    "/models/a/b",
    "/series",
    "/series/",
    "/series/0",
    "/series/x",
    "/series/1/2",
    "/worklist",
  ])
    assert.deepEqual(parseAddress(path), { page: "not-found" }, path);
});
