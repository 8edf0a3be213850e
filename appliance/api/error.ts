/** The body of every answer that is not 2xx. */
export type ErrorBody = {
  readonly error: {
    readonly code: string;
    readonly message: string;
    /** Path of the field at fault in the request's body, `name` or `rules.0.model`. */
    readonly field?: string;
    /** Also the header X-Request-Id, and in the log. */
    readonly requestId?: string;
  };
};
