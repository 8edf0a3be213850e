import { hostname } from "node:os";

/** What this machine is called in its network, in small letters: its host name, that name by mDNS (RFC 6762), and localhost. */
export function ownHostNames(): string[] {
  const name = hostname().toLowerCase();
  const isName = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/.test(name);
  return [...new Set([...(isName ? [name, `${name.split(".")[0]}.local`] : []), "localhost"])];
}
