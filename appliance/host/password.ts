import { argon2, randomBytes, timingSafeEqual } from "node:crypto";

/** OWASP Password Storage Cheat Sheet, Argon2id: 19 MiB, two passes, one lane. */
const cost = { memory: 19_456, passes: 2, parallelism: 1 };

/**
 * An argon2id hash with its salt and parameters in PHC form, `$argon2id$v=19$m=19456,t=2,p=1$salt$hash`, for the user table.
 * Whether the password is a good one is another question: `../api/new-password.ts`.
 */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const hash = await derive(password, { ...cost, salt, tagLength: 32 });
  return `$argon2id$v=19$m=${cost.memory},t=${cost.passes},p=${cost.parallelism}$${base64(salt)}$${base64(hash)}`;
}

/** Whether the password is the one that was hashed, with the parameters it was hashed with. A hash that can't be read is a fault of ours. */
export async function verifyPassword(password: string, phc: string): Promise<boolean> {
  const [, memory, passes, parallelism, salt = "", hash = ""] =
    /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{43,86})$/.exec(phc) ?? [];
  if (!memory) throw new Error("a stored password hash is not in the form of $argon2id$v=19$m=…,t=…,p=…$salt$hash");
  const expected = Buffer.from(hash, "base64");
  const found = await derive(password, {
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
    salt: Buffer.from(salt, "base64"),
    tagLength: expected.length,
  });
  return timingSafeEqual(found, expected);
}

type Parameters = { memory: number; passes: number; parallelism: number; salt: Buffer; tagLength: number };

function derive(password: string, { salt, ...parameters }: Parameters): Promise<Buffer> {
  // NFC, RFC 8265 section 4.2.2: the same letters typed on another keyboard or system are the same password
  const message = Buffer.from(password.normalize("NFC"));
  return new Promise((resolve, reject) =>
    argon2("argon2id", { message, nonce: salt, ...parameters }, (error, hash) => (error ? reject(error) : resolve(hash))),
  );
}

function base64(bytes: Buffer): string {
  return bytes.toString("base64").replace(/=+$/, "");
}
