import * as z from "zod";
import { file, listenAddress, listenPort } from "./dicom-settings.ts";
import { isLoopback } from "./no-node.ts";
import { providerSchema } from "./provider-settings.ts";

const hostName = z
  .string()
  .regex(/^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/, "expected a host name, without port")
  .transform((text) => text.toLowerCase());

/** As browsers write it in the header Origin: no path, no usual port, small letters. */
const origin = z
  .string()
  .refine(
    (text) => /^https?:[^*]+$/.test(text) && URL.parse(text)?.origin === text,
    "expected an origin such as https://viewer.hospital.example, without a path or `*`",
  )
  .refine(
    (text) => text.startsWith("https:") || isLoopback(URL.parse(text)?.hostname.replace(/^\[|\]$/g, "") ?? ""),
    "expected https: whoever is on the way could change a page that comes without it, and have its token",
  );

/** How many requests a second one session or token may go on with; an address four times as many, and ten seconds' worth may come at once. */
const limits = z.strictObject({
  requestsPerSecond: z.int().min(1).max(100_000).default(100),
  dicomWebRequestsPerSecond: z.int().min(1).max(100_000).default(200),
});

/** The web page and DICOMweb. */
export const httpSchema = z.strictObject({
  address: listenAddress,
  port: listenPort.default(8443),
  /**
   * own: a key and a certificate that it signs, made at the first start; or an authority's, in PEM files that are read again when they change.
   * off: plain HTTP, on a loopback address only, for a proxy on the same machine.
   */
  tls: z
    .union([z.enum(["own", "off"]), z.strictObject({ key: file, certificate: file })], "expected `own`, `off`, or `key` and `certificate`")
    .default("own"),
  /** Further names that people reach the box by, beside its host name, its addresses and what its certificate says. */
  names: z.array(hostName).max(64).default([]),
  /** Origins of other sites whose pages, viewers, may use DICOMweb here (CORS), with a node's token. */
  dicomWebOrigins: z.array(origin).max(64).default([]),
  /** Where people of the hospital sign in, beside the accounts that the box itself keeps. */
  provider: providerSchema.optional(),
  limits: limits.prefault({}),
  /** A second port, of plain HTTP, that sends browsers to the first. */
  redirectPort: listenPort.optional(),
});

export type HttpSettings = z.output<typeof httpSchema>;

/** Settings as a database keeps them, perhaps from an earlier release: what they lack has its default. */
export function parseHttpSettings(stored: unknown): HttpSettings {
  return httpSchema.parse(stored);
}
