import { type Session, signInRequest } from "../../api/session.ts";
import { debts } from "../../domain/user.ts";
import type { Auth } from "../auth.ts";
import { readBody } from "../body.ts";
import { everyRole, type Route } from "../route.ts";
import type { SignedIn } from "../sessions.ts";

export function sessionRoutes(auth: Auth): Route[] {
  return [
    {
      method: "post",
      path: "/api/session",
      access: "public",
      handle: async (context) => {
        const { name, password } = await readBody(context, signInRequest);
        context.body = sessionOf(await auth.signIn(context, name, password));
      },
    },
    {
      method: "get",
      path: "/api/session",
      access: everyRole,
      owing: debts,
      handle: (context, signedIn) => {
        context.body = sessionOf(signedIn);
      },
    },
    {
      method: "delete",
      path: "/api/session",
      access: everyRole,
      owing: debts,
      handle: (context, signedIn) => {
        auth.signOut(context, signedIn);
        context.status = 204;
      },
    },
  ];
}

export function sessionOf({ user: { name, role }, owes }: SignedIn): Session {
  return { user: { name, role }, ...(owes && { owes }) };
}
