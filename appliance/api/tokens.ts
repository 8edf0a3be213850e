import * as z from "zod/mini";
import { type TokenScope, tokenScopes } from "../domain/token-scope.ts";

export type { TokenScope };

/** A line of GET /api/tokens, by name. */
export type TokenSummary = {
  readonly id: number;
  readonly name: string;
  readonly scope: TokenScope;
  readonly createdBy: string;
  /** UTC ms. */
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly lastUsedAt: number | null;
};

/** POST /api/tokens; answered by the token, which is told this once. */
export const newToken = z.strictObject({
  name: z.string().check(z.regex(/^[\p{L}\p{N}][\p{L}\p{N}._-]{0,63}$/u, "expected 1 to 64 letters, digits, dots, dashes or underscores")),
  scope: z.enum(tokenScopes),
  days: z.int().check(z.gte(1), z.lte(366)),
});
export type NewToken = z.infer<typeof newToken>;
export type IssuedToken = { readonly token: string };
