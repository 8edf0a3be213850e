/** What a program may read by a token: status: whether the box works; worklist: series and results, with what names patients. Nothing is changed by one. */
export const tokenScopes = ["status", "worklist"] as const;
export type TokenScope = (typeof tokenScopes)[number];
