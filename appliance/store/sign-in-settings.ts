import { type SignInSettings, usualSignInSettings } from "../domain/user.ts";
import type { Database } from "./database.ts";
import type { SessionLimits } from "./sessions.ts";
import { getSetting, setSetting } from "./settings.ts";

const key = "sign-in";

export function readSignInSettings(database: Database): SignInSettings {
  return { ...usualSignInSettings, ...getSetting<Partial<SignInSettings>>(database, key) };
}

export function writeSignInSettings(database: Database, settings: SignInSettings): void {
  setSetting(database, key, settings);
}

export function sessionLimitsAt(now: number, { idleMinutes, absoluteHours }: SignInSettings): SessionLimits {
  return { createdBefore: now - absoluteHours * 3_600_000, seenBefore: now - idleMinutes * 60_000 };
}
