import { paths } from "../../appliance/api/paths.ts";
import type { ProviderOffer, Session, SignInRequest } from "../../appliance/api/session.ts";
import { ApiError, getJson, send } from "./client.ts";

/** Who is signed in, or null. */
export async function readSession(): Promise<Session | null> {
  try {
    return await getJson<Session>(paths.session);
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return null;
    throw error;
  }
}

/** What the button of the sign-in provider says; null: there is none. */
export async function readProvider(): Promise<string | null> {
  return (await getJson<ProviderOffer>(paths.providerOffer)).name;
}

export async function signIn(request: SignInRequest): Promise<Session> {
  return (await (await send("POST", paths.session, request)).json()) as Session;
}

/** The second step, where the first one's answer owes it. */
export async function giveSecondFactor(code: string): Promise<void> {
  await send("POST", paths.sessionSecondFactor, { code });
}

export async function signOut(): Promise<void> {
  await send("DELETE", paths.session);
}
