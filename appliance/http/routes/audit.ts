import { Readable } from "node:stream";
import { type AuditPage, type AuditQuery, type AuditState, auditQuery } from "../../api/audit.ts";
import type { Role } from "../../domain/user.ts";
import { knownActions } from "../../pipeline/audit-events.ts";
import { type AuditFilter, addAudit, listKeptAudit } from "../../store/audit.ts";
import type { Context } from "../context.ts";
import type { HttpDependencies } from "../dependencies.ts";
import type { Route } from "../route.ts";
import type { SignedIn } from "../sessions.ts";

const maySee: readonly Role[] = ["engineer", "admin"];
const pageSize = 100;
const exportedAtOnce = 500;

/** The audit trail: who did what when. Looking into it is in it too. */
export function auditRoutes({ database, clock, auditCheck, auditServer }: HttpDependencies): Route[] {
  function audit({ user }: SignedIn, action: string, filter: AuditFilter): void {
    addAudit(database, { at: clock.now(), actor: `user:${user.name}`, action, object: "audit", detail: { ...filter } });
  }

  async function* lines(filter: AuditFilter, first: number): AsyncGenerator<string, void, undefined> {
    for (let before = first; ; ) {
      const page = listKeptAudit(database, filter, exportedAtOnce, before);
      yield page.map((entry) => `${JSON.stringify(entry)}\n`).join("");
      if (page.length < exportedAtOnce) return;
      before = page.at(-1)!.id;
    }
  }

  return [
    {
      method: "get",
      path: "/api/audit",
      access: maySee,
      handle: (context, signedIn) => {
        const { before, ...filter } = queryOf(context);
        if (before === undefined) audit(signedIn, "audit-viewed", filter); // the pages behind the first are the same look
        const entries = listKeptAudit(database, filter, pageSize, before);
        context.body = { entries, older: entries.length < pageSize ? null : entries.at(-1)!.id } satisfies AuditPage;
      },
    },
    {
      method: "get",
      path: "/api/audit/export",
      access: maySee,
      handle: (context, signedIn) => {
        const { before, ...filter } = queryOf(context);
        audit(signedIn, "audit-exported", filter);
        context.set("Content-Disposition", 'attachment; filename="segbox-audit.jsonl"');
        context.type = "application/jsonl";
        context.body = Readable.from(lines(filter, before ?? Number.MAX_SAFE_INTEGER));
      },
    },
    {
      method: "get",
      path: "/api/audit/state",
      access: maySee,
      handle: (context) => {
        const { checked, isRunning } = auditCheck;
        context.body = { isChecking: isRunning, checked, syslog: auditServer(), actions: knownActions } satisfies AuditState;
      },
    },
    {
      method: "post",
      path: "/api/audit/verify",
      access: maySee,
      handle: async (context, signedIn) => {
        audit(signedIn, "audit-verified", {});
        await auditCheck.verify();
        context.status = 204;
      },
    },
  ];
}

/** Refused with the parameter that is wrong; one that is empty is one that is not there, as a form leaves it. */
function queryOf(context: Context): AuditQuery {
  return auditQuery.parse(Object.fromEntries(Object.entries(context.query).filter(([, value]) => value !== "")));
}
