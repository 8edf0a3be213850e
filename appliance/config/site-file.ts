import { isIP } from "node:net";
import { type Document, parseDocument } from "yaml";
import * as z from "zod";
import { RefusedError } from "../base/errors.ts";
import { nodeServices } from "../domain/remote-node.ts";
import {
  deliveryTimes,
  holeForms,
  inferenceModes,
  labelMapCompressions,
  outputsOf,
  resultOutputs,
  sendsOf,
  surfaceForms,
  toSender,
  usualOutputSettings,
} from "../domain/rule.ts";
import { auditSchema } from "./audit-settings.ts";
import { backupSchema } from "./backup-settings.ts";
import { aeTitle, dicomSchema, file, host, remotePort } from "./dicom-settings.ts";
import { httpSchema } from "./http-settings.ts";
import { isLoopback, isNowhere } from "./no-node.ts";
import { retentionSchema } from "./retention-settings.ts";

const name = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}$/,
    "expected 1 to 64 letters, digits, spaces, dots, dashes or underscores, a letter or digit first",
  );

const addressOrNetwork = z.string().refine((text) => {
  const [address = "", bits, ...rest] = text.split("/");
  const family = isIP(address);
  return family !== 0 && rest.length === 0 && (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 6 ? 128 : 32)));
}, "expected an IP address, or a network such as 10.1.2.0/24");

const regularExpression = z
  .string()
  .max(200)
  .refine((text) => {
    try {
      new RegExp(text, "i");
      return true;
    } catch {
      return false; // the refinement's message says what is wrong
    }
  }, "expected a regular expression");

