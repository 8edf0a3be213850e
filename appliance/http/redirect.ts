import type { RequestListener } from "node:http";
import { knows } from "./known-host.ts";

/** Answers each request with the same address over TLS, where it is for one of our names or addresses. */
export function redirectTo(port: number, names: () => readonly string[]): RequestListener {
  return (request, response) => {
    const asked = URL.parse(`http://${request.headers.host}`);
    if (!asked || !knows(names(), asked.hostname)) {
      response.writeHead(421).end();
      return;
    }
    const place = `https://${asked.hostname}${port === 443 ? "" : `:${port}`}/`; // the first page only: what a link says goes over no open line
    response.writeHead(308, { location: place, "cache-control": "no-store" }).end();
  };
}
