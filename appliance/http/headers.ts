import { randomUUID } from "node:crypto";
import type { Middleware } from "koa";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { RequestState } from "./context.ts";

const contentSecurityPolicy = [
  "default-src 'self'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  // markup is made by Lit's templates alone: a string from elsewhere can't become markup, whatever a page does with it
  "require-trusted-types-for 'script'",
  "trusted-types lit-html",
].join("; ");

/**
 * Security headers on every answer. OWASP Secure Headers Project.
 *
 * @param staysOnTls browsers shall use TLS only from now on (RFC 6797), and let nobody click past a certificate: for one that they believe
 */
export function setSecurityHeaders({ staysOnTls }: { readonly staysOnTls: boolean }): Middleware {
  return (context, next) => {
    if (staysOnTls) context.set("Strict-Transport-Security", "max-age=31536000");
    context.set({
      "Content-Security-Policy": contentSecurityPolicy,
      "X-Content-Type-Options": "nosniff",
      "X-Frame-Options": "DENY",
      "Referrer-Policy": "no-referrer",
      "Cross-Origin-Opener-Policy": "same-origin",
      "Cross-Origin-Resource-Policy": "same-origin",
      "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
      "Cache-Control": "no-store",
    });
    return next();
  };
}

/** Gives each request an id, in the answer and on one log line. The line has the route's pattern, not the address that was asked for. */
export function logRequests(log: Log, clock: Clock): Middleware<RequestState> {
  return async (context, next) => {
    const startedMs = clock.monotonicMs();
    const requestId = randomUUID();
    context.state.requestId = requestId;
    context.set("X-Request-Id", requestId);
    await next();
    const { status, method } = context;
    const route = (context as { _matchedRoute?: unknown })._matchedRoute;
    const level = status >= 400 && status !== 401 ? "warn" : method === "GET" || method === "HEAD" ? "debug" : "info";
    log[level]("http-request", {
      requestId,
      method,
      route: typeof route === "string" ? route : "none",
      status,
      ms: Math.round(clock.monotonicMs() - startedMs),
    });
  };
}