/** http or https, without name, password, query or fragment in it. */
const serviceUrl = z
  .string()
  .max(1_000)
  .refine((text) => {
    const url = URL.parse(text);
    const isBare = url !== null && url.username === "" && url.password === "" && !/[?#]/.test(text);
    return isBare && ["http:", "https:"].includes(url.protocol);
  }, "expected an address such as https://archive.hospital.example/dicom-web")
  .refine(
    (text) => !isNowhere(URL.parse(text)?.hostname ?? ""),
    "expected another address: no node can be at a link-local one, a multicast one, or 0.0.0.0",
  )
  .transform((text) => text.replace(/\/+$/, ""));

const nodeFields = z.strictObject({
  name,
  aeTitle,
  host,
  port: remotePort,
  /** Tells host and port too. Results go there by STOW-RS, studies come by WADO-RS. */
  dicomweb: z
    .strictObject({
      url: serviceUrl,
      tokenFile: file.optional(),
      user: z
        .string()
        .regex(/^[^:\p{C}]{1,64}$/u, "expected a name without colons")
        .optional(),
      passwordFile: file.optional(),
      authorities: file.optional(),
    })
    .refine(
      ({ user, passwordFile }) => (user === undefined) === (passwordFile === undefined),
      "expected `user` and `passwordFile` together",
    )
    .refine(({ tokenFile, user }) => tokenFile === undefined || user === undefined, "expected `tokenFile` or `user`, not both")
    .optional(),
  /** Addresses and networks that it calls from; none: its host. */
  callsFrom: z.array(addressOrNetwork).max(64).default([]),
  /** `anywhere`: its token for DICOMweb counts wherever it is shown, as behind a proxy that many use; left out: only from where it calls from. */
  tokenFrom: z.literal("anywhere").optional(),
  /** With it nothing but TLS is spoken with the node, both ways. */
  tls: z
    .strictObject({
      /** Whether it has to show a certificate when it calls us. */
      callerCertificate: z.enum(["required", "optional"]).default("optional"),
      /** The name in its certificate, where that is not its host. */
      name: host.optional(),
    })
    .optional(),
  /** What it does for us; left out: what the last test found. Storage Commitment is asked for only where it is named here. */
  services: z.array(z.enum(nodeServices)).optional(),
  /** Specific Character Set of what it is asked, as DICOM writes it (`ISO_IR 192`, `\\ISO 2022 IR 87`); left out: the least that says it. */
  characterSet: z
    .string()
    .regex(/^[A-Z0-9_ \\-]{0,80}$/, "expected values of Specific Character Set with backslashes between")
    .optional(),
});

/** Where DICOMweb is spoken, its address tells host and port, unless they are given. */
const node = z.preprocess((value) => {
  const url = URL.parse(String((value as { dicomweb?: { url?: unknown } } | null)?.dicomweb?.url));
  if (!url || typeof value !== "object") return value;
  const port = Number(url.port || (url.protocol === "https:" ? 443 : 80));
  return { host: url.hostname.replace(/^\[|\]$/g, ""), port, ...value };
}, nodeFields);

const match = z.strictObject({
  modality: z.literal("CT").default("CT"),
  axial: z.boolean().default(true),
  minimumSlices: z.int().min(2).max(100_000).default(10),
  callingAeTitles: z.array(aeTitle).default([]),
  calledAeTitles: z.array(aeTitle).default([]),
  seriesDescription: regularExpression.default(""),
});

const output = z.enum(resultOutputs);
/** A first choice, and what goes in its place where the destination does not take it. */
const choices = z.union([output, z.tuple([output], output)], "expected an output, or a list of them, the first choice first");
const destination = z.union(
  [z.string(), z.strictObject({ node: z.string(), send: z.array(choices).min(1) })],
  "expected the name of a node, or `node` and `send`",
);

const siteSchema = z
  .strictObject({
    station: z.strictObject({
      /** Shown on the page and written into results as Station Name. */
      name: z.string().min(1).max(16),
      /** Device Serial Number in results; made from the machine id where none is given. */
      serialNumber: z.string().min(1).max(64).optional(),
      /** For whom the users of the page act when they accept a result: Verifying Organization in reports, which stay unverified without it. */
      organization: z.string().min(1).max(64).optional(),
    }),
    dicom: dicomSchema,
    http: httpSchema.prefault({}),
    audit: auditSchema.prefault({}),
    retention: retentionSchema.prefault({}),
    backup: backupSchema.optional(),
    nodes: z.array(node).default([]),
    rules: z
      .array(
        z.strictObject({
          name,
          match: match.prefault({}),
          model: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, "expected a model's name: small letters, digits, dashes, underscores"),
          outputs: z.array(output).default(["seg", "rtstruct"]),
          destinations: z.array(destination).default([]),
          deliver: z.enum(deliveryTimes).default("at-once"),
          mode: z.enum(inferenceModes).optional(),
          emptySeg: z.boolean().default(false),
          surfaces: z.enum(surfaceForms).default(usualOutputSettings.surfaces),
          rtstruct: z
            .strictObject({
              holes: z.enum(holeForms).default(usualOutputSettings.rtstruct.holes),
              simplifyMm: z.number().min(0).max(10).default(usualOutputSettings.rtstruct.simplifyMm),
            })
            .prefault({}),
          segLabelmap: z
            .strictObject({ compression: z.enum(labelMapCompressions).default(usualOutputSettings.segLabelmap.compression) })
            .prefault({}),
        }),
      )
      .default([]),
  })
  .superRefine((site, context) => {
    if (site.http.tls === "off" && !isLoopback(site.http.address))
      context.addIssue({
        code: "custom",
        path: ["http", "tls"],
        message: "expected TLS, since `http.address` is reached from other machines",
      });
    const repeated = (list: "nodes" | "rules"): void => {
      for (const index of repeats(site[list].map((entry) => entry.name)))
        context.addIssue({ code: "custom", path: [list, index, "name"], message: "expected a name of its own, used above already" });
    };
    repeated("nodes");
    repeated("rules");
    const fault = (path: (string | number)[], message: string): void => context.addIssue({ code: "custom", path, message });
    const { minimumFreeMegabytes } = site.dicom.limits;
    if ((site.retention.startFreeMegabytes ?? minimumFreeMegabytes) < minimumFreeMegabytes)
      fault(
        ["retention", "startFreeMegabytes"],
        `expected at least \`dicom.limits.minimumFreeMegabytes\` (${minimumFreeMegabytes}), below which images are refused`,
      );
    const { tls } = site.dicom;
    for (const [index, node] of site.nodes.entries()) {
      if (node.tls && !tls?.authorities)
        fault(["nodes", index, "tls"], "expected `dicom.tls` with `authorities`, which say whom to believe");
      if (node.tls?.callerCertificate === "required" && tls?.clientCertificates === "none")
        fault(["nodes", index, "tls", "callerCertificate"], "expected `optional`, since `dicom.tls.clientCertificates` asks nobody");
    }
    if (tls?.clientCertificates === "required" && !tls.authorities)
      fault(["dicom", "tls", "clientCertificates"], "expected `authorities` beside it, which say whose certificates count");
    for (const [index, node] of site.nodes.entries())
      if (node.name === toSender)
        fault(["nodes", index, "name"], `expected another name: \`${toSender}\` as a destination means whoever sent the series`);
    for (const [at, rule] of site.rules.entries()) {
      const ours = [site.dicom.aeTitle, ...site.dicom.furtherAeTitles];
      for (const [index, title] of rule.match.calledAeTitles.entries())
        if (!ours.includes(title))
          fault(["rules", at, "match", "calledAeTitles", index], `expected one of our AE titles (${ours.join(", ")})`);
      if (outputsOf(rule).length === 0) fault(["rules", at, "outputs"], "expected at least one output, here or in a destination's `send`");
      for (const [index, destination] of rule.destinations.entries()) {
        const path = ["rules", at, "destinations", index];
        const node = typeof destination === "string" ? destination : destination.node;
        if (node !== toSender && !site.nodes.some(({ name }) => name === node))
          fault(typeof destination === "string" ? path : [...path, "node"], `expected the name of a node in this file, or \`${toSender}\``);
        if (typeof destination === "string" && rule.outputs.length === 0)
          fault(path, "expected what to `send` there, since the rule names no outputs");
        for (const [entry, { choices }] of sendsOf({ outputs: [], destinations: [destination] }).entries())
          if (new Set(choices).size < choices.length) fault([...path, "send", entry], "expected each output once in a list of choices");
      }
    }
  });

