import * as z from "zod";
import { file } from "./dicom-settings.ts";
import { isLoopback } from "./no-node.ts";

const issuer = z.string().refine((text) => {
  const url = URL.parse(text);
  const isKept = url?.protocol === "https:" || (url?.protocol === "http:" && isLoopback(url.hostname.replace(/^\[|\]$/g, "")));
  return isKept && url.username === "" && url.search === "" && url.hash === "";
}, "expected the provider's address, such as https://login.hospital.example/realms/staff, over https");

const groups = z.array(z.string().min(1).max(256)).max(64).default([]);

/** An OpenID Connect provider (OpenID Connect Core 1.0), with which people sign in by the hospital's own accounts. */
export const providerSchema = z
  .strictObject({
    issuer,
    clientId: z.string().min(1).max(256),
    clientSecretFile: file,
    /** On the button: "Sign in with …". */
    name: z.string().min(1).max(64).default("the hospital's account"),
    /** PEM of whom to believe about its certificate; left out: the authorities of the system. */
    authorities: file.optional(),
    /** The claim that holds the groups of a person. */
    groupsClaim: z.string().min(1).max(256).default("groups"),
    /** Which groups have which role; a person of several has the one that may most, one of none does not come in. */
    roles: z.strictObject({ admin: groups, engineer: groups, reviewer: groups }),
  })
  .refine(
    ({ roles }) => Object.values(roles).some((names) => names.length > 0),
    "expected a group for at least one role, or nobody could sign in by it",
  );

export type ProviderSettings = z.output<typeof providerSchema>;
