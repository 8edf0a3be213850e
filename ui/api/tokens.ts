import { paths } from "../../appliance/api/paths.ts";
import type { IssuedToken, NewToken, TokenSummary } from "../../appliance/api/tokens.ts";
import { getJson, send } from "./client.ts";

export function listTokens(): Promise<TokenSummary[]> {
  return getJson(paths.tokens);
}

export async function issueToken(token: NewToken): Promise<IssuedToken> {
  return (await (await send("POST", paths.tokens, token)).json()) as IssuedToken;
}

export async function revokeToken(id: number): Promise<void> {
  await send("DELETE", paths.token(id));
}
