import assert from "node:assert/strict";
import { existsSync, globSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { parseDicomSettings } from "../../appliance/config/dicom-settings.ts";
import { parseHttpSettings } from "../../appliance/config/http-settings.ts";
import { run } from "../peers/process.ts";

const root = join(import.meta.dirname, "../..");
const folder = join(root, "provisioning/hospital");
const documents = readdirSync(folder).map((name) => ({
  name,
  text: readFileSync(join(folder, name), "utf8").replaceAll(/```[\s\S]*?```/g, ""),
}));
const sources = globSync("{appliance,models,provisioning}/**/*.ts", { cwd: root })
  .map((path) => readFileSync(join(root, path), "utf8"))
  .join("\n");
const example = readFileSync(join(root, "provisioning/example.yaml"), "utf8");
const scripts = Object.keys((JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { scripts: object }).scripts);

const quoted = documents.flatMap(({ name, text }) => Array.from(text.matchAll(/`([^`]+)`/g), ([, word = ""]) => ({ name, word })));

/** Whether the site file has such a setting: each of its words is a key of the example. */
const isSetting = (word: string): boolean =>
  /^[a-zA-Z]+(\.[a-zA-Z]+)*$/.test(word) && word.split(".").every((key) => new RegExp(`^[# -]*${key}:`, "m").test(example));

test("each file, command, setting, script and event that the hospital's documents name is there", async () => {
  const { stdout } = await run(process.execPath, [join(root, "appliance/cli/main.ts"), "--help"]);
  const commands = Array.from(stdout.matchAll(/^ {2}([a-z]+(?: [a-z]+)*) /gm), ([, words = ""]) => words.trim());
  const isThere = (word: string): boolean => {
    if (/^segbox [a-z]/.test(word)) return commands.some((words) => word === `segbox ${words}` || word.startsWith(`segbox ${words} `));
    if (word === "segbox COMMAND --help") return true;
    if (word.startsWith("npm run ")) return scripts.includes(word.slice("npm run ".length));
    if (/\.(ts|md|yaml|sql)$/.test(word)) return existsSync(join(root, word));
    // of the data folder, events, reasons, flags, headers: as the sources write them
    const inSources = [word, word.replace(/\/$/, ""), word.split("/").at(-1)!, ...word.split(": ").slice(-1)];
    return isSetting(word) || isSetting(word.split(":")[0]!) || inSources.some((text) => text !== "" && sources.includes(`"${text}"`));
  };
  assert.deepEqual(
    quoted.filter(({ word }) => !isThere(word)),
    [],
  );
  assert.ok(quoted.length > 100);
});

test("each link leads somewhere", () => {
  const dead = documents.flatMap(({ name, text }) =>
    Array.from(text.matchAll(/\]\(([^)#]+)\)/g), ([, target = ""]) => target)
      .filter((target) => !existsSync(join(dirname(join(folder, name)), target)))
      .map((target) => `${name}: ${target}`),
  );
  assert.deepEqual(dead, []);
});

test("the ports are those that the service takes by default", () => {
  const { text } = documents.find(({ name }) => name === "security-overview.md")!;
  const named = Array.from(text.matchAll(/^\| (\d+) \| in \|/gm), ([, port]) => Number(port));
  const dicom = parseDicomSettings({ aeTitle: "X", tls: { key: "/k", certificate: "/c" } });
  const http = parseHttpSettings({ address: "127.0.0.1" });
  assert.deepEqual(named, [dicom.port, dicom.tls!.port, http.port]);
  assert.deepEqual([dicom.address, parseHttpSettings({}).address], ["127.0.0.1", "127.0.0.1"]);
  assert.equal(http.redirectPort, undefined);
});
