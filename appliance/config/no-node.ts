import { type LookupOptions, lookup } from "node:dns";
import { BlockList, isIP, type LookupFunction } from "node:net";
import { RefusedError } from "../base/errors.ts";

/**
 * Addresses at which no node can be: link-local ones, where clouds keep the secrets of their machines (169.254.169.254), of whole networks, and
 * "this host". A node's name, or a name server, may not lead there.
 */
const nowhere = [
  ["0.0.0.0", 8],
  ["169.254.0.0", 16],
  ["224.0.0.0", 3],
  ["::", 128],
  ["fe80::", 10],
  ["fd00:ec2::254", 128],
  ["ff00::", 8],
] as const;
const loopback = [
  ["127.0.0.0", 8],
  ["::1", 128],
] as const;

function listOf(subnets: readonly (readonly [string, number])[]): BlockList {
  const list = new BlockList();
  for (const [address, bits] of subnets) list.addSubnet(address, bits, isIP(address) === 6 ? "ipv6" : "ipv4");
  return list;
}

const notLocal = listOf([...nowhere, ...loopback]);
const alsoLocal = listOf(nowhere);
const local = listOf(loopback);

/** Whether only programs of this machine reach an address. */
export function isLoopback(address: string): boolean {
  return isBlocked(local, address);
}

/** Whether no node can be at an address, in case a site file gives it; false for names. */
export function isNowhere(host: string): boolean {
  return isBlocked(alsoLocal, host.replace(/^\[|\]$/g, ""));
}

/**
 * How the host of a node becomes an address, for `connect`. This machine's own services are reached only by a node whose host says so
 * (`127.0.0.1`, `localhost`), by no name that somebody points there. (`blockList` of `net.connect` would do, but `tls.connect` does not heed it.)
 */
export function nodeLookup(host: string): LookupFunction {
  const bare = host.replace(/^\[|\]$/g, "");
  const blocked = isLoopback(bare) || bare.toLowerCase() === "localhost" ? alsoLocal : notLocal;
  if (isBlocked(blocked, bare)) throw notAllowed(bare);
  return (name: string, options: LookupOptions, done) =>
    lookup(name, { ...options, all: true }, (error, found) => {
      if (error) return done(error, "");
      const allowed = found.filter(({ address }) => !isBlocked(blocked, address));
      const [first] = allowed;
      if (!first) done(notAllowed(name), "");
      else if (options.all) done(null, allowed);
      else done(null, first.address, first.family);
    });
}

function isBlocked(list: BlockList, address: string): boolean {
  return isIP(address) !== 0 && list.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
}

function notAllowed(host: string): RefusedError {
  return new RefusedError(
    "address-not-allowed",
    `${host} leads to an address where no node can be; check the name server, and write loopback addresses into the site file as they are`,
  );
}
