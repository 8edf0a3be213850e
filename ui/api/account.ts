import type { Account, PasswordChange } from "../../appliance/api/account.ts";
import { paths } from "../../appliance/api/paths.ts";
import { getJson, send } from "./client.ts";

export function readAccount(): Promise<Account> {
  return getJson(paths.account);
}

export async function changePassword(change: PasswordChange): Promise<void> {
  await send("POST", paths.ownPassword, change);
}

export async function endOwnSession(id: string): Promise<void> {
  await send("DELETE", paths.ownSession(id));
}

export async function signOutEverywhere(): Promise<void> {
  await send("DELETE", paths.ownSessions);
}
