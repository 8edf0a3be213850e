import { fetchWeights, releases, weightsOf } from "../../models/import/fetch-weights.ts";
import { type Command, optional, required, UsageError } from "./command.ts";

export const modelFetch: Command = {
  words: ["model", "fetch"],
  summary: "download published weights, on a machine with internet",
  help: `
segbox model fetch TASK --to DIR [--yes] [--mirror URL]

Says which archives of weights a task of TotalSegmentator needs and where they are published; with --yes it downloads and unpacks them into DIR,
for \`segbox model import --from DIR\` there or on the box. The box itself never needs the internet.

The authors publish no digests. What was fetched is written to DIR/fetched.json with its SHA-256, and checked against it the next time.

  --to DIR      where the weights go; the same folder for several tasks
  --yes         download
  --mirror URL  another place with RELEASE/FOLDER.zip below it
`,
  options: { to: { type: "string" }, yes: { type: "boolean" }, mirror: { type: "string" } },
  positionals: 1,
  async run(args) {
    const [name] = args.positionals;
    if (name === undefined) throw new UsageError("TASK is required; `segbox model list --catalogue` lists them");
    const to = required(args, "to");
    const say = (line: string): void => void process.stdout.write(`${line}\n`);
    const archives = weightsOf(name, optional(args, "mirror") ?? releases);
    for (const { url } of archives) say(url);
    say("no digest is published for these archives");
    if (args.values.yes !== true) {
      say(`nothing was downloaded: say --yes to download ${archives.length === 1 ? "it" : "them"} to ${to}`);
      return 0;
    }
    await fetchWeights(archives, to, say);
    say(`next: segbox model import --from ${to} --name ${name} --data DIR`);
    return 0;
  },
};
