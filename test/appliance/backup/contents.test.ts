import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileKeys, filesNamedIn } from "../../../appliance/backup/contents.ts";

const config = join(import.meta.dirname, "../../../appliance/config");

test("each setting that names a file is called so that backups find it", () => {
  const text = globSync("*.ts", { cwd: config })
    .map((name) => readFileSync(join(config, name), "utf8"))
    .join("\n");
  const keys = Array.from(text.matchAll(/(\w+): file\b/g), ([, key = ""]) => key);
  assert.ok(keys.length >= 12, String(keys));
  assert.deepEqual(
    keys.filter((key) => !fileKeys.test(key)),
    ["folder"], // where backups go
  );
});

test("files are found at any depth, and nothing else is taken for one", () => {
  const settings = [
    { tls: { key: "/a/key.pem", certificate: "/a/certificate.pem", port: 2762 }, names: ["/no"] },
    { tls: "own", provider: { clientSecretFile: "/b/secret", issuer: "https://x/" }, folder: "/backups" },
    [{ dicomweb: { url: "/no", tokenFile: "/c/token" } }, { key: "relative" }],
    undefined,
    null,
  ];
  assert.deepEqual(filesNamedIn(settings), ["/a/key.pem", "/a/certificate.pem", "/b/secret", "/c/token"]);
});
