import { isIP } from "node:net";
import * as z from "zod";
import { messageOf } from "../base/errors.ts";
import { parseAeTitle } from "../domain/ids.ts";
import { isNowhere } from "./no-node.ts";

export const aeTitle = z.string().transform((text, context) => {
  try {
    return parseAeTitle(text);
  } catch (error) {
    context.addIssue(messageOf(error));
    return z.NEVER;
  }
});

export const listenAddress = z
  .string()
  .refine((text) => isIP(text) !== 0, "expected an IP address of this machine, 0.0.0.0 for all")
  .default("127.0.0.1");
/** 0 takes any free port; the one chosen is printed at the start. */
export const listenPort = z.int().min(0).max(65535);

export const remotePort = z.int().min(1).max(65535);
export const host = z
  .string()
  .regex(/^[A-Za-z0-9]([A-Za-z0-9.:-]{0,252}[A-Za-z0-9])?$/, "expected a host name or IP address")
  .refine((text) => !isNowhere(text), "expected another address: no node can be at a link-local one, a multicast one, or 0.0.0.0");

const sopClassUid = z.string().regex(/^[0-9]+(\.[0-9]+)+$/, "expected the UID of a storage SOP class");

/** What a peer may take of the box. The defaults suit a department: a few scanners and one archive. */
const limits = z.strictObject({
  associations: z.int().min(1).max(512).default(64),
  /** Of these, from one address. */
  associationsPerAddress: z.int().min(1).max(512).default(32),
  /** Longest P-DATA-TF PDU that senders are asked for. */
  offeredPduBytes: z.int().min(4_096).max(1_048_576).default(131_072),
  /** Longest that is taken, for senders that do not heed it; never below what is asked for. */
  acceptedPduBytes: z.int().min(4_096).max(1_048_576).default(131_072),
  objectMegabytes: z.int().min(1).max(65_536).default(4_096),
  /** From the connection to the end of the association request; the TLS handshake has as long for itself. */
  handshakeSeconds: z.number().min(0.1).max(300).default(10),
  /** An association on which nothing arrives for so long is aborted. A scanner may pause for minutes between two reconstructions. */
  idleSeconds: z.number().min(0.1).max(86_400).default(600),
  /** An association in the midst of an image that brings less, on average over `paceSeconds`, is aborted: a byte now and then holds nothing. 0: off. */
  minimumBytesPerSecond: z.int().min(0).max(1_048_576).default(1_024),
  paceSeconds: z.number().min(0.1).max(3_600).default(120),
  /** An association that is older is aborted, whatever it does. */
  associationMinutes: z.number().min(0.01).max(10_080).default(240),
  /** With less free space in the data folder, images are refused as "out of resources" (A700H). */
  minimumFreeMegabytes: z.int().min(0).max(10_000_000).default(2_048),
});

export const file = z.string().regex(/^\//, "expected the whole path of a file, from / on");

/** TLS beside the plain port, as BCP 195 wants it: 1.2 and 1.3 only. Files are PEM and are read again when they change. */
const tls = z.strictObject({
  port: listenPort.default(2762),
  /** Our private key; `segbox tls request` makes one, and what an authority needs to certify it. */
  key: file,
  /** Our certificate, then those between it and its authority. */
  certificate: file,
  /** Of the authorities that certify peers; without it nobody can be called, and no caller's certificate counts. */
  authorities: file.optional(),
  /** Whether callers are asked for a certificate, or turned away without one. A node's own setting may want one all the same. */
  clientCertificates: z.enum(["none", "optional", "required"]).default("optional"),
});

export const dicomSchema = z.strictObject({
  /** What we call others with, and the first title that others may call us by. */
  aeTitle,
  /** More titles of ours; a rule's `match.calledAeTitles` tells them apart. */
  furtherAeTitles: z.array(aeTitle).max(64).default([]),
  address: listenAddress,
  port: listenPort.default(11112),
  /** Whether nodes that are not in the list may send. */
  acceptUnknownCallers: z.boolean().default(false),
  /** Storage SOP classes that are kept though nothing is segmented of them; `any`: every one of the standard's. */
  otherStorageClasses: z
    .union([z.literal("any"), z.array(sopClassUid).max(256)], "expected `any`, or a list of storage SOP class UIDs")
    .default([]),
  /** A series is complete when nothing came for so long and no association that brought its images is open. */
  quietSeconds: z.number().min(0.1).max(3600).default(10),
  /** A series to which images keep coming for so long is taken as it is then; what comes later makes a new result. */
  forceCompleteMinutes: z.number().min(0.01).max(1440).default(30),
  /** How long a node whose `services` name commitment may take to commit itself to keep an object; then it is asked again, three times in all. */
  commitmentMinutes: z.number().min(0.01).max(10_080).default(60),
  limits: limits.prefault({}),
  /** false: Success does not wait for the disk, and a power cut loses what was acknowledged. For measurements only. */
  durable: z.boolean().default(true),
  tls: tls.optional(),
});

export type DicomSettings = z.output<typeof dicomSchema>;

/** Settings as a database keeps them, perhaps from an earlier release: what they lack has its default. */
export function parseDicomSettings(stored: unknown): DicomSettings {
  return dicomSchema.parse(stored);
}
