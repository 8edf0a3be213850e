import { serveChild } from "../host/child-process.ts";
import type {
  ChildProgress,
  EncodeReply,
  EncodeRequest,
  RejectReply,
  RejectRequest,
  ReportReply,
  ReportRequest,
  SegmentReply,
  SegmentRequest,
} from "./child-requests.ts";

/**
 * Entry of the child process. What it reads came over the network: whatever it does to this process, the service goes on. It lives for one
 * request, so only what that needs is loaded: the writers of objects take a third of a second.
 */
serveChild<
  SegmentRequest | EncodeRequest | ReportRequest | RejectRequest,
  ChildProgress,
  SegmentReply | EncodeReply | ReportReply | RejectReply
>(async (request, onProgress) => {
  switch (request.kind) {
    case "segment":
      return (await import("./infer-series.ts")).inferSeries(request, onProgress);
    case "encode":
      return (await import("./write-objects.ts")).writeObjects(request);
    case "report":
      return (await import("./write-report.ts")).writeReport(request);
    case "reject":
      return (await import("./reject-result.ts")).rejectResult(request);
    default:
      return request satisfies never;
  }
});
