import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type Server as TlsServer } from "node:tls";
import type { Log } from "../base/log.ts";
import type { ScpOptions } from "./scp-contract.ts";
import { secureOptions, type TlsIdentity } from "./tls.ts";

/** Connections at once of each kind, those that have not yet said who they are included: above it the kernel's handshake is all that a peer gets. */
const maxConnections = 1024;

export type ListenerOptions = Pick<ScpOptions, "host" | "port"> & {
  readonly tls: ScpOptions["tls"] | null;
  readonly handshakeTimeoutMs: number;
};

/** The plain port of the SCP, and the one for TLS where there is one. */
export class Listeners {
  readonly #options: ListenerOptions;
  readonly #plain: Server;
  readonly #secure: TlsServer | null;
  /** TLS connections whose handshake is not over, by the peer's port, which is what Node's two sockets for one connection have in common. */
  readonly #shakingHands = new Map<number | undefined, Socket>();

  /**
   * @param serve gets each connection that is open, a TLS one after its handshake
   * @param tlsFailed a handshake came to nothing
   */
  constructor(options: ListenerOptions, serve: (socket: Socket) => void, tlsFailed: (remoteAddress: string) => void, log: Log) {
    this.#options = options;
    this.#plain = createServer(serve);
    this.#secure = options.tls ? this.#createSecure(options.tls, serve, tlsFailed, log) : null;
    for (const server of this.#servers) {
      server.maxConnections = maxConnections;
      server.on("drop", () => log.warn("connection-dropped", { maxConnections }));
    }
  }

  #createSecure(
    { identity, clientCertificates }: NonNullable<ScpOptions["tls"]>,
    serve: (socket: Socket) => void,
    tlsFailed: (remoteAddress: string) => void,
    log: Log,
  ): TlsServer {
    const server = createTlsServer({
      ...secureOptions(identity),
      requestCert: clientCertificates !== "none" && identity.authorities !== null,
      rejectUnauthorized: clientCertificates === "required",
      handshakeTimeout: this.#options.handshakeTimeoutMs,
    });
    server.on("connection", (socket: Socket) => {
      this.#shakingHands.set(socket.remotePort, socket);
      const address = addressOf(socket); // a socket that is gone has none any more
      socket.once("close", () => {
        if (this.#shakingHands.get(socket.remotePort) === socket) tlsFailed(address);
        this.#shakingHands.delete(socket.remotePort);
      });
    });
    server.on("secureConnection", (socket) => {
      this.#shakingHands.delete(socket.remotePort);
      serve(socket);
    });
    server.on("tlsClientError", (error: Error, socket) => {
      log.warn("tls-failed", { message: error.message });
      socket.destroy(); // Node leaves it open, also when the time is up
    });
    return server;
  }

  get #servers(): readonly Server[] {
    return this.#secure ? [this.#plain, this.#secure] : [this.#plain];
  }

  async listen(): Promise<void> {
    const { host, port, tls } = this.#options;
    await listenOn(this.#plain, host, port);
    if (!this.#secure || !tls) return;
    try {
      await listenOn(this.#secure, host, tls.port);
    } catch (error) {
      this.#plain.close();
      throw error;
    }
  }

  /** Takes no new connection, and ends those that are no more than half a TLS handshake. */
  close(): void {
    for (const server of this.#servers) server.close();
    const halves = [...this.#shakingHands.values()];
    this.#shakingHands.clear(); // these did not fail
    for (const socket of halves) socket.destroy();
  }

  get port(): number {
    return portOf(this.#plain);
  }
  get tlsPort(): number | null {
    return this.#secure && portOf(this.#secure);
  }
  setTlsIdentity(identity: TlsIdentity): void {
    this.#secure?.setSecureContext(secureOptions(identity));
  }
}

function listenOn(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, backlog: 511 }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === "object" && address ? address.port : 0;
}

/** As people write it: without the prefix of an IPv4 address on an IPv6 socket, and without a zone. */
export function addressOf(socket: Socket): string {
  return (socket.remoteAddress ?? "").replace(/^::ffff:|%.*$/g, "");
}
