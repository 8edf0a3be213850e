import { addAudit } from "../../store/audit.ts";
import type { HttpDependencies } from "../dependencies.ts";
import type { LiveStreams } from "../live.ts";
import { everyRole, type Route } from "../route.ts";

export function eventRoutes({ database, clock }: HttpDependencies, streams: LiveStreams): Route[] {
  return [
    {
      method: "get",
      path: "/api/events",
      access: everyRole,
      handle: (context, { user, tokenDigest }) => {
        addAudit(database, { at: clock.now(), actor: `user:${user.name}`, action: "worklist-followed", object: "series", detail: {} });
        streams.open(context, tokenDigest);
      },
    },
  ];
}
