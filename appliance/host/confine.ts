import { spawnSync } from "node:child_process";
import { totalmem } from "node:os";

/** What a child process may take of the machine. */
export type Confinement = {
  /** none: it can open no socket to anywhere, this machine included. */
  readonly network: "none" | "open";
  readonly memoryBytes: number | null;
};

type ForkOptions = { readonly execPath: string; readonly execArgv: string[] };

/** With the service's own needs left over. */
const shareOfMemory = 0.8;

/** Ways into an empty network: as root, or else in a user namespace of its own. The first that this system lets us go is taken. */
const ways = [["--net"], ["--user", "--map-current-user", "--net"]];
let found: { readonly unshare: readonly string[] | null; readonly canLimit: boolean } | undefined;

function findWays() {
  const works = (program: string, args: readonly string[]): boolean =>
    spawnSync(program, args, { stdio: "ignore", timeout: 5_000 }).status === 0;
  found ??= {
    unshare: ways.find((way) => works("unshare", [...way, "--", "true"])) ?? null,
    canLimit: works("prlimit", ["--data=1000000000", "--", "true"]),
  };
  return found;
}

/** How children are confined on this system; looks once. */
export function confinement(): Confinement {
  const { unshare, canLimit } = findWays();
  return { network: unshare ? "none" : "open", memoryBytes: canLimit ? Math.floor(totalmem() * shareOfMemory) : null };
}

/**
 * Options of `fork` for a child that reads what others sent: it has no network (a network namespace with nothing in it; its channel to us is a
 * socket pair and needs none), and its data may not grow past four fifths of the memory, so that the kernel takes it and nothing else. Both
 * by util-linux, which becomes the child: the process id is the child's. What the system does not allow is left out; {@link confinement} says so.
 */
export function confinedFork(memoryBytes = confinement().memoryBytes): ForkOptions {
  const { unshare, canLimit } = findWays();
  const limit = canLimit && memoryBytes !== null ? ["prlimit", `--data=${memoryBytes}`, "--"] : [];
  const [execPath, ...before] = [...(unshare ? ["unshare", ...unshare, "--"] : []), ...limit, process.execPath];
  const own = process.execArgv.filter((flag) => !flag.startsWith("--max-semi-space-size")); // that is to keep the service small; a child is to be fast
  return { execPath: execPath!, execArgv: [...before, "--disable-proto=delete", ...own] };
}
