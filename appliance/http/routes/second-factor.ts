import { codeRequest, type ProposedSecondFactor, passwordRequest, type RecoveryCodes } from "../../api/account.ts";
import type { Auth } from "../auth.ts";
import { readBody } from "../body.ts";
import type { HttpDependencies } from "../dependencies.ts";
import { everyRole, type Route } from "../route.ts";
import { SecondFactors } from "../second-factors.ts";
import { sessionOf } from "./session.ts";

/** The second step of signing in, and one's own second factor. */
export function secondFactorRoutes({ database, clock, sealing, device }: HttpDependencies, auth: Auth): Route[] {
  const factors = new SecondFactors({ database, now: clock.now, sealing, auth });
  return [
    {
      method: "post",
      path: "/api/session/second-factor",
      access: everyRole,
      owing: ["second-factor"],
      handle: async (context, signedIn) => {
        const { code } = await readBody(context, codeRequest);
        context.body = sessionOf(await factors.give(context, signedIn, code));
      },
    },
    {
      method: "post",
      path: "/api/account/second-factor",
      access: everyRole,
      owing: ["second-factor-setup"],
      handle: async (context, signedIn) => {
        const { password } = await readBody(context, passwordRequest);
        await auth.confirmPassword(context, signedIn, password);
        context.body = factors.propose(context, signedIn, (await device()).stationName) satisfies ProposedSecondFactor;
      },
    },
    {
      method: "post",
      path: "/api/account/second-factor/confirm",
      access: everyRole,
      owing: ["second-factor-setup"],
      handle: async (context, signedIn) => {
        const { code } = await readBody(context, codeRequest);
        context.body = { codes: await factors.confirm(context, signedIn, code) } satisfies RecoveryCodes;
      },
    },
    {
      method: "post",
      path: "/api/account/second-factor/remove",
      access: everyRole,
      handle: async (context, signedIn) => {
        const { code } = await readBody(context, codeRequest);
        await factors.remove(context, signedIn, code);
        context.status = 204;
      },
    },
    {
      method: "post",
      path: "/api/account/recovery-codes",
      access: everyRole,
      handle: async (context, signedIn) => {
        const { code } = await readBody(context, codeRequest);
        context.body = { codes: await factors.renewRecoveryCodes(context, signedIn, code) } satisfies RecoveryCodes;
      },
    },
  ];
}
