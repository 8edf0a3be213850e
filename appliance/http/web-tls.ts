import { X509Certificate } from "node:crypto";
import { chmod, mkdir, readFile } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { createSecureContext } from "node:tls";
import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { tlsProfile } from "../dimse/tls.ts";
import { makePrivateKey } from "../host/certificate-request.ts";
import { selfSignedCertificate } from "../host/self-signed.ts";
import { certificateEnd, readTlsFiles, type TlsFiles, type TlsPaths, watchTlsFiles } from "../host/tls-files.ts";
import { writeDurably } from "../store/objects.ts";

const dayMs = 86_400_000;
/** A certificate of our own is made anew so long before its end; one of an authority is warned of. */
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
  readonly #watch: { stop(): void };
  /** Whether an authority signed it; nobody's browser believes our own by itself. */
  readonly isTrusted: boolean;
  #files: TlsFiles;
  #changed: () => void = () => {};

  private constructor(files: TlsFiles, paths: TlsPaths, { setting, clock, log, watchEveryMs }: WebTlsOptions) {
    this.#files = files;
    this.isTrusted = setting !== "own";
    this.#noteEnd(log, clock.now());
    const reload = async (): Promise<void> => {
      try {
        this.#files = await readTlsFiles(paths, checkFiles);
        this.#changed();
        log.info("web-certificate-read-again");
        this.#noteEnd(log, clock.now());
      } catch (error) {
        log.error("web-certificate-unusable", { message: messageOf(error) }); // the earlier one goes on
      }
    };
    this.#watch = watchTlsFiles(paths, () => void reload(), watchEveryMs);
  }

  /** Refused where the files can't be used. */
  static async open(options: WebTlsOptions): Promise<WebTls> {
    const { setting, folder } = options;
    const paths = setting === "own" ? { key: join(folder, "key.pem"), certificate: join(folder, "certificate.pem") } : setting;
    if (setting === "own") await makeOwn(paths, options);
    return new WebTls(await readTlsFiles(paths, checkFiles), paths, options);
  }

  /** For a server, or its `setSecureContext`. */
  get secureOptions() {
    return { ...tlsProfile, key: this.#files.key, cert: this.#files.certificate };
  }
  /** Host names in the certificate; one may begin with `*.`. */
  get names(): readonly string[] {
    const { subjectAltName = "" } = new X509Certificate(this.#files.certificate);
    return Array.from(subjectAltName.matchAll(/DNS:([\w*.-]+)/g), ([, name = ""]) => name.toLowerCase());
  }
  onChange(changed: () => void): void {
    this.#changed = changed;
  }
  stop(): void {
    this.#watch.stop();
  }

  #noteEnd(log: Log, now: number): void {
    const days = Math.floor((certificateEnd(this.#files.certificate) - now) / dayMs);
    if (days < renewedDays) log.warn(days < 0 ? "web-certificate-expired" : "web-certificate-expires", { days });
  }
}

function checkFiles({ key, certificate }: TlsFiles): void {
  createSecureContext({ ...tlsProfile, key, cert: certificate });
}

/**
 * Makes key and certificate where they are missing, or the certificate ends soon or lacks a name. The addresses in it are those of the day:
 * a new lease is no reason for a new certificate, which every browser would ask about.
 */
async function makeOwn({ key, certificate }: TlsPaths, { folder, names, clock, log }: WebTlsOptions): Promise<void> {
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o700);
  const known = await readOptional(certificate);
  const privateKey = await readOptional(key);
  const isGood =
    known !== null &&
    privateKey !== null &&
    certificateEnd(known) - clock.now() > renewedDays * dayMs &&
    names.every((name) => new X509Certificate(known).checkHost(name) !== undefined);
  if (isGood) return;
  const kept = privateKey ?? makePrivateKey();
  if (privateKey === null) await writeDurably(key, [Buffer.from(kept)]);
  await chmod(key, 0o600);
  await writeDurably(certificate, [Buffer.from(selfSignedCertificate(kept, [...names, ...addresses()], clock.now()))]);
  log.info("web-certificate-made", { names: names.join(" ") });
}

function addresses(): string[] {
  return Object.values(networkInterfaces())
    .flat()
    .flatMap((each) => (each && !each.address.startsWith("fe80:") ? [each.address] : []));
}

async function readOptional(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}
