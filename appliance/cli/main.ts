import { RefusedError, UnavailableError } from "../base/errors.ts";
import { plainly } from "../base/system-errors.ts";
import { auditExport, auditList, auditVerify } from "./audit.ts";
import { backupCommands } from "./backup.ts";
import { type Command, parseCommand, UsageError } from "./command.ts";
import { demo } from "./demo.ts";
import { explain } from "./explain.ts";
import { modelCommands } from "./model.ts";
import { nodePause, nodeResume, nodeTest } from "./node.ts";
import { nodeFind } from "./node-find.ts";
import { nodePull } from "./node-pull.ts";
import { nodeRemove } from "./node-remove.ts";
import { nodeToken } from "./node-token.ts";
import { reproduce } from "./reproduce.ts";
import { retentionPlan, retentionRun, retentionSettle } from "./retention.ts";
import { segment } from "./segment.ts";
import { serve } from "./serve.ts";
import { studyErase, studyExport } from "./study.ts";
import { tlsRequest } from "./tls.ts";
import { userAdd } from "./user.ts";
import { userCommands } from "./user-change.ts";

const commands: readonly Command[] = [
  serve,
  segment,
  explain,
  reproduce,
  nodeTest,
  nodeFind,
  nodePull,
  nodePause,
  nodeResume,
  nodeRemove,
  nodeToken,
  ...modelCommands,
  tlsRequest,
  retentionPlan,
  retentionRun,
  retentionSettle,
  studyExport,
  studyErase,
  userAdd,
  auditList,
  auditExport,
  auditVerify,
  ...userCommands,
  ...backupCommands,
  demo,
];

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
  const command = commands.find(({ words }) => words.every((word, index) => args[index] === word));
  try {
    if (!command) {
      if (args.length > 0 && !args.includes("--help"))
        throw new UsageError(`there is no command ${JSON.stringify(args[0])}; \`segbox --help\` lists them`);
      process.stdout.write(overview());
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

function overview(): string {
  const lines = commands.map(({ words, summary }) => `  ${words.join(" ").padEnd(14)} ${summary}`);
  return `Segbox segments CT series from the hospital network and returns DICOM SEG and RTSTRUCT.\n\n${lines.join("\n")}\n\nsegbox COMMAND --help tells more. Not a medical device.\n`;
}
