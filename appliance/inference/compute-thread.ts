import { parentPort } from "node:worker_threads";
import { messageOf, RefusedError } from "../base/errors.ts";
import { type Merging, merging } from "../nnunet/merge.ts";
import { zoomCtSlices, zoomNearestSlices } from "../volume/resample.ts";
import type { ComputeReply, ComputeRequest } from "./compute-requests.ts";
import { headClassify } from "./head-classify.ts";

/** Entry of a computing thread: does one request after the other, in shared memory, and answers each. */
let merge: Merging | undefined;

async function serve(request: ComputeRequest): Promise<void> {
  switch (request.kind) {
    case "zoom-ct":
      return zoomCtSlices(request.source, request.dims, request.order, request.result, request.kFrom, request.kTo);
    case "zoom-nearest":
      return zoomNearestSlices(request.source, request.target, request.kFrom, request.kTo);
    case "merge": {
      const { job } = request;
      merge = job.head ? merging(job, await headClassify(job.head, job.output)) : merging(job);
      return;
    }
    case "add":
      return merge?.add(request.output, request.start, request.mirror);
    case "end":
      await merge?.end();
      merge = undefined;
      return;
    default:
      return request satisfies never;
  }
}

let turn: Promise<void> = Promise.resolve();
parentPort?.on("message", (request: ComputeRequest) => {
  turn = turn.then(async () => {
    const reply = await serve(request).then(
      () => null,
      (error: unknown): ComputeReply => ({
        message: messageOf(error),
        code: error instanceof RefusedError ? error.code : null,
        stack: error instanceof Error ? error.stack : undefined,
      }),
    );
    parentPort?.postMessage(reply);
  });
});
