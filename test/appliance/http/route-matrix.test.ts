import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import type { ErrorBody } from "../../../appliance/api/error.ts";
import { type Debt, type Role, roles } from "../../../appliance/domain/user.ts";
import type { Route } from "../../../appliance/http/route.ts";
import { issueApiToken, listApiTokens, revokeApiToken } from "../../../appliance/store/api-tokens.ts";
import { issueNodeToken } from "../../../appliance/store/node-tokens.ts";
import { confirmSecondFactor, proposeSecondFactor } from "../../../appliance/store/second-factors.ts";
import { addSession, removeSession } from "../../../appliance/store/sessions.ts";
import { addNode } from "../../../appliance/store/settings.ts";
import { writeSignInSettings } from "../../../appliance/store/sign-in-settings.ts";
import { addUser } from "../../../appliance/store/users.ts";
import { type Box, startBox } from "./box.ts";

let box: Box;
before(async () => {
  box = await startBox();
});
after(() => box.close());

type Session = { readonly cookie: string; readonly digest: string };

/** A session as signing in leaves it, without the time that a password takes. */
function open(userId: number, gaveSecondFactor = false, at = box.now()): Session {
  const token = randomBytes(32).toString("base64url");
  const digest = createHash("sha256").update(token).digest("hex");
  addSession(box.database, { tokenDigest: digest, userId, address: "127.0.0.1", gaveSecondFactor, createdAt: at, lastSeenAt: at });
  return { cookie: `segbox-session=${token}`, digest };
}

type Headers = Readonly<Record<string, string>>;
/** Who asks; a new session for each request, since some routes end it. */
type Caller = { readonly name: string; readonly headers: () => Headers; readonly expected: (route: Route) => string };

const bearer = (token: string) => (): Headers => ({ authorization: `Bearer ${token}` });
const asRole = (route: Route, role: Role): string => (route.access === "public" || route.access.includes(role) ? "may" : "403 role");
const shutOut = (route: Route): string => (route.access === "public" ? "may" : "401 signed-out");
/** A token counts where the route says so; elsewhere it is nothing, and nobody is signed in. */
const takesTokens = (route: Route): boolean => route.nodes === true || route.scope !== undefined;
const badToken = (route: Route): string => (route.access !== "public" && takesTokens(route) ? "401 token-invalid" : shutOut(route));
const otherToken = (route: Route): string => (route.access !== "public" && takesTokens(route) ? "403 scope" : shutOut(route));

function owing(name: string, debt: Debt, userId: number): Caller {
  return {
    name: `admin who owes ${name}`,
    headers: () => ({ cookie: open(userId).cookie }),
    expected: (route) => (route.access === "public" || route.owing?.includes(debt) ? asRole(route, "admin") : `403 owes-${debt}`),
  };
}

function makeCallers(): Caller[] {
  const { database } = box;
  const at = box.now();
  const add = (name: string, role: Role, rest = {}) => addUser(database, { name, role, passwordHash: "-", createdAt: at, ...rest });
  const withFactor = (userId: number): number => {
    proposeSecondFactor(database, userId, "-");
    confirmSecondFactor(database, userId, at);
    return userId;
  };
  writeSignInSettings(database, { idleMinutes: 60, absoluteHours: 12, secondFactorFor: ["admin"] });
  const ids = Object.fromEntries(roles.map((role) => [role, withFactor(add(`a-${role}`, role))])) as Record<Role, number>;
  const removed = add("removed", "admin");
  const byRole = roles.map((role) => ({
    name: role,
    headers: () => ({ cookie: open(ids[role], true).cookie }),
    expected: (route: Route) => asRole(route, role),
  }));

  addNode(database, { name: "PACS", aeTitle: "ORTHANC", host: "127.0.0.1", port: 11113 });
  const by = { actor: "user:a-admin", at };
  const day = 86_400_000;
  const issue = (name: string, scope: "status" | "worklist", expiresAt = at + day) =>
    issueApiToken(database, by, { name, scope, expiresAt });
  const revoked = issue("revoked", "status");
  revokeApiToken(database, by, listApiTokens(database).find(({ name }) => name === "revoked")!.id);
  const earlierNodeToken = issueNodeToken(database, "PACS", at);
  const nodeToken = issueNodeToken(database, "PACS", at);

  return [
    { name: "nobody", headers: () => ({}), expected: shutOut },
    { name: "made-up cookie", headers: () => ({ cookie: `segbox-session=${"x".repeat(43)}` }), expected: shutOut },
    { name: "idle too long", headers: () => ({ cookie: open(ids.admin, true, at - 61 * 60_000).cookie }), expected: shutOut },
    {
      name: "signed out",
      headers: () => {
        const { cookie, digest } = open(ids.admin, true);
        removeSession(database, digest);
        return { cookie };
      },
      expected: shutOut,
    },
    {
      name: "removed user",
      headers: () => {
        const { cookie } = open(removed);
        database.run("delete from session where user_id = ?", removed);
        return { cookie };
      },
      expected: shutOut,
    },
    ...byRole,
    owing("a code", "second-factor", ids.admin),
    owing("a password", "password", add("initial", "admin", { initialUntil: at + day })),
    owing("a second factor", "second-factor-setup", add("without", "admin")),
    { name: "node's token", headers: bearer(nodeToken), expected: (route) => (route.nodes ? "may" : otherToken(route)) },
    { name: "node's earlier token", headers: bearer(earlierNodeToken), expected: badToken },
    ...(["status", "worklist"] as const).map((scope) => ({
      name: `token for ${scope}`,
      headers: bearer(issue(scope, scope)),
      expected: (route: Route) => (route.scope === scope ? "may" : otherToken(route)),
    })),
    { name: "token that has run out", headers: bearer(issue("old", "status", at)), expected: badToken },
    { name: "revoked token", headers: bearer(revoked), expected: badToken },
    { name: "made-up token", headers: bearer(`segbox_${"x".repeat(43)}`), expected: badToken },
    {
      name: "admin's cookie beside a token that has run out",
      headers: () => ({ ...bearer(revoked)(), cookie: open(ids.admin, true).cookie }),
      expected: (route) => (route.access !== "public" && takesTokens(route) ? "401 token-invalid" : asRole(route, "admin")),
    },
  ];
}

