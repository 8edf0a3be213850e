import assert from "node:assert/strict";
import { test } from "node:test";
import type { PeerInfo } from "../../../appliance/dimse/scp.ts";
import type { RemoteNode } from "../../../appliance/domain/remote-node.ts";
import { acceptAssociation } from "../../../appliance/pipeline/accept.ts";

const scanner: RemoteNode = { name: "scanner", aeTitle: "CT1", host: "10.1.2.3", port: 1 };
const peer: PeerInfo = { callingAeTitle: "CT1", calledAeTitle: "SEGBOX", remoteAddress: "10.1.2.3", associationId: 1 };
const none = { accept: false, reason: "calling-ae-not-recognized" };
const elsewhere = { ...none, detail: "address-not-known" };

function decide(caller: Partial<typeof peer>, nodes: readonly RemoteNode[] = [scanner], acceptUnknownCallers = false) {
  const resolveHost = async (host: string) => (host === "ct1.hospital" ? ["10.1.2.3", "fd00::3"] : []);
  return acceptAssociation({ ...peer, ...caller }, { aeTitles: ["SEGBOX", "SEGNECK"], acceptUnknownCallers, nodes, resolveHost });
}

test("a node we know, from its host, calling us by one of our titles, comes in", async () => {
  assert.deepEqual(await decide({}), { accept: true });
  assert.deepEqual(await decide({ calledAeTitle: "SEGNECK" }), { accept: true });
});

test("another title than ours is turned away, in whatever case, also where unknown callers come in", async () => {
  for (const calledAeTitle of ["ANY-SCP", "segbox", "SEG*"])
    assert.deepEqual(await decide({ calledAeTitle }, [scanner], true), { accept: false, reason: "called-ae-not-recognized" });
});

test("an unknown caller comes in only where the site lets it", async () => {
  assert.deepEqual(await decide({ callingAeTitle: "CT2" }), none);
  assert.deepEqual(await decide({ callingAeTitle: "CT?" }), none);
  assert.deepEqual(await decide({ callingAeTitle: "CT2" }, [scanner], true), { accept: true });
});

test("a known title from another address is turned away, and we know that it was the address", async () => {
  assert.deepEqual(await decide({ remoteAddress: "10.1.2.4" }), elsewhere);
  assert.deepEqual(await decide({ remoteAddress: "10.1.2.4" }, [scanner], true), { accept: true });
});

test("a host by its name calls from any of the addresses of the name", async () => {
  const named = [{ ...scanner, host: "ct1.hospital" }];
  assert.deepEqual(await decide({}, named), { accept: true });
  assert.deepEqual(await decide({ remoteAddress: "fd00::3" }, named), { accept: true });
  assert.deepEqual(await decide({}, [{ ...scanner, host: "gone.hospital" }]), elsewhere);
});

test("a node may call from other addresses and networks than its host", async () => {
  const many = [{ ...scanner, callsFrom: ["10.9.0.0/16", "10.1.2.77", "fd00::/64"] }];
  for (const remoteAddress of ["10.9.255.1", "10.1.2.77", "fd00::1234"])
    assert.deepEqual(await decide({ remoteAddress }, many), { accept: true });
  for (const remoteAddress of ["10.1.2.3", "10.10.0.1", "fd01::1"]) assert.deepEqual(await decide({ remoteAddress }, many), elsewhere);
});

test("of two nodes with one title either may call", async () => {
  const twins = [scanner, { ...scanner, name: "scanner 2", host: "10.1.2.4" }];
  assert.deepEqual(await decide({ remoteAddress: "10.1.2.4" }, twins), { accept: true });
});

test("a node that speaks TLS does not come in without, nor without a certificate that it needs, also where unknown callers do", async () => {
  const tls = { isAuthorized: false, protocol: "TLSv1.3", cipher: "TLS_AES_256_GCM_SHA384" };
  const lenient = [{ ...scanner, tls: { callerCertificate: "optional" as const } }];
  const strict = [{ ...scanner, tls: { callerCertificate: "required" as const } }];
  const refused = (detail: string) => ({ accept: false, reason: "no-reason", detail });
  for (const acceptUnknown of [false, true]) {
    assert.deepEqual(await decide({}, lenient, acceptUnknown), refused("tls-required"));
    assert.deepEqual(await decide({ tls }, lenient, acceptUnknown), { accept: true });
    assert.deepEqual(await decide({ tls }, strict, acceptUnknown), refused("certificate-required"));
    assert.deepEqual(await decide({ tls: { ...tls, isAuthorized: true } }, strict, acceptUnknown), { accept: true });
  }
  assert.deepEqual(await decide({ tls }), { accept: true }, "TLS is more than is asked for");
});
