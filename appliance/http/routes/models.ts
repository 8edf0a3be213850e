import { readSoftwareVersion } from "../../host/software-version.ts";
import { listModelLines, readModelCard } from "../../pipeline/model-card.ts";
import type { HttpDependencies } from "../dependencies.ts";
import { everyRole, type Route } from "../route.ts";

/** The installed models, and what is known of each. */
export function modelRoutes({ models, clock }: HttpDependencies): Route[] {
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
    {
      method: "get",
      path: "/api/models/:name/card.pdf",
      access: everyRole,
      handle: async (context) => {
        const card = await readModelCard(models, String(context.params.name));
        const { writeModelCardPdf } = await import("../../pipeline/model-card-pdf.ts"); // fonts and PDF are needed for nothing else here
        const pdf = await writeModelCardPdf(card, { softwareVersion: readSoftwareVersion(), createdAt: clock.now() });
        context.type = "application/pdf";
        context.set("Content-Disposition", `attachment; filename="segbox-model-${card.name}.pdf"`);
        context.body = Buffer.from(pdf);
      },
    },
  ];
}
