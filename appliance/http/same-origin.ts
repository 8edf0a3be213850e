import type { Middleware } from "koa";
import { RefusedError } from "../base/errors.ts";
import { isShared } from "./cross-origin.ts";

/**
 * Refuses what another site's page asks of us, beside the cookie's SameSite. Browsers send `Origin` with each request that changes state,
 * and `Sec-Fetch-Site` too where the page came over TLS or loopback; both must say that our own page asks. A request with neither comes
 * from no browser and carries no cookie that it was not given.
 *
 * @param origins whose pages may use DICOMweb, by a token
 */
export function refuseOtherOrigins(origins: readonly string[] = []): Middleware {
  return (context, next) => {
    const isSafe = ["GET", "HEAD", "OPTIONS"].includes(context.method);
    const site = context.get("Sec-Fetch-Site");
    const origin = context.get("Origin");
    const isOther = (site !== "" && site !== "same-origin") || (origin !== "" && hostOf(origin) !== context.get("Host").toLowerCase());
    if (!isSafe && isOther && !isShared(origins, context))
      throw new RefusedError("other-origin", "asked by a page of another site; open the page of this box and try there");
    return next();
  };
}

function hostOf(origin: string): string | undefined {
  return URL.parse(origin)?.host;
}
