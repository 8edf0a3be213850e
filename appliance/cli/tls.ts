import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { dataFolder } from "../config/data-folder.ts";
import { makePrivateKey, requestCertificate } from "../host/certificate-request.ts";
import { readIfThere } from "../host/key-file.ts";
import { auditFirst } from "./audit-first.ts";
import { type Command, optional, required, UsageError } from "./command.ts";

export const tlsRequest: Command = {
  words: ["tls", "request"],
  summary: "make a private key and a certificate signing request for DICOM TLS",
  help: `
segbox tls request NAME... --data DIR [--organization TEXT]

Writes DIR/tls/key.pem, where there is none yet, and DIR/tls/request.pem, which the hospital's certificate authority signs. The key stays on this
box. NAME: host names and IP addresses that peers reach the box by. The key, the certificate that comes back and the authorities to believe are
named in the site file, under dicom.tls; a running service takes a renewed certificate by itself.

  --data DIR           the service's data folder
  --organization TEXT  the hospital's name, for the certificate
`,
  options: { data: { type: "string" }, organization: { type: "string" } },
  positionals: 64,
  async run(args) {
    const { positionals: names } = args;
    if (names.length === 0) throw new UsageError("NAME is required: a host name or IP address of this box");
    const data = dataFolder(required(args, "data"));
    await auditFirst(data, { action: "certificate-requested", object: "setting:dicom-tls", detail: { names } });
    const folder = join(data.root, "tls");
    await mkdir(folder, { recursive: true });
    const [keyPath, requestPath] = [join(folder, "key.pem"), join(folder, "request.pem")];
    const key = (await readIfThere(keyPath))?.toString("utf8") ?? makePrivateKey();
    await writeFile(keyPath, key, { mode: 0o600 });
    await writeFile(requestPath, requestCertificate(key, { names, organization: optional(args, "organization") ?? "" }));
    process.stdout.write(`wrote ${requestPath}; the key is ${keyPath}\n`);
    return 0;
  },
};
