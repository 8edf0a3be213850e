import { constants } from "node:crypto";
import { isIP } from "node:net";
import {
  type ConnectionOptions,
  checkServerIdentity,
  connect,
  createSecureContext,
  type SecureContextOptions,
  type TLSSocket,
} from "node:tls";
import { nodeLookup } from "../config/no-node.ts";
import type { RemoteNode } from "../domain/remote-node.ts";

/** Who we are towards a TLS peer, and whom we believe, all PEM. */
export type TlsIdentity = {
  readonly key: string;
  /** Ours, then those between it and its authority. */
  readonly certificate: string;
  /** Authorities of peers; null: nobody's certificate can be checked. */
  readonly authorities: string | null;
};

/** Whether callers are asked for a certificate. optional: it is checked where one is shown, and a node's own setting may want one. */
export type ClientCertificates = "none" | "optional" | "required";

/**
 * BCP 195 (RFC 9325) and the profile of PS3.15 annex B that refers to it: TLS 1.2 and 1.3; of 1.2 the suites with forward secrecy and
 * authenticated encryption that the RFC recommends (section 4.2), and nothing else.
 */
export const tlsProfile = {
  minVersion: "TLSv1.2",
  maxVersion: "TLSv1.3",
  ciphers: [
    "TLS_AES_256_GCM_SHA384",
    "TLS_AES_128_GCM_SHA256",
    "TLS_CHACHA20_POLY1305_SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
  ].join(":"),
  ecdhCurve: "X25519:P-256:P-384",
  honorCipherOrder: true,
  // RFC 9325 section 3.5: a peer that makes us negotiate again and again costs us far more than itself
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
} as const satisfies SecureContextOptions;

/** What a context of ours is made of. */
export function secureOptions({ key, certificate, authorities }: TlsIdentity): SecureContextOptions {
  return { ...tlsProfile, key, cert: certificate, ...(authorities !== null && { ca: authorities }) };
}

/** Throws what OpenSSL says where key, certificate and authorities do not fit together. */
export function checkIdentity(identity: TlsIdentity): void {
  createSecureContext(secureOptions(identity));
}

/**
 * Connects to a node over TLS. Its certificate must come from one of the authorities and name its host, or the name that the node's setting
 * gives; ours is shown when it asks.
 */
export function connectSecurely(node: RemoteNode, identity: TlsIdentity): TLSSocket {
  return connectByName({ host: node.host, port: node.port, name: node.tls?.name ?? node.host }, secureOptions(identity));
}

/** Connects to whoever shows a certificate for the name, which is a host name or an address, from an authority that is believed. */
export function connectByName(
  { host, port, name }: { readonly host: string; readonly port: number; readonly name: string },
  secure: SecureContextOptions,
): TLSSocket {
  const options: ConnectionOptions = {
    ...secure,
    host,
    port,
    lookup: nodeLookup(host),
    rejectUnauthorized: true,
    ...(isIP(name) === 0 && { servername: name }), // RFC 6066: an address is no server name
    checkServerIdentity: (_, certificate) => checkServerIdentity(name, certificate),
  };
  return connect(options);
}
