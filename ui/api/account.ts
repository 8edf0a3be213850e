import type { Account, PasswordChange, ProposedSecondFactor, RecoveryCodes } from "../../appliance/api/account.ts";
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

export async function proposeSecondFactor(password: string): Promise<ProposedSecondFactor> {
  return (await (await send("POST", paths.secondFactor, { password })).json()) as ProposedSecondFactor;
}

export async function confirmSecondFactor(code: string): Promise<readonly string[]> {
  return codesIn(await send("POST", paths.confirmSecondFactor, { code }));
}

export async function removeSecondFactor(code: string): Promise<void> {
  await send("POST", paths.removeSecondFactor, { code });
}

export async function renewRecoveryCodes(code: string): Promise<readonly string[]> {
  return codesIn(await send("POST", paths.recoveryCodes, { code }));
}

async function codesIn(answer: Response): Promise<readonly string[]> {
  return ((await answer.json()) as RecoveryCodes).codes;
}
