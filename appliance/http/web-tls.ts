import { X509Certificate } from "node:crypto";
import { chmod, mkdir } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { secureOptions, type TlsIdentity } from "../dimse/tls.ts";
import { makePrivateKey } from "../host/certificate-request.ts";
import { readIfThere, writeKey } from "../host/key-file.ts";
import { selfSignedCertificate } from "../host/self-signed.ts";
import { certificateEnd, type TlsPaths } from "../host/tls-files.ts";
import { OwnTls } from "../pipeline/own-tls.ts";

const dayMs = 86_400_000;
/** A certificate of our own is made anew so long before its end. */
const renewedDays = 30;

export type WebTlsOptions = {
  /** PEM files, or `own`: a key and a certificate that it signs itself, made in `folder` where there are none. */
  readonly setting: "own" | { readonly key: string; readonly certificate: string };
  readonly folder: string;
  /** Host names of this box, for a certificate of its own. */
  readonly names: readonly string[];
  readonly clock: Clock;
  readonly log: Log;
  readonly watchEveryMs?: number;
};

/** What the web page's server shows over TLS. Files that were replaced count for the next connection. */
export class WebTls {
  readonly #own: OwnTls;
  /** Whether an authority signed it; nobody's browser believes our own by itself. */
  readonly isTrusted: boolean;
  /** Kept, since every request asks for them. */
  #names: readonly string[];
  #changed: () => void = () => {};

  private constructor(own: OwnTls, isTrusted: boolean) {
    this.#own = own;
    this.isTrusted = isTrusted;
    this.#names = namesIn(own.identity);
    own.onChange((identity) => {
      this.#names = namesIn(identity);
      this.#changed();
    });
  }

  /** Refused where the files can't be used. */
  static async open({ setting, folder, names, clock, log, watchEveryMs }: WebTlsOptions): Promise<WebTls> {
    const paths = setting === "own" ? { key: join(folder, "key.pem"), certificate: join(folder, "certificate.pem") } : setting;
    if (setting === "own") await makeOwn(paths, { folder, names, clock, log });
    return new WebTls(await OwnTls.open(paths, log, clock.now, watchEveryMs), setting !== "own");
  }

  /** For a server, or its `setSecureContext`. */
  get secureOptions() {
    return secureOptions(this.#own.identity);
  }
  /** Host names in the certificate; one may begin with `*.`. */
  get names(): readonly string[] {
    return this.#names;
  }
  onChange(changed: () => void): void {
    this.#changed = changed;
  }
  stop(): void {
    this.#own.stop();
  }
}

function namesIn({ certificate }: TlsIdentity): readonly string[] {
  const { subjectAltName = "" } = new X509Certificate(certificate);
  return Array.from(subjectAltName.matchAll(/DNS:([\w*.-]+)/g), ([, name = ""]) => name.toLowerCase());
}

/**
 * Makes key and certificate where they are missing, or the certificate ends soon or lacks a name. The addresses in it are those of the day:
 * a new lease is no reason for a new certificate, which every browser would ask about.
 */
async function makeOwn(
  { key, certificate }: TlsPaths,
  { folder, names, clock, log }: Pick<WebTlsOptions, "folder" | "names" | "clock" | "log">,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o700);
  const known = (await readIfThere(certificate))?.toString("utf8") ?? null;
  const privateKey = (await readIfThere(key))?.toString("utf8") ?? null;
  const isGood =
    known !== null &&
    privateKey !== null &&
    certificateEnd(known) - clock.now() > renewedDays * dayMs &&
    names.every((name) => new X509Certificate(known).checkHost(name) !== undefined);
  if (isGood) return;
  const kept = privateKey ?? makePrivateKey();
  if (privateKey === null) await writeKey(key, kept);
  await chmod(key, 0o600);
  await writeKey(certificate, selfSignedCertificate(kept, [...names, ...addresses()], clock.now()));
  log.info("web-certificate-made", { names: names.join(" ") });
}

function addresses(): string[] {
  return Object.values(networkInterfaces())
    .flat()
    .flatMap((each) => (each && !each.address.startsWith("fe80:") ? [each.address] : []));
}
