import { STATUS_CODES } from "node:http";
import type { Middleware } from "koa";
import * as z from "zod/mini";
import type { ErrorBody } from "../api/error.ts";
import { RefusedError, UnavailableError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { RequestState } from "./context.ts";

/** Refusals that HTTP has a status of its own for; every other refusal is 422. */
const statuses: Readonly<Record<string, number>> = {
  "body-malformed": 400,
  "media-type-malformed": 400,
  "multipart-malformed": 400,
  "parameter-invalid": 400,
  "uid-invalid": 400,
  "signed-out": 401,
  "sign-in-failed": 401,
  "token-invalid": 401,
  "token-address": 403,
  role: 403,
  scope: 403,
  "owes-second-factor": 403,
  "owes-password": 403,
  "owes-second-factor-setup": 403,
  "password-wrong": 403,
  "code-wrong": 403,
  "other-origin": 403,
  "not-found": 404,
  "not-ready": 404,
  "not-confirmed": 400,
  "not-acceptable": 406,
  "body-too-slow": 408,
  "body-too-large": 413,
  "body-not-json": 415,
  "body-not-multipart": 415,
  "unknown-host": 421,
  "too-many-requests": 429,
  "too-many-tries": 429,
};

/** Whatever is thrown below becomes an {@link ErrorBody}: refusals and outages with their reason, faults of ours without any detail. */
export function answerErrors(log: Log): Middleware<RequestState> {
  return async (context, next) => {
    try {
      await next();
      if (context.status >= 400 && !context.body)
        answer(context.status, { code: codeOf(context.status), message: sentenceOf(context.status) });
    } catch (error) {
      if (error instanceof z.core.$ZodError) {
        const [issue] = error.issues;
        const field = issue?.path.join(".") ?? "";
        answer(400, { code: "body-invalid", message: `${field || "the request"}: ${issue?.message ?? "not as expected"}`, field });
      } else if (error instanceof RefusedError) answer(statuses[error.code] ?? 422, { code: error.code, message: error.message });
      else if (error instanceof UnavailableError) answer(503, { code: error.code, message: error.message });
      else {
        const { requestId } = context.state;
        log.error("http-failed", { requestId, stack: error instanceof Error ? (error.stack ?? error.message) : String(error) });
        answer(500, { code: "fault", message: `something went wrong inside; the log tells more under request ${requestId}` });
      }
    }

    function answer(status: number, error: ErrorBody["error"]): void {
      context.status = status;
      context.body = { error: { ...error, requestId: context.state.requestId } } satisfies ErrorBody;
    }
  };
}

function codeOf(status: number): string {
  return sentenceOf(status).toLowerCase().replaceAll(" ", "-");
}

function sentenceOf(status: number): string {
  return STATUS_CODES[status] ?? "Error";
}
