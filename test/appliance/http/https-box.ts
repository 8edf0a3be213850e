import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { start } from "../../peers/process.ts";
import { cli } from "../../scenarios/box.ts";

/** The service as a process of its own, its page over TLS, with these settings of the site file's sections beside the usual ones. */
export async function startHttpsBox(data: string, { http = {}, dicom = {} }: { http?: object; dicom?: object } = {}) {
  await mkdir(data, { recursive: true });
  const siteFile = join(data, "site.json");
  const site = { station: { name: "TEST" }, dicom: { aeTitle: "SEGBOX", port: 0, ...dicom }, http: { port: 0, ...http } };
  await writeFile(siteFile, JSON.stringify(site));
  const running = start(process.execPath, [cli, "serve", "--data", data, "--provision", siteFile]);
  const [line] = await running.waitForLine(/^\{"event":"listening".*/);
  const { httpPort, redirectPort, dicomTlsPort, isHttps } = JSON.parse(line) as {
    httpPort: number;
    redirectPort?: number;
    dicomTlsPort?: number;
    isHttps: boolean;
  };
  assert.equal(isHttps, true);
  return { port: httpPort, redirectPort, dicomTlsPort, process: running, [Symbol.asyncDispose]: async () => void (await running.stop()) };
}
