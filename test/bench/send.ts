/** Our own sender as a process: `node send.ts PORT AE-TITLE FOLDER...` sends every file of the folders over one association. */
import { readdirSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { readFileMeta } from "../../appliance/dicom/part10.ts";
import { storeFiles } from "../../appliance/dimse/scu.ts";

const [port, aeTitle = "", ...folders] = process.argv.slice(2);
const paths = folders.flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)));
const files = [];
for (const path of paths) {
  const file = await open(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(4096), 0, 4096, 0);
  await file.close();
  files.push({ path, ...readFileMeta(buffer.subarray(0, bytesRead)) });
}
process.stdout.write("ready\n");
await new Promise((resolve) => process.stdin.once("data", resolve)); // the program's start is no part of sending
const outcomes = await storeFiles({ name: "bench", aeTitle, host: "127.0.0.1", port: Number(port) }, "SEGBOX", files);
process.exit(outcomes.every(({ kind }) => kind === "stored") ? 0 : 1);
