/** A line of GET /api/callers: somebody who was turned away at the DICOM port, and how often. The latest first. */
export type RefusedCaller = {
  readonly id: number;
  /** As it came; empty where a TLS handshake failed before there was a request. */
  readonly callingAeTitle: string;
  readonly calledAeTitle: string;
  readonly address: string;
  /** A-ASSOCIATE-RJ in words, or `tls-failed`. */
  readonly reason: string;
  /** What the reason is too coarse to say, or empty: `address-not-known`, `tls-required`, `certificate-required`. */
  readonly detail: string;
  readonly count: number;
  /** UTC epoch ms. */
  readonly firstAt: number;
  readonly lastAt: number;
  /** Whether it would come in if it were a node: POST /api/callers/ID/add makes it one. */
  readonly canBeAdded: boolean;
};
