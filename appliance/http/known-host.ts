import { isIP } from "node:net";
import type { Middleware } from "koa";
import { RefusedError } from "../base/errors.ts";

/**
 * Refuses requests for a host that this box is not: a page of somebody else's whose name was pointed at our address (DNS rebinding) would
 * be the same origin as ours to the browser. An address is no name that could be pointed anywhere.
 *
 * @param names the names that we go by, `*.` as in certificates, in small letters
 */
export function refuseOtherHosts(names: () => readonly string[]): Middleware {
  return (context, next) => {
    const host = URL.parse(`http://${context.get("Host")}`)?.hostname ?? "";
    if (!knows(names(), host))
      throw new RefusedError(
        "unknown-host",
        "this box does not go by that name; add it to `http.names` in the site file, or use its address",
      );
    return next();
  };
}

/** Whether `host`, as URL writes it, is an address or one of the names. */
export function knows(names: readonly string[], host: string): boolean {
  return isIP(host.replace(/^\[|\]$/g, "")) !== 0 || names.some((name) => covers(name, host));
}

function covers(name: string, host: string): boolean {
  return name.startsWith("*.") ? host.slice(host.indexOf(".")) === name.slice(1) : host === name;
}
