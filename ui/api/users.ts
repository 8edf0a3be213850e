import { paths } from "../../appliance/api/paths.ts";
import type { Role } from "../../appliance/api/session.ts";
import type { InitialPassword, NewUser, SignInSettings, UserSummary } from "../../appliance/api/users.ts";
import { getJson, send } from "./client.ts";

export function listUsers(): Promise<UserSummary[]> {
  return getJson(paths.users);
}

export async function addUser(user: NewUser): Promise<InitialPassword> {
  return (await (await send("POST", paths.users, user)).json()) as InitialPassword;
}

export async function changeRole(id: number, role: Role): Promise<void> {
  await send("POST", paths.userRole(id), { role });
}

export async function resetPassword(id: number): Promise<InitialPassword> {
  return (await (await send("POST", paths.resetPassword(id))).json()) as InitialPassword;
}

export async function resetSecondFactor(id: number): Promise<void> {
  await send("POST", paths.resetSecondFactor(id));
}

export async function endSessionsOf(id: number): Promise<void> {
  await send("DELETE", paths.userSessions(id));
}

export async function removeUser(id: number): Promise<void> {
  await send("DELETE", paths.user(id));
}

export function readSignInSettings(): Promise<SignInSettings> {
  return getJson(paths.signInSettings);
}

export async function saveSignInSettings(settings: SignInSettings): Promise<void> {
  await send("POST", paths.signInSettings, settings);
}
