/** The input can't be used, and won't be better next time: a job fails now, HTTP answers 4xx, C-STORE answers A9xx or Cxxx. */
export class RefusedError extends Error {
  override readonly name = "RefusedError";
  /** Stable and short; the user interface translates it. */
  readonly code: string;
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Something is away or full just now: a job is tried again with a delay, HTTP answers 503, C-STORE answers A7xx. */
export class UnavailableError extends Error {
  override readonly name = "UnavailableError";
  readonly code: string;
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
