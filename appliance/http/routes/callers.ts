import type { RefusedCaller } from "../../api/callers.ts";
import type { Role } from "../../domain/user.ts";
import { addCaller, canBeAdded } from "../../pipeline/add-caller.ts";
import { addAudit } from "../../store/audit.ts";
import { listRefusedCallers } from "../../store/refused-callers.ts";
import type { HttpDependencies } from "../dependencies.ts";
import { everyRole, idIn, type Route } from "../route.ts";

const mayChange: readonly Role[] = ["engineer", "admin"];

/** Who was turned away at the DICOM port. */
export function callerRoutes({ database, clock }: HttpDependencies): Route[] {
  return [
    {
      method: "get",
      path: "/api/callers",
      access: everyRole,
      handle: (context) => {
        context.body = listRefusedCallers(database).map((caller): RefusedCaller => ({ ...caller, canBeAdded: canBeAdded(caller) }));
      },
    },
    {
      method: "post",
      path: "/api/callers/:id/add",
      access: mayChange,
      handle: (context, { user }) => {
        const id = idIn(context, "id");
        database.transaction(() => {
          const { name, aeTitle, host, port } = addCaller(database, id);
          const detail = { aeTitle, host, port };
          addAudit(database, { at: clock.now(), actor: `user:${user.name}`, action: "node-added", object: `node:${name}`, detail });
        });
        context.status = 204;
      },
    },
  ];
}
