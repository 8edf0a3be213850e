import { RefusedError, UnavailableError } from "../base/errors.ts";
import { plainly } from "../base/system-errors.ts";
import { type Command, parseCommand, UsageError } from "./command.ts";

/** The commands by their first word, in the order of the overview; loaded when they are needed, since the service has to be small. */
const commandsOf: Readonly<Record<string, () => Promise<readonly Command[]>>> = {
  serve: async () => [(await import("./serve.ts")).serve],
  segment: async () => [(await import("./segment.ts")).segment],
  explain: async () => [(await import("./explain.ts")).explain],
  reproduce: async () => [(await import("./reproduce.ts")).reproduce],
  async node() {
    const { nodePause, nodeResume, nodeTest } = await import("./node.ts");
    const { nodeFind } = await import("./node-find.ts");
    const { nodePull } = await import("./node-pull.ts");
    const { nodeRemove } = await import("./node-remove.ts");
    const { nodeToken } = await import("./node-token.ts");
    return [nodeTest, nodeFind, nodePull, nodePause, nodeResume, nodeRemove, nodeToken];
  },
  model: async () => (await import("./model.ts")).modelCommands,
  tls: async () => [(await import("./tls.ts")).tlsRequest],
  async retention() {
    const { retentionPlan, retentionRun, retentionSettle } = await import("./retention.ts");
    return [retentionPlan, retentionRun, retentionSettle];
  },
  async study() {
    const { studyErase, studyExport } = await import("./study.ts");
    return [studyExport, studyErase];
  },
  user: async () => [(await import("./user.ts")).userAdd, ...(await import("./user-change.ts")).userCommands],
  async audit() {
    const { auditExport, auditList, auditVerify } = await import("./audit.ts");
    return [auditList, auditExport, auditVerify];
  },
  backup: async () => (await import("./backup.ts")).backupCommands,
  restore: async () => [(await import("./backup.ts")).restore],
  demo: async () => [(await import("./demo.ts")).demo],
};

if (Number(process.versions.node.split(".")[0]) !== 24) {
  process.stderr.write(`segbox: needs Node 24, found ${process.version}; start it by \`npm run segbox\`, which brings its own\n`);
  process.exit(2);
}

// As node's --disable-proto=delete, however this was started: a key of that name in what others send is a key like any other
// biome-ignore lint/suspicious/noProto: to be rid of it
delete (Object.prototype as { __proto__?: unknown }).__proto__;
process.umask(0o077); // whatever is written holds patient data, and is for this user alone
process.exitCode = await run(process.argv.slice(2));

/** 0: done. 1: refused or failed, with one line that says why. 2: the command line can't be understood. */
async function run(args: readonly string[]): Promise<number> {
  try {
    const [first = ""] = args;
    const group = Object.hasOwn(commandsOf, first) ? await commandsOf[first]!() : [];
    const command = group.find(({ words }) => words.every((word, index) => args[index] === word));
    if (!command) {
      if (args.length > 0 && !args.includes("--help"))
        throw new UsageError(`there is no command ${JSON.stringify(args[0])}; \`segbox --help\` lists them`);
      process.stdout.write(await overview());
      return args.length > 0 ? 0 : 2;
    }
    const rest = args.slice(command.words.length);
    if (rest.includes("--help")) {
      process.stdout.write(`${command.help.trim()}\n`);
      return 0;
    }
    return await command.run(parseCommand(command, rest));
  } catch (error) {
    process.stderr.write(`segbox: ${plainly(error).replaceAll(/\s*\n\s*/g, " ")}\n`);
    if (error instanceof UsageError) return 2;
    if (!(error instanceof RefusedError || error instanceof UnavailableError) && process.env.SEGBOX_STACKS)
      process.stderr.write(`${(error as Error).stack}\n`);
    return 1;
  }
}

async function overview(): Promise<string> {
  const commands = await Promise.all(Object.values(commandsOf).map((load) => load()));
  const lines = commands.flat().map(({ words, summary }) => `  ${words.join(" ").padEnd(14)} ${summary}`);
  return `Segbox segments CT series from the hospital network and returns DICOM SEG and RTSTRUCT.\n\n${lines.join("\n")}\n\nsegbox COMMAND --help tells more. Not a medical device.\n`;
}
