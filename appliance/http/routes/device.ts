import { UnavailableError } from "../../base/errors.ts";
import { countUsers } from "../../store/users.ts";
import type { HttpDependencies } from "../dependencies.ts";
import { everyRole, type Route } from "../route.ts";

export function deviceRoutes({ database, device, receiving }: HttpDependencies): Route[] {
  return [
    {
      method: "get",
      path: "/api/device",
      access: everyRole,
      scope: "status",
      handle: async (context) => {
        context.body = await device();
      },
    },
    {
      method: "get",
      path: "/healthz",
      access: "public",
      handle: async (context) => {
        try {
          countUsers(database);
        } catch (error) {
          throw new UnavailableError("unhealthy", "the service does not work just now", { cause: error });
        }
        context.body = { status: "ok", receiving: await receiving() };
      },
    },
  ];
}
