import { type Account, passwordChange } from "../../api/account.ts";
import { RefusedError } from "../../base/errors.ts";
import { hashPassword } from "../../host/password.ts";
import { addAudit } from "../../store/audit.ts";
import { listRecoveryCodes } from "../../store/second-factors.ts";
import { listSessions, removeSession, removeSessionsOf } from "../../store/sessions.ts";
import { readSignInSettings, sessionLimitsAt } from "../../store/sign-in-settings.ts";
import { getUser, setPassword } from "../../store/users.ts";
import type { Auth } from "../auth.ts";
import { readBody } from "../body.ts";
import type { HttpDependencies } from "../dependencies.ts";
import { everyRole, notFound, type Route } from "../route.ts";
import type { SignedIn } from "../sessions.ts";

/** One's own account: password, sessions. */
export function accountRoutes({ database, clock, device }: HttpDependencies, auth: Auth): Route[] {
  function audit({ user }: SignedIn, action: string, detail = {}): void {
    addAudit(database, { at: clock.now(), actor: `user:${user.name}`, action, object: `user:${user.name}`, detail });
  }

  function ownSessions({ user }: SignedIn) {
    return listSessions(database, user.id, sessionLimitsAt(clock.now(), readSignInSettings(database)));
  }

  return [
    {
      method: "get",
      path: "/api/account",
      access: everyRole,
      owing: ["second-factor-setup"],
      handle: (context, signedIn) => {
        const { id, name, role } = signedIn.user;
        const account = getUser(database, id);
        context.body = {
          user: { name, role },
          hasSecondFactor: account?.hasSecondFactor ?? false,
          isVouched: account?.isVouched ?? false,
          needsSecondFactor: readSignInSettings(database).secondFactorFor.includes(role),
          recoveryCodesLeft: listRecoveryCodes(database, id).length,
          sessions: ownSessions(signedIn).map(({ tokenDigest, ...session }) => ({
            id: sessionId(tokenDigest),
            isOwn: tokenDigest === signedIn.tokenDigest,
            ...session,
          })),
        } satisfies Account;
      },
    },
    {
      method: "post",
      path: "/api/account/password",
      access: everyRole,
      owing: ["password"],
      handle: async (context, signedIn) => {
        const { current, next } = await readBody(context, passwordChange);
        const { id, name, passwordHash } = await auth.confirmPassword(context, signedIn, current);
        if (next.normalize("NFC") === current.normalize("NFC"))
          throw new RefusedError("password-same", "expected another password than the one that you have");
        const { requireGoodPassword } = await import("../../api/new-password.ts"); // its lists take 10 MB
        requireGoodPassword(next, [name, (await device()).stationName]);
        const hash = await hashPassword(next);
        auth.renew(context, signedIn, () => {
          if (getUser(database, id)?.passwordHash !== passwordHash)
            throw new RefusedError("password-wrong", "your password was changed elsewhere meanwhile; nothing was changed here");
          setPassword(database, id, hash, null);
          audit(signedIn, "password-changed");
          return removeSessionsOf(database, id, signedIn.tokenDigest);
        });
        context.status = 204;
      },
    },
    {
      method: "delete",
      path: "/api/account/sessions/:id",
      access: everyRole,
      handle: (context, signedIn) => {
        const session = ownSessions(signedIn).find(({ tokenDigest }) => sessionId(tokenDigest) === context.params.id);
        if (!session) throw notFound("session");
        database.transaction(() => {
          removeSession(database, session.tokenDigest);
          audit(signedIn, "own-session-ended", { address: session.address });
        });
        auth.ended([session.tokenDigest]);
        if (session.tokenDigest === signedIn.tokenDigest) auth.sessions.setCookie(context, null);
        context.status = 204;
      },
    },
    {
      method: "delete",
      path: "/api/account/sessions",
      access: everyRole,
      handle: (context, signedIn) => {
        const ended = database.transaction(() => {
          const digests = removeSessionsOf(database, signedIn.user.id);
          audit(signedIn, "signed-out-everywhere", { sessions: digests.length });
          return digests;
        });
        auth.ended(ended);
        auth.sessions.setCookie(context, null);
        context.status = 204;
      },
    },
  ];
}

/** Names a session, by 64 bits of its token's SHA-256: no way back to the token. */
function sessionId(tokenDigest: string): string {
  return tokenDigest.slice(0, 16);
}
