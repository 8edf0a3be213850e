import { RefusedError } from "../../base/errors.ts";
import type { DeliveryState } from "../../domain/result.ts";
import type { Role } from "../../domain/user.ts";
import { addAudit } from "../../store/audit.ts";
import { getDelivery } from "../../store/deliveries.ts";
import { findNode } from "../../store/settings.ts";
import { readNodes, readOpenDeliveries } from "../delivery-views.ts";
import type { HttpDependencies } from "../dependencies.ts";
import { everyRole, idIn, notFound, type Route } from "../route.ts";
import type { SignedIn } from "../sessions.ts";

const mostShown = 500;
/** What has not arrived; what has is shown with its series. */
const openStates: readonly DeliveryState[] = ["held", "waiting", "failed"];
const mayChange: readonly Role[] = ["engineer", "admin"];

export function deliveryRoutes({ database, clock, retryDelivery, pauseNode }: HttpDependencies): Route[] {
  function audit({ user }: SignedIn, action: string, object: string, detail = {}): void {
    addAudit(database, { at: clock.now(), actor: `user:${user.name}`, action, object, detail });
  }

  const pauseRoute = (verb: "pause" | "resume"): Route => ({
    method: "post",
    path: `/api/nodes/:name/${verb}`,
    access: mayChange,
    handle: (context, signedIn) => {
      const name = String(context.params.name);
      if (!findNode(database, name)) throw notFound("node");
      database.transaction(() => {
        audit(signedIn, verb === "pause" ? "node-paused" : "node-resumed", `node:${name}`);
        pauseNode(name, verb === "pause");
      });
      context.status = 204;
    },
  });

  return [
    {
      method: "get",
      path: "/api/deliveries",
      access: everyRole,
      handle: (context, signedIn) => {
        const { state } = context.query;
        const states = openStates.filter((each) => state === undefined || each === state);
        if (states.length === 0) throw new RefusedError("body-malformed", `state: expected ${openStates.join(", ")}`);
        audit(signedIn, "deliveries-viewed", "delivery", { states });
        context.body = readOpenDeliveries(database, states, mostShown);
      },
    },
    {
      method: "post",
      path: "/api/deliveries/:id/retry",
      access: mayChange,
      handle: (context, signedIn) => {
        const id = idIn(context, "id");
        if (!getDelivery(database, id)) throw notFound("delivery");
        database.transaction(() => {
          audit(signedIn, "delivery-retried", `delivery:${id}`);
          retryDelivery(id);
        });
        context.status = 204;
      },
    },
    {
      method: "get",
      path: "/api/nodes",
      access: everyRole,
      handle: (context) => {
        context.body = readNodes(database);
      },
    },
    pauseRoute("pause"),
    pauseRoute("resume"),
  ];
}
