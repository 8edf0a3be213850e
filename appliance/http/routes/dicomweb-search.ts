import { dicomJsonText } from "../../dicomweb/dicom-json.ts";
import { chooseDataSetForm, dicomJsonType, dicomXmlType } from "../../dicomweb/media-types.ts";
import { toNativeXml } from "../../dicomweb/native-xml.ts";
import { parseQuery, type QueryLevel } from "../../dicomweb/query.ts";
import { search } from "../../pipeline/web-search.ts";
import { addAudit } from "../../store/audit.ts";
import { actorOf, type Requester } from "../auth.ts";
import type { Context } from "../context.ts";
import type { HttpDependencies } from "../dependencies.ts";
import { asParts } from "../dicomweb-parts.ts";
import { acceptOf, baseUrlOf, viewerOf, withinOf } from "../dicomweb-request.ts";
import { everyRole, type Route } from "../route.ts";

/** QIDO-RS, PS3.18 10.6: studies, series and instances as DICOM JSON or XML. */
export function dicomWebSearchRoutes({ database, clock, resultFolder, dicomWeb }: HttpDependencies): Route[] {
  const options = { database, resultFolder, objects: dicomWeb.objects };
  const route = (path: string, level: QueryLevel): Route => ({
    method: "get",
    path: `/dicom-web${path}`,
    access: everyRole,
    nodes: true,
    handle: async (context: Context, requester: Requester) => {
      const form = chooseDataSetForm(acceptOf(context), "parts");
      const query = parseQuery(new URLSearchParams(context.querystring), level);
      const within = withinOf(context);
      addAudit(database, { at: clock.now(), actor: actorOf(requester), action: "dicomweb-searched", object: level, detail: {} });
      const { matches, warnings } = await search(
        { level, query, within, viewer: viewerOf(requester), baseUrl: baseUrlOf(context) },
        options,
      );
      if (warnings.length > 0)
        context.set("Warning", warnings.map((warning) => `299 segbox "${warning.replace(/[^\w .,-]/g, "?")}"`).join(", "));
      if (form === "json") {
        context.body = `[${matches.map(dicomJsonText).join(",")}]`;
        context.set("Content-Type", dicomJsonType);
      } else if (matches.length === 0) {
        context.status = 204; // a multipart message has a part at least
      } else {
        const headers = { "Content-Type": dicomXmlType };
        asParts(
          context,
          dicomXmlType,
          matches.map((match) => ({ headers, body: [Buffer.from(toNativeXml(match))] })),
        );
      }
    },
  });
  return [
    route("/studies", "study"),
    route("/series", "series"),
    route("/instances", "instance"),
    route("/studies/:study/series", "series"),
    route("/studies/:study/instances", "instance"),
    route("/studies/:study/series/:series/instances", "instance"),
  ];
}
