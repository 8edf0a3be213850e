import * as z from "zod";
import { file, listenAddress, listenPort } from "./dicom-settings.ts";

const hostName = z
  .string()
  .regex(/^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/, "expected a host name, without port")
  .transform((text) => text.toLowerCase());

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
  /** A second port, of plain HTTP, that sends browsers to the first. */
  redirectPort: listenPort.optional(),
});

export type HttpSettings = z.output<typeof httpSchema>;

/** Settings as a database keeps them, perhaps from an earlier release: what they lack has its default. */
export function parseHttpSettings(stored: unknown): HttpSettings {
  return httpSchema.parse(stored);
}