/** The site's own choices: who the box is, where it listens, whom it knows, what it does with which series. */
export type Site = z.output<typeof siteSchema>;

/** One fault of a site file: where, what was found, what was expected. */
export type SiteFault = { readonly path: string; readonly message: string };

/** Refusal of a site file with every fault in it. */
export class SiteFileError extends RefusedError {
  readonly faults: readonly SiteFault[];
  constructor(faults: readonly SiteFault[]) {
    super("site-file-invalid", `site file: ${faults.map(({ path, message }) => (path ? `${path}: ${message}` : message)).join("; ")}`);
    this.faults = faults;
  }
}

/** Reads a site file (YAML 1.2). Every fault is reported at once, in a {@link SiteFileError}; unknown keys are faults. */
export function parseSiteFile(text: string): Site {
  const document = parseDocument(text, { prettyErrors: true });
  if (document.errors.length > 0)
    throw new SiteFileError(
      document.errors.map((error) => ({
        path: error.linePos ? `line ${error.linePos[0].line}` : "",
        message: error.message.split("\n")[0] ?? "",
      })),
    );
  const value = contentOf(document);
  const parsed = siteSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new SiteFileError(
    parsed.error.issues
      .flatMap((issue) => issuesIn(issue))
      .flatMap((issue) => {
        if (issue.code === "unrecognized_keys")
          return issue.keys.map((key) => ({ path: pathText([...issue.path, key]), message: "unknown key" }));
        const found = valueAt(value, issue.path);
        const shown = found === undefined ? "nothing" : JSON.stringify(found).slice(0, 60);
        return [
          {
            path: pathText(issue.path),
            message: `${issue.message.replace(/^[A-Z][a-z ]+: (?=expected )/, "").replace(/, (received|found) .*$/s, "")}, found ${shown}`,
          },
        ];
      }),
  );
}

/** Of a value that may have several forms, the faults of the form that was meant, told by its outermost type; else the fault of them all. */
function issuesIn(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  if (issue.code !== "invalid_union") return [issue];
  const meant = issue.errors.find((issues) => issues.every(({ path, code }) => path.length > 0 || code === "unrecognized_keys"));
  return meant
    ? meant.flatMap((inner) => issuesIn({ ...inner, path: [...issue.path, ...inner.path] } as z.core.$ZodIssue))
    : [{ ...issue, code: "custom" } as z.core.$ZodIssue];
}

/** Refused: an alias without its anchor, and aliases that would multiply a short file into gigabytes. */
function contentOf(document: Document): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    throw new SiteFileError([{ path: "", message: error.message }]);
  }
}

/** `rules[0].match.minimumSlices` */
function pathText(path: readonly PropertyKey[]): string {
  return path.map((key, index) => (typeof key === "number" ? `[${key}]` : `${index > 0 ? "." : ""}${String(key)}`)).join("");
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], value);
}

/** Indices of the names that stand earlier in the list too. */
function repeats(names: readonly string[]): number[] {
  return names.flatMap((name, index) => (names.indexOf(name) < index ? [index] : []));
}
