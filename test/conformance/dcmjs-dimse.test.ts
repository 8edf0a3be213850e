import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import dimse from "dcmjs-dimse";
import { readInstanceHeader } from "../../appliance/dicom/instance-header.ts";
import { startRecordingScp } from "../appliance/dimse/recording-scp.ts";

const file = join(import.meta.dirname, "../data/ct-corpus/ge-small/CT_small.dcm");

/** Sends requests over one association; the statuses of the final responses, in order. */
function call(port: number, requests: readonly InstanceType<typeof dimse.requests.CEchoRequest>[]): Promise<number[]> {
  dimse.log.setLevel("silent");
  const client = new dimse.Client();
  const statuses: number[] = [];
  for (const request of requests) {
    request.on("response", (response: { getStatus(): number }) => void statuses.push(response.getStatus()));
    client.addRequest(request);
  }
  return new Promise((resolve, reject) => {
    client.on("closed", () => resolve(statuses));
    client.on("networkError", reject);
    client.on("associationRejected", () => reject(new Error("rejected")));
    client.send("127.0.0.1", port, "DCMJS", "SEGBOX");
  });
}

test("dcmjs-dimse, a second toolkit, echoes and stores over one association", async () => {
  await using scp = await startRecordingScp();
  const statuses = await call(scp.port, [
    new dimse.requests.CEchoRequest(),
    new dimse.requests.CStoreRequest(file),
    new dimse.requests.CEchoRequest(),
  ]);
  assert.deepEqual(statuses, [0, 0, 0]);
  const header = readInstanceHeader(await readFile(file));
  assert.deepEqual(
    scp.stored.map(({ sopInstanceUid, sopClassUid }) => [sopInstanceUid, sopClassUid]),
    [[header.sopInstanceUid, header.sopClassUid]],
  );
});
