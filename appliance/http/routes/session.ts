import { type Session, signInRequest } from "../../api/session.ts";
import type { User } from "../../domain/user.ts";
import type { Auth } from "../auth.ts";
import { readBody } from "../body.ts";
import { everyRole, type Route } from "../route.ts";

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
      handle: (context, { user }) => {
        context.body = sessionOf(user);
      },
    },
    {
      method: "delete",
      path: "/api/session",
      access: everyRole,
      handle: (context, signedIn) => {
        auth.signOut(context, signedIn);
        context.status = 204;
      },
    },
  ];
}

function sessionOf({ name, role }: User): Session {
  return { user: { name, role } };
}
