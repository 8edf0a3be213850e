/** What the system's error codes mean to a person, and what to do where that is the same everywhere. */
const meanings: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EADDRINUSE: "another program listens there already; stop that, or choose another port",
  EADDRNOTAVAIL: "this machine does not have that address",
  EAI_AGAIN: "the name server does not answer",
  ECONNREFUSED: "nothing listens there",
  ECONNRESET: "the other side cut the connection",
  EDQUOT: "the disk quota is used up",
  EEXIST: "there is a file of that name already",
  EHOSTDOWN: "the host is down",
  EHOSTUNREACH: "there is no way to that host",
  EISDIR: "that is a folder",
  EMFILE: "too many files are open",
  ENETDOWN: "the network is down",
  ENETUNREACH: "there is no way to that network",
  ENOENT: "there is no such file or folder",
  ENOSPC: "the disk is full",
  ENOTDIR: "that is no folder",
  ENOTFOUND: "there is no host of that name",
  EPERM: "not permitted",
  EPIPE: "the other side closed the connection",
  EROFS: "the file system is read-only",
  ETIMEDOUT: "no answer in time",
};

/** An error of the system as a line for a person: `127.0.0.1:8443: another program listens there already; … (EADDRINUSE)`. Others as they say it. */
export function plainly(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const {
    code = "",
    path,
    address,
    port,
    hostname,
  } = error as Error & {
    readonly code?: string;
    readonly path?: string;
    readonly address?: string;
    readonly port?: number;
    readonly hostname?: string;
  };
  const meaning = Object.hasOwn(meanings, code) ? meanings[code] : undefined;
  if (meaning === undefined) return error.message || code;
  const where = path ?? (address === undefined ? hostname : port === undefined ? address : `${address}:${port}`);
  return `${where === undefined ? "" : `${where}: `}${meaning} (${code})`;
}
