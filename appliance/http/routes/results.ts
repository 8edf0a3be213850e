import { reviewRequest } from "../../api/review.ts";
import type { ResultId } from "../../domain/ids.ts";
import type { Result } from "../../domain/result.ts";
import { readProvenance } from "../../pipeline/provenance.ts";
import { addAudit } from "../../store/audit.ts";
import { getResult } from "../../store/results.ts";
import { readBody } from "../body.ts";
import type { Context } from "../context.ts";
import type { HttpDependencies } from "../dependencies.ts";
import { openDownload, provenanceFile, readSlice } from "../result-files.ts";
import { everyRole, idIn, notFound, type Route } from "../route.ts";
import type { SignedIn } from "../sessions.ts";

const mostViewsRemembered = 10_000;

export function resultRoutes({ database, clock, resultFolder, retry, review }: HttpDependencies): Route[] {
  /** Which session has looked at which result's images: one line in the audit trail, not one per slice. */
  const viewed = new Set<string>();

  function audit({ user }: SignedIn, action: string, id: ResultId, detail = {}): void {
    addAudit(database, { at: clock.now(), actor: `user:${user.name}`, action, object: `result:${id}`, detail });
  }

  /** The result that the address names, once its label map is there. */
  function segmentedIn(context: Context): Result {
    const result = getResult(database, idIn(context, "id"));
    if (!result?.structures) throw notFound("result");
    return result;
  }

  return [
    {
      method: "get",
      path: "/api/results/:id/slices/:k",
      access: everyRole,
      handle: async (context, signedIn) => {
        const { id } = segmentedIn(context);
        const k = String(context.params.k);
        if (!/^(0|[1-9]\d{0,4})$/.test(k)) throw notFound("slice");
        const view = `${signedIn.tokenDigest} ${id}`;
        if (!viewed.has(view)) {
          audit(signedIn, "images-viewed", id);
          if (viewed.size >= mostViewsRemembered) viewed.clear();
          viewed.add(view);
        }
        context.type = "application/octet-stream";
        context.body = await readSlice(resultFolder(id), Number(k));
      },
    },
    {
      method: "get",
      path: "/api/results/:id/files/:name",
      access: everyRole,
      handle: async (context, signedIn) => {
        const { id } = segmentedIn(context);
        const name = String(context.params.name);
        if (name === provenanceFile) {
          audit(signedIn, "file-downloaded", id, { name });
          context.set("Content-Disposition", `attachment; filename="segbox-result-${id}-${name}"`);
          context.body = readProvenance(database, id);
          return;
        }
        const download = await openDownload(resultFolder(id), name);
        if (!download) throw notFound("file");
        audit(signedIn, "file-downloaded", id, { name });
        context.type = contentType(name);
        context.set("Content-Disposition", `attachment; filename="segbox-result-${id}-${name}"`);
        context.length = download.sizeBytes;
        context.body = download.file.createReadStream(); // closes the file when it ends or the reader goes away
      },
    },
    {
      method: "post",
      path: "/api/results/:id/retry",
      access: ["engineer", "admin"],
      handle: (context, signedIn) => {
        const id = idIn(context, "id");
        if (!getResult(database, id)) throw notFound("result");
        database.transaction(() => {
          audit(signedIn, "result-retried", id);
          retry(id);
        });
        context.status = 204;
      },
    },
    {
      method: "post",
      path: "/api/results/:id/review",
      access: ["reviewer", "admin"],
      handle: async (context, signedIn) => {
        const id = idIn(context, "id");
        if (!getResult(database, id)) throw notFound("result");
        const request = await readBody(context, reviewRequest);
        const reason = request.verdict === "rejected" ? request.reason : "";
        database.transaction(() => {
          audit(signedIn, `result-${request.verdict}`, id);
          review(id, { verdict: request.verdict, by: signedIn.user.name, at: clock.now(), reason });
        });
        context.status = 204;
      },
    },
  ];
}

function contentType(name: string): string {
  if (name.endsWith(".dcm")) return "application/dicom";
  if (name.endsWith(".obj")) return "model/obj";
  if (name.endsWith(".mtl")) return "model/mtl";
  if (name.endsWith(".zip")) return "application/zip";
  return name.endsWith(".json") ? "application/json" : "application/gzip";
}
