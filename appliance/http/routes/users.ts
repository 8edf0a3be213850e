import { type InitialPassword, newUser, roleChange, signInSettings, type UserSummary } from "../../api/users.ts";
import type { Role } from "../../domain/user.ts";
import { hashPassword } from "../../host/password.ts";
import { makeInitialPassword } from "../../host/secret-codes.ts";
import {
  type By,
  changeRole,
  changeSignInSettings,
  createAccount,
  endSessions,
  initialUntil,
  removeAccount,
  resetPassword,
  resetSecondFactor,
} from "../../store/accounts.ts";
import { listSessions } from "../../store/sessions.ts";
import { readSignInSettings, sessionLimitsAt } from "../../store/sign-in-settings.ts";
import { listUsers } from "../../store/users.ts";
import type { Auth } from "../auth.ts";
import { readBody } from "../body.ts";
import type { Context } from "../context.ts";
import type { HttpDependencies } from "../dependencies.ts";
import { idIn, type Route } from "../route.ts";
import type { SignedIn } from "../sessions.ts";

const admin: readonly Role[] = ["admin"];

/** Other people's accounts, and how everybody signs in. Nobody but the box chooses a password for somebody else. */
export function userRoutes({ database, clock }: HttpDependencies, auth: Auth): Route[] {
  const by = ({ user }: SignedIn): By => ({ actor: `user:${user.name}`, at: clock.now() });
  async function makePassword() {
    const password = makeInitialPassword();
    return { password, passwordHash: await hashPassword(password), initialUntil: initialUntil(clock.now()) };
  }
  /** A change of one user that ends sessions and has no answer. */
  function change(method: "post" | "delete", path: string, act: (by: By, id: number) => string[]): Route {
    return {
      method,
      path,
      access: admin,
      handle: (context: Context, signedIn: SignedIn) => {
        auth.ended(act(by(signedIn), idIn(context, "id")));
        context.status = 204;
      },
    };
  }

  return [
    {
      method: "get",
      path: "/api/users",
      access: admin,
      handle: (context) => {
        const limits = sessionLimitsAt(clock.now(), readSignInSettings(database));
        context.body = listUsers(database).map((user): UserSummary => {
          const sessions = listSessions(database, user.id, limits);
          return { ...user, sessions: sessions.length, lastSeenAt: sessions[0]?.lastSeenAt ?? null };
        });
      },
    },
    {
      method: "post",
      path: "/api/users",
      access: admin,
      handle: async (context, signedIn) => {
        const { name, role } = await readBody(context, newUser);
        const { password, ...stored } = await makePassword();
        const id = createAccount(database, by(signedIn), { name, role, ...stored });
        context.status = 201;
        context.body = { id, password, initialUntil: stored.initialUntil } satisfies InitialPassword;
      },
    },
    {
      method: "post",
      path: "/api/users/:id/role",
      access: admin,
      handle: async (context, signedIn) => {
        const id = idIn(context, "id");
        const { role } = await readBody(context, roleChange);
        auth.ended(changeRole(database, by(signedIn), id, role));
        context.status = 204;
      },
    },
    {
      method: "post",
      path: "/api/users/:id/reset-password",
      access: admin,
      handle: async (context, signedIn) => {
        const id = idIn(context, "id");
        const { password, ...stored } = await makePassword();
        auth.ended(resetPassword(database, by(signedIn), id, stored));
        context.body = { id, password, initialUntil: stored.initialUntil } satisfies InitialPassword;
      },
    },
    change("post", "/api/users/:id/reset-second-factor", (who, id) => resetSecondFactor(database, who, id)),
    change("delete", "/api/users/:id/sessions", (who, id) => endSessions(database, who, id)),
    change("delete", "/api/users/:id", (who, id) => removeAccount(database, who, id)),
    {
      method: "get",
      path: "/api/sign-in-settings",
      access: admin,
      handle: (context) => {
        context.body = readSignInSettings(database);
      },
    },
    {
      method: "post",
      path: "/api/sign-in-settings",
      access: admin,
      handle: async (context, signedIn) => {
        changeSignInSettings(database, by(signedIn), await readBody(context, signInSettings));
        context.status = 204;
      },
    },
  ];
}
