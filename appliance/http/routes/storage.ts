import { Readable } from "node:stream";
import { eraseRequest, purgeRequest } from "../../api/storage.ts";
import { RefusedError } from "../../base/errors.ts";
import { parseUid, type Uid } from "../../domain/ids.ts";
import type { Role } from "../../domain/user.ts";
import { addAudit } from "../../store/audit.ts";
import { readBody } from "../body.ts";
import type { Context } from "../context.ts";
import type { HttpDependencies } from "../dependencies.ts";
import { idIn, type Route } from "../route.ts";
import type { SignedIn } from "../sessions.ts";

const admin: readonly Role[] = ["admin"];
const engineers: readonly Role[] = ["engineer", "admin"];

/** What is kept for how long, and what a person may order: deletion, a copy of a study, its erasure. */
export function storageRoutes({ database, clock, storage }: HttpDependencies): Route[] {
  const actorOf = ({ user }: SignedIn): string => `user:${user.name}`;

  return [
    {
      method: "get",
      path: "/api/storage",
      access: engineers,
      handle: async (context) => {
        context.body = await storage.state();
      },
    },
    {
      method: "post",
      path: "/api/storage/run",
      access: admin,
      handle: async (context, signedIn) => {
        const actor = actorOf(signedIn);
        addAudit(database, { at: clock.now(), actor, action: "retention-run", object: "series", detail: {} });
        context.body = await storage.run({ actor, isOrdered: false });
      },
    },
    {
      method: "post",
      path: "/api/storage/purge",
      access: admin,
      handle: async (context, signedIn) => {
        await readBody(context, purgeRequest);
        context.body = await storage.run({ actor: actorOf(signedIn), isOrdered: true });
      },
    },
    {
      method: "post",
      path: "/api/series/:id/settle",
      access: engineers,
      handle: (context, signedIn) => {
        storage.settle(idIn(context, "id"), { actor: actorOf(signedIn), at: clock.now() });
        context.status = 204;
      },
    },
    {
      method: "get",
      path: "/api/studies/:study/export",
      access: admin,
      handle: async (context, signedIn) => {
        const study = studyIn(context);
        const pieces = storage.exportStudy(study, actorOf(signedIn))[Symbol.asyncIterator]();
        const first = await pieces.next(); // a study that is not here is refused before anything is answered
        context.type = "application/x-tar";
        context.set("Content-Disposition", 'attachment; filename="segbox-study.tar"'); // no UID in a folder of downloads
        context.body = Readable.from(followedBy(first, pieces), { objectMode: false });
      },
    },
    {
      method: "post",
      path: "/api/studies/:study/erase",
      access: admin,
      handle: async (context, signedIn) => {
        const study = studyIn(context);
        const { confirmation, force = false } = await readBody(context, eraseRequest);
        if (confirmation.trim() !== study) throw new RefusedError("not-confirmed", "expected the UID of the study again, as confirmation");
        context.body = await storage.eraseStudy(study, { actor: actorOf(signedIn), force });
      },
    },
  ];
}

function studyIn(context: Context): Uid {
  return parseUid(String(context.params.study));
}

async function* followedBy(
  first: IteratorResult<Uint8Array>,
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for (let next = first; !next.done; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}
