import { addAudit } from "../../store/audit.ts";
import { actorOf } from "../auth.ts";
import type { HttpDependencies } from "../dependencies.ts";
import { everyRole, idIn, notFound, type Route } from "../route.ts";
import { readSeriesDetail, readSeriesSummaries } from "../series-views.ts";

const pageSize = 500;

export function seriesRoutes(dependencies: HttpDependencies): Route[] {
  const { database, clock, progressOf } = dependencies;
  return [
    {
      method: "get",
      path: "/api/series",
      access: everyRole,
      scope: "worklist",
      handle: (context, requester) => {
        const { before } = context.query;
        if (before !== undefined && (typeof before !== "string" || !/^[1-9]\d{0,14}$/.test(before))) throw notFound("page");
        const detail = before === undefined ? {} : { before: Number(before) };
        addAudit(database, { at: clock.now(), actor: actorOf(requester), action: "worklist-viewed", object: "series", detail });
        context.body = readSeriesSummaries(database, progressOf, { ...detail, limit: pageSize });
      },
    },
    {
      method: "get",
      path: "/api/series/:id",
      access: everyRole,
      scope: "worklist",
      handle: async (context, requester) => {
        const id = idIn(context, "id");
        const detail = await readSeriesDetail(dependencies, id);
        if (!detail) throw notFound("series");
        addAudit(database, { at: clock.now(), actor: actorOf(requester), action: "series-viewed", object: `series:${id}`, detail: {} });
        context.body = detail;
      },
    },
  ];
}
