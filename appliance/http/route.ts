import Router from "@koa/router";
import { RefusedError } from "../base/errors.ts";
import type { TokenScope } from "../domain/token-scope.ts";
import { type Debt, type Role, roles } from "../domain/user.ts";
import type { Auth, Requester } from "./auth.ts";
import type { Context, RequestState } from "./context.ts";
import type { SignedIn } from "./sessions.ts";

/** `public`: anybody. Else the roles that may; nobody without a session. */
export type Access = "public" | readonly Role[];

export type Route = {
  readonly method: "get" | "post" | "delete";
  readonly path: string;
  /** What a session may still owe and yet use this route: what settles the debt, and leaving. */
  readonly owing?: readonly Debt[];
} & (
  | {
      readonly access: "public";
      readonly nodes?: never;
      readonly scope?: never;
      readonly handle: (context: Context) => void | Promise<void>;
    }
  | {
      readonly access: readonly Role[];
      readonly nodes?: never;
      readonly scope?: never;
      readonly handle: (context: Context, signedIn: SignedIn) => void | Promise<void>;
    }
  | {
      readonly access: readonly Role[];
      /** Nodes may too, by their token. */
      readonly nodes: true;
      readonly scope?: never;
      readonly handle: (context: Context, requester: Requester) => void | Promise<void>;
    }
  | {
      readonly access: readonly Role[];
      readonly nodes?: never;
      /** Programs may too, by a token of this scope. */
      readonly scope: TokenScope;
      readonly handle: (context: Context, requester: Requester) => void | Promise<void>;
    }
);

export const everyRole: readonly Role[] = roles;

/** The table as a router: each route checks who asks before it does anything. A route that does not say who may fails the start. */
export function routerOf(routes: readonly Route[], auth: Auth): Router<RequestState> {
  const router = new Router<RequestState>({ strict: true, sensitive: true });
  for (const route of routes) {
    const { access } = route as { access?: unknown };
    const isDeclared = access === "public" || (Array.isArray(access) && access.length > 0 && access.every((role) => roles.includes(role)));
    if (!isDeclared) throw new Error(`${route.method.toUpperCase()} ${route.path} does not say which roles may use it`);
    router[route.method](route.path, async (context) => {
      if (route.access === "public") return route.handle(context);
      if (route.nodes || route.scope) {
        const requester = await auth.requester(context, route);
        if (!requester || requester.kind === "user") requireAccess(route, requester);
        return route.handle(context, requester!);
      }
      const signedIn = auth.sessions.of(context);
      requireAccess(route, signedIn);
      return route.handle(context, signedIn);
    });
  }
  return router;
}

const settling: Readonly<Record<Debt, string>> = {
  "second-factor": "enter the code of your authenticator app first",
  password: "choose a password of your own first",
  "second-factor-setup": "set up a second factor first; your role needs one here",
};

function requireAccess({ access, owing = [] }: Route, signedIn: SignedIn | undefined): asserts signedIn is SignedIn {
  if (!signedIn) throw new RefusedError("signed-out", "nobody is signed in, or the session has ended; sign in");
  const { owes, user } = signedIn;
  if (owes && !owing.includes(owes)) throw new RefusedError(`owes-${owes}`, settling[owes]);
  if (access !== "public" && !access.includes(user.role))
    throw new RefusedError("role", `needs the role ${access.join(" or ")}, you are ${user.role}`);
}

/** A row id out of an address. */
export function idIn(context: Context, name: string): number {
  const text: unknown = context.params[name];
  if (typeof text !== "string" || !/^[1-9]\d{0,14}$/.test(text)) throw notFound(name);
  return Number(text);
}

export function notFound(what: string): RefusedError {
  return new RefusedError("not-found", `there is no such ${what} here`);
}
