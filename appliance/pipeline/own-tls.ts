import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { checkIdentity, type TlsIdentity } from "../dimse/tls.ts";
import { certificateEnd, readTlsFiles, type TlsPaths, watchTlsFiles } from "../host/tls-files.ts";

const warnedDays = 30;

/** Who this box is towards TLS peers, over DICOM or the web, for as long as the service runs: files that were renewed count for the next connection. */
export class OwnTls {
  readonly #watch: { stop(): void };
  #identity: TlsIdentity;
  #changed: (identity: TlsIdentity) => void = () => {};

  private constructor(paths: TlsPaths, identity: TlsIdentity, log: Log, now: () => number, everyMs?: number) {
    this.#identity = identity;
    const { certificate } = paths;
    const noteEnd = (): void => {
      const days = Math.floor((certificateEnd(this.#identity.certificate) - now()) / 86_400_000);
      if (days < warnedDays) log.warn(days < 0 ? "tls-certificate-expired" : "tls-certificate-expires", { certificate, days });
    };
    noteEnd();
    const reload = async (): Promise<void> => {
      try {
        this.#identity = await readTlsFiles(paths, checkIdentity);
        this.#changed(this.#identity);
        log.info("tls-files-read-again", { certificate });
        noteEnd();
      } catch (error) {
        log.error("tls-files-unusable", { certificate, message: messageOf(error) }); // the earlier ones go on: half of a renewal is no reason to be away
      }
    };
    this.#watch = watchTlsFiles(paths, () => void reload(), everyMs);
  }

  /** Refused where the files can't be used. */
  static async open(paths: TlsPaths, log: Log, now: () => number, everyMs?: number): Promise<OwnTls> {
    return new OwnTls(paths, await readTlsFiles(paths, checkIdentity), log, now, everyMs);
  }

  get identity(): TlsIdentity {
    return this.#identity;
  }
  /** Calls `changed` with each identity that takes the place of the last one. */
  onChange(changed: (identity: TlsIdentity) => void): void {
    this.#changed = changed;
  }
  stop(): void {
    this.#watch.stop();
  }
}
