/** Why something was not done: a stable code and a sentence. */
export type Reason = { readonly code: string; readonly message: string };
