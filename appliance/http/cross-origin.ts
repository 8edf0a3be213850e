import type { Middleware } from "koa";

const root = "/dicom-web/";
const methods = "GET, POST";
const requestHeaders = "Accept, Authorization, Content-Type";
/** What a viewer's script may read beside what every script may. */
const answerHeaders = "Content-Location, Retry-After, Warning, X-Request-Id";
const rememberSeconds = 600;

/**
 * Lets pages of certain other origins use DICOMweb (CORS, Fetch standard 3.3). Credentials of the browser are not allowed, so a session's cookie opens
 * nothing to them: a viewer there shows a node's token. Who asks is checked by the routes as ever; a preflight is answered here, and tells no more than
 * that the origin is one of them.
 *
 * @param origins as browsers write them, `https://viewer.hospital.example`; a request of any other gets no header of this kind
 */
export function shareWithOrigins(origins: readonly string[]): Middleware {
  return (context, next) => {
    if (!context.path.startsWith(root)) return next();
    context.vary("Origin");
    const origin = context.get("Origin");
    if (!origins.includes(origin)) return next();
    context.set({ "Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": answerHeaders });
    if (context.method !== "OPTIONS" || context.get("Access-Control-Request-Method") === "") return next();
    context.set({
      "Access-Control-Allow-Methods": methods,
      "Access-Control-Allow-Headers": requestHeaders,
      "Access-Control-Max-Age": String(rememberSeconds),
    });
    context.status = 204;
    return undefined;
  };
}

/** Whether a request is one that a page of these origins may make: to DICOMweb, with a token, by which alone it is judged. */
export function isShared(origins: readonly string[], context: { readonly path: string; get(header: string): string }): boolean {
  return context.path.startsWith(root) && origins.includes(context.get("Origin")) && context.get("Authorization") !== "";
}
