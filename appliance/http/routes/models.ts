import type { HttpDependencies } from "../dependencies.ts";
import { listModelLines, readModelCard } from "../model-views.ts";
import { everyRole, type Route } from "../route.ts";

/** The installed models, and what is known of each. */
export function modelRoutes({ models }: HttpDependencies): Route[] {
  return [
    {
      method: "get",
      path: "/api/models",
      access: everyRole,
      handle: async (context) => {
        context.body = await listModelLines(models);
      },
    },
    {
      method: "get",
      path: "/api/models/:name",
      access: everyRole,
      handle: async (context) => {
        context.body = await readModelCard(models, String(context.params.name));
      },
    },
  ];
}