/** `may`, or the refusal's status and code; ids in the address name nothing that is there. */
async function outcomeOf({ method, path }: Route, headers: Headers): Promise<string> {
  const answer = await fetch(`${box.origin}${path.replace(/:\w+/g, "999")}`, {
    method: method.toUpperCase(),
    headers: { Origin: box.origin, "Content-Type": "application/json", ...headers },
    ...(method === "post" ? { body: "{}" } : {}),
  });
  if (answer.status !== 401 && answer.status !== 403) {
    await answer.body?.cancel();
    return "may";
  }
  return `${answer.status} ${((await answer.json()) as ErrorBody).error.code}`;
}

test("each route answers each caller as its declaration says", async () => {
  const callers = makeCallers();
  const found: unknown[] = [];
  const expected: unknown[] = [];
  for (const route of box.http.routes)
    for (const caller of callers) {
      const asked = `${route.method} ${route.path}, ${caller.name}`;
      found.push([asked, await outcomeOf(route, caller.headers())]);
      expected.push([asked, caller.expected(route)]);
    }
  assert.ok(box.http.routes.length >= 40 && callers.length >= 18);
  assert.deepEqual(found, expected);
});

const named = (of: (route: Route) => boolean): string[] => box.http.routes.filter(of).map(({ method, path }) => `${method} ${path}`);

test("only signing in and the health check are public", () => {
  assert.deepEqual(
    named(({ access }) => access === "public"),
    [
      "post /api/session",
      "get /api/session/provider/offer",
      "get /api/session/provider",
      "get /api/session/provider/return",
      "get /healthz",
    ],
  );
});

test("a session that owes something may settle it, ask who it is, and leave", () => {
  const both = ["get /api/session", "delete /api/session"];
  const open = (debt: Debt) => named(({ owing }) => owing?.includes(debt) ?? false).toSorted();
  assert.deepEqual(open("second-factor"), [...both, "post /api/session/second-factor"].toSorted());
  assert.deepEqual(open("password"), [...both, "post /api/account/password"].toSorted());
  assert.deepEqual(
    open("second-factor-setup"),
    [...both, "get /api/account", "post /api/account/second-factor", "post /api/account/second-factor/confirm"].toSorted(),
  );
});

test("tokens of programs read, and change nothing", () => {
  assert.deepEqual(
    named(({ scope }) => scope === "status"),
    ["get /api/device"],
  );
  assert.deepEqual(
    named(({ scope }) => scope === "worklist"),
    ["get /api/series", "get /api/series/:id"],
  );
  assert.deepEqual(
    named(({ scope, method }) => scope !== undefined && method !== "get"),
    [],
  );
});

test("users, tokens and how people sign in are an administrator's matter", () => {
  for (const { path, access } of box.http.routes)
    if (/^\/api\/(users|tokens|sign-in-settings)/.test(path)) assert.deepEqual(access, ["admin"], path);
});
