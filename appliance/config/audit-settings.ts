import * as z from "zod";
import { file, host, remotePort } from "./dicom-settings.ts";

const syslog = z
  .strictObject({
    host,
    port: remotePort.default(6514),
    /** plain-tcp: unprotected, for a relay on the same machine. */
    protocol: z.enum(["tls", "plain-tcp"]).default("tls"),
    /** Whom to believe about its certificate; left out: the authorities of the system. PEM files, read again for each connection. */
    authorities: file.optional(),
    /** Who we are, where the server asks. */
    key: file.optional(),
    certificate: file.optional(),
    /** The name in its certificate, where that is not its host. */
    name: host.optional(),
    /** Whether messages about a study name its Patient ID, as PS3.15 A.5.3 wants; else they have its Study Instance UID alone. */
    patientId: z.boolean().default(false),
  })
  .refine(({ key, certificate }) => (key === undefined) === (certificate === undefined), "expected `key` and `certificate` together")
  .refine(
    ({ protocol, authorities, key, name }) => protocol === "tls" || (authorities ?? key ?? name) === undefined,
    "expected no `authorities`, `key`, `certificate` and `name` with `plain-tcp`",
  );

/** Where the audit trail goes beside the database: IHE ATNA, DICOM PS3.15 A.5 and A.6. */
export const auditSchema = z.strictObject({ syslog: syslog.optional() });

export type SyslogSettings = z.output<typeof syslog>;

/** Settings as a database keeps them, perhaps from an earlier release, which had none. */
export function parseAuditSettings(stored: unknown): z.output<typeof auditSchema> {
  return auditSchema.parse(stored ?? {});
}
