import { type NodeMatches, type NodeTestResult, nodeQuery, type PullSummary, pullRequest } from "../../api/nodes.ts";
import { RefusedError, UnavailableError } from "../../base/errors.ts";
import type { Role } from "../../domain/user.ts";
import { addAudit } from "../../store/audit.ts";
import { listPulls } from "../../store/pulls.ts";
import { findNode } from "../../store/settings.ts";
import { readBody } from "../body.ts";
import type { Context } from "../context.ts";
import type { HttpDependencies } from "../dependencies.ts";
import { everyRole, notFound, type Route } from "../route.ts";
import type { SignedIn } from "../sessions.ts";

const mayAsk: readonly Role[] = ["engineer", "admin"];
const mostShown = 100;

/** What other nodes are asked for: whether they are there, what they have, to send it. */
export function nodeRoutes({ database, clock, testNode, findAtNode, pull }: HttpDependencies): Route[] {
  function nameIn(context: Context): string {
    const name = String(context.params.name);
    if (!findNode(database, name)) throw notFound("node");
    return name;
  }
  function audit({ user }: SignedIn, action: string, name: string, detail = {}): void {
    addAudit(database, { at: clock.now(), actor: `user:${user.name}`, action, object: `node:${name}`, detail });
  }

  return [
    {
      method: "post",
      path: "/api/nodes/:name/test",
      access: mayAsk,
      handle: async (context, signedIn) => {
        const name = nameIn(context);
        audit(signedIn, "node-tested", name);
        context.body = await answerOf(testNode(name));
      },
    },
    {
      method: "post",
      path: "/api/nodes/:name/find",
      access: mayAsk,
      handle: async (context, signedIn) => {
        const name = nameIn(context);
        const { level, keys } = await readBody(context, nodeQuery);
        audit(signedIn, "node-queried", name, { level, by: Object.keys(keys) });
        const { matches, isCut } = await findAtNode(name, { level, keys: withoutGaps(keys) });
        context.body = { matches, isCut } satisfies NodeMatches;
      },
    },
    {
      method: "post",
      path: "/api/nodes/:name/pull",
      access: mayAsk,
      handle: async (context, signedIn) => {
        const name = nameIn(context);
        const { studyInstanceUid, seriesInstanceUid = null } = await readBody(context, pullRequest);
        context.body = database.transaction(() => {
          const id = pull(name, { studyInstanceUid, seriesInstanceUid }, `user:${signedIn.user.name}`);
          audit(signedIn, "pull-asked", name, { pull: id });
          return { id };
        });
        context.status = 202;
      },
    },
    {
      method: "get",
      path: "/api/pulls",
      access: everyRole,
      handle: (context) => {
        context.body = listPulls(database, mostShown) satisfies readonly PullSummary[];
      },
    },
  ];
}

/** A node that does not answer is what was asked, not a failure of the asking. */
async function answerOf(test: ReturnType<HttpDependencies["testNode"]>): Promise<NodeTestResult> {
  try {
    const { roundTripMs, services } = await test;
    return { answered: true, tookMs: roundTripMs, services };
  } catch (error) {
    if (!(error instanceof RefusedError || error instanceof UnavailableError)) throw error;
    return { answered: false, reason: { code: error.code, message: error.message } };
  }
}

function withoutGaps(keys: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(keys).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
