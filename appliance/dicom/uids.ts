import { createHash, randomUUID } from "node:crypto";
import type { Uid } from "../domain/ids.ts";

/** Names this software towards peers and in files it writes: (0002,0012), PS3.7 D.3.3.2.1. The decimal value of a random UUID, fixed for good (PS3.5 B.2). */
export const implementationClassUid: Uid = "2.25.172713914570896247653255250704302929132";
/** (0002,0013) and PS3.7 D.3.3.2.3, at most 16 characters. */
export const implementationVersionName = "SEGBOX_0_1";

/** A UID nobody else has: `2.25.` and the decimal value of a random UUID. PS3.5 B.2. */
export function newUid(newUuid: () => string = randomUUID): Uid {
  return uidOfUuid(newUuid());
}

/**
 * The UID of a thing that belongs to another one, the same at every call: `2.25.` and a version 5 UUID (RFC 9562 5.5) in the namespace for
 * OIDs, named `owner/name`. An object that is encoded again after a power cut thus carries the same UIDs inside.
 */
export function derivedUid(owner: Uid, name: string): Uid {
  const oidNamespace = Buffer.from("6ba7b8129dad11d180b400c04fd430c8", "hex");
  const hash = createHash("sha1").update(oidNamespace).update(`${owner}/${name}`).digest().subarray(0, 16);
  hash[6] = (hash[6]! & 0x0f) | 0x50;
  hash[8] = (hash[8]! & 0x3f) | 0x80;
  return uidOfUuid(hash.toString("hex"));
}

function uidOfUuid(uuid: string): Uid {
  return `2.25.${BigInt(`0x${uuid.replaceAll("-", "")}`)}`;
}
