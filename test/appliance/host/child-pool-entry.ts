import { RefusedError } from "../../../appliance/base/errors.ts";
import { serveChild } from "../../../appliance/host/child-process.ts";

serveChild<{ what: "pid" | "refuse" | "crash" | "hang" }, never, number>(async ({ what }) => {
  if (what === "refuse") throw new RefusedError("no", "not this");
  if (what === "crash") process.kill(process.pid, "SIGKILL");
  if (what !== "pid") await new Promise(() => setInterval(() => {}, 1_000));
  return process.pid;
});
