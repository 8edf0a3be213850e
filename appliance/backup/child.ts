import { serveChild } from "../host/child-process.ts";
import { type BackupRequest, type WrittenBackup, writeBackup } from "./write-backup.ts";

/** A sign of life at most so often. */
const everyMs = 5_000;

serveChild<BackupRequest, null, WrittenBackup>((request, onProgress) => {
  let last = 0;
  return writeBackup(request, () => {
    const now = performance.now();
    if (now - last < everyMs) return;
    last = now;
    onProgress(null);
  });
});
