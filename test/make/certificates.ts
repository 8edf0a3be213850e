import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../peers/process.ts";

/** Paths of PEM files. */
export type Certified = { readonly key: string; readonly certificate: string };

/** An authority of the test's own in a folder, by OpenSSL. */
export type Authority = {
  readonly certificate: string;
  readonly certify: (name: string, request?: string, days?: number) => Promise<Certified>;
};

export async function makeAuthority(folder: string, name = "authority"): Promise<Authority> {
  const [key, certificate] = [join(folder, `${name}.key`), join(folder, `${name}.pem`)];
  await openssl(
    "req",
    "-x509",
    "-newkey",
    "rsa:2048",
    "-noenc",
    "-days",
    "365",
    "-subj",
    `/CN=Test ${name}`,
    "-keyout",
    key,
    "-out",
    certificate,
  );
  return {
    certificate,
    /** For 127.0.0.1 and localhost, for a year where no other life is given; of a request where one is given, else of a new RSA key. */
    async certify(subject, request, days = 365) {
      const made = { key: join(folder, `${subject}.key`), certificate: join(folder, `${subject}.pem`) };
      const csr = request ?? join(folder, `${subject}.csr`);
      if (request === undefined)
        await openssl("req", "-new", "-newkey", "rsa:2048", "-noenc", "-subj", `/CN=${subject}`, "-keyout", made.key, "-out", csr);
      const extensions = join(folder, `${subject}.ext`);
      await writeFile(extensions, "subjectAltName=IP:127.0.0.1,DNS:localhost\n");
      const copied = request === undefined ? ["-extfile", extensions] : ["-copy_extensions", "copy"];
      await openssl(
        "x509",
        "-req",
        "-in",
        csr,
        "-CA",
        certificate,
        "-CAkey",
        key,
        "-CAcreateserial",
        "-days",
        String(days),
        ...copied,
        "-out",
        made.certificate,
      );
      return made;
    },
  };
}

export async function openssl(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run("openssl", args);
  assert.equal(code, 0, `openssl ${args[0]}: ${stderr}`);
  return stdout;
}
