import { type IssuedToken, newToken, type TokenSummary } from "../../api/tokens.ts";
import type { Role } from "../../domain/user.ts";
import { issueApiToken, listApiTokens, revokeApiToken } from "../../store/api-tokens.ts";
import { readBody } from "../body.ts";
import type { HttpDependencies } from "../dependencies.ts";
import { idIn, type Route } from "../route.ts";
import type { SignedIn } from "../sessions.ts";

const admin: readonly Role[] = ["admin"];

/** Tokens with which programs read this interface. */
export function tokenRoutes({ database, clock }: HttpDependencies): Route[] {
  const by = ({ user }: SignedIn) => ({ actor: `user:${user.name}`, at: clock.now() });
  return [
    {
      method: "get",
      path: "/api/tokens",
      access: admin,
      handle: (context) => {
        context.body = listApiTokens(database) satisfies readonly TokenSummary[];
      },
    },
    {
      method: "post",
      path: "/api/tokens",
      access: admin,
      handle: async (context, signedIn) => {
        const { name, scope, days } = await readBody(context, newToken);
        const expiresAt = clock.now() + days * 86_400_000;
        context.status = 201;
        context.body = { token: issueApiToken(database, by(signedIn), { name, scope, expiresAt }) } satisfies IssuedToken;
      },
    },
    {
      method: "delete",
      path: "/api/tokens/:id",
      access: admin,
      handle: (context, signedIn) => {
        revokeApiToken(database, by(signedIn), idIn(context, "id"));
        context.status = 204;
      },
    },
  ];
}
