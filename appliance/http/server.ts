import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import Koa from "koa";
import type { Log } from "../base/log.ts";
import type { ProviderSettings } from "../config/provider-settings.ts";
import { Auth } from "./auth.ts";
import type { RequestState } from "./context.ts";
import { shareWithOrigins } from "./cross-origin.ts";
import type { HttpDependencies } from "./dependencies.ts";
import { answerErrors } from "./errors.ts";
import { logRequests, setSecurityHeaders } from "./headers.ts";
import { refuseOtherHosts } from "./known-host.ts";
import { LiveStreams } from "./live.ts";
import { Provider } from "./provider.ts";
import { redirectTo } from "./redirect.ts";
import { limitRequests, type RequestLimits, usualLimits } from "./request-limit.ts";
import { type Route, routerOf } from "./route.ts";
import { accountRoutes } from "./routes/account.ts";
import { auditRoutes } from "./routes/audit.ts";
import { callerRoutes } from "./routes/callers.ts";
import { deliveryRoutes } from "./routes/deliveries.ts";
import { deviceRoutes } from "./routes/device.ts";
import { dicomWebRetrieveRoutes } from "./routes/dicomweb-retrieve.ts";
import { dicomWebSearchRoutes } from "./routes/dicomweb-search.ts";
import { dicomWebStoreRoutes } from "./routes/dicomweb-store.ts";
import { eventRoutes } from "./routes/events.ts";
import { modelRoutes } from "./routes/models.ts";
import { nodeRoutes } from "./routes/nodes.ts";
import { providerRoutes } from "./routes/provider.ts";
import { resultRoutes } from "./routes/results.ts";
import { secondFactorRoutes } from "./routes/second-factor.ts";
import { seriesRoutes } from "./routes/series.ts";
import { sessionRoutes } from "./routes/session.ts";
import { storageRoutes } from "./routes/storage.ts";
import { tokenRoutes } from "./routes/tokens.ts";
import { userRoutes } from "./routes/users.ts";
import { refuseOtherOrigins } from "./same-origin.ts";
import { findStaticFiles, serveStatic } from "./static.ts";
import { limitBodyTime } from "./streamed-body.ts";
import type { WebTls } from "./web-tls.ts";

export type HttpOptions = {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Holds index.html and dist/. */
  readonly uiFolder: string;
  /** Without it the server speaks plain HTTP. */
  readonly tls?: WebTls;
  /** Host names that it goes by, beside its addresses and those in its certificate; in small letters. */
  readonly names: readonly string[];
  /** Of other sites whose pages may use DICOMweb, by a token; left out: none. */
  readonly dicomWebOrigins?: readonly string[];
  /** With which people may sign in. */
  readonly provider?: ProviderSettings;
  /** How much one may ask for; the usual unless given. */
  readonly limits?: RequestLimits;
  /** A second port, of plain HTTP, that sends browsers to the first. */
  readonly redirectPort?: number;
};

export type HttpServer = {
  readonly port: number;
  readonly redirectPort: number | null;
  /** Who may use which address; what the server was built from. */
  readonly routes: readonly Route[];
  close(): Promise<void>;
};

const graceMs = 2_000;

/** The web page and its API. Resolves when it listens. */
export async function startHttp(options: HttpOptions, dependencies: HttpDependencies, log: Log): Promise<HttpServer> {
  const { database, clock } = dependencies;
  const auth = await Auth.create({ database, clock, isSecure: options.tls !== undefined, onEnd: (digest) => streams.endSession(digest) });
  const streams = new LiveStreams(dependencies.subscribe, (digest) => auth.sessions.isOpen(digest));
  const provider = options.provider && new Provider(options.provider, clock);
  const routes = [
    ...sessionRoutes(auth),
    ...providerRoutes(auth, provider, { isSecure: options.tls !== undefined, log }),
    ...accountRoutes(dependencies, auth),
    ...secondFactorRoutes(dependencies, auth),
    ...userRoutes(dependencies, auth),
    ...tokenRoutes(dependencies),
    ...seriesRoutes(dependencies),
    ...resultRoutes(dependencies),
    ...deliveryRoutes(dependencies),
    ...nodeRoutes(dependencies),
    ...callerRoutes(dependencies),
    ...modelRoutes(dependencies),
    ...auditRoutes(dependencies),
    ...deviceRoutes(dependencies),
    ...storageRoutes(dependencies),
    ...dicomWebSearchRoutes(dependencies),
    ...dicomWebRetrieveRoutes(dependencies),
    ...dicomWebStoreRoutes(dependencies),
    ...eventRoutes(dependencies, streams),
  ];
  const router = routerOf(routes, auth);
  const files = findStaticFiles(options.uiFolder);
  if (files.size === 0) log.warn("ui-missing", { remedy: "npm run ui:build" }); // series come and go without the page: not worth staying down

  const { tls, dicomWebOrigins = [] } = options;
  const names = () => [...options.names, ...(tls?.names ?? [])];
  const app = new Koa<RequestState>();
  app.silent = true; // what fails is logged by answerErrors; what is left are connections that ended early
  app.use(limitBodyTime());
  app.use(setSecurityHeaders({ staysOnTls: tls?.isTrusted ?? false }));
  app.use(logRequests(log, clock));
  app.use(answerErrors(log));
  app.use(refuseOtherHosts(names));
  app.use(shareWithOrigins(dicomWebOrigins));
  app.use(refuseOtherOrigins(dicomWebOrigins));
  app.use(limitRequests(options.limits ?? usualLimits, clock));
  app.use(router.routes());
  app.use(router.allowedMethods());
  app.use(serveStatic(files));

  const handle = app.callback();
  const server = tls ? createTlsOf(tls, handle) : createServer(handle);
  server.headersTimeout = 15_000;
  server.requestTimeout = 0; // streamed-body.ts has limits of its own: a study may come for hours
  server.maxConnections = 1_000;
  await listen(server, options.host, options.port);
  const { port } = server.address() as AddressInfo;
  const redirecting = options.redirectPort === undefined ? null : createServer(redirectTo(port, names));
  if (redirecting) {
    redirecting.headersTimeout = 15_000;
    redirecting.maxConnections = 100;
    await listen(redirecting, options.host, options.redirectPort!).catch(async (error: unknown) => {
      await close(server);
      throw error;
    });
  }
  return {
    port,
    redirectPort: redirecting && (redirecting.address() as AddressInfo).port,
    routes,
    close: async () => {
      streams.close();
      await Promise.all([close(server), ...(redirecting ? [close(redirecting)] : [])]);
    },
  };
}

function createTlsOf(tls: WebTls, handle: RequestListener): TlsServer {
  const server = createTlsServer({ ...tls.secureOptions, handshakeTimeout: 15_000 }, handle);
  tls.onChange(() => server.setSecureContext(tls.secureOptions));
  return server;
}

async function close(server: Server | TlsServer): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearTimeout(timer);
}

function listen(server: Server | TlsServer, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}
