import type { ErrorBody } from "../../appliance/api/error.ts";

/** An answer that is not 2xx, or none at all: `status` 0, code `unreachable`. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
    this.code = code;
  }
}

let onSignedOut = (): void => {};

/** Called whenever the box says that nobody is signed in (any more). */
export function whenSignedOut(listener: () => void): void {
  onSignedOut = listener;
}

let onOwing = (): void => {};

/** Called whenever the box says that something must be settled first: a password, a second factor. */
export function whenOwing(listener: () => void): void {
  onOwing = listener;
}

export async function getJson<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await (await request("GET", path, undefined, signal)).json()) as T;
}

export async function getBytes(path: string, signal?: AbortSignal): Promise<ArrayBuffer> {
  return (await request("GET", path, undefined, signal)).arrayBuffer();
}

export async function send(method: "POST" | "DELETE", path: string, body?: unknown): Promise<Response> {
  return request(method, path, body);
}

async function request(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(path, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
      ...(signal ? { signal } : {}),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, "unreachable", "the box does not answer", { cause: error });
  }
  if (answer.ok) return answer;
  const { code, message } = await errorIn(answer);
  if (code === "signed-out") onSignedOut();
  if (code.startsWith("owes-")) onOwing();
  throw new ApiError(answer.status, code, message);
}

async function errorIn(answer: Response): Promise<ErrorBody["error"]> {
  try {
    return ((await answer.json()) as ErrorBody).error;
  } catch {
    // something between us and the box answered, not the box: there is no body of ours to read
    return { code: "unexpected-answer", message: `unexpected answer ${answer.status}` };
  }
}
