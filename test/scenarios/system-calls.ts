/** A system call of a trace, by the lines of its beginning and its end: what began after another ended was made after it. */
export type SystemCall = { readonly name: string; readonly text: string; readonly began: number; readonly ended: number };

/** Reads what `strace -f -o FILE` wrote. Calls that others came between are put together; those that failed or never ended are left out. */
export function readTrace(trace: string): SystemCall[] {
  const open = new Map<string, { name: string; text: string; began: number }>();
  const calls: SystemCall[] = [];
  for (const [line, text] of trace.split("\n").entries()) {
    const [, thread = "", rest = ""] = /^(\d+) +(.*)$/.exec(text) ?? [];
    const resumed = /^<\.\.\. (\w+) resumed>(.*)$/.exec(rest);
    const begun = /^(\w+)\((.*)$/.exec(rest);
    if (resumed) {
      const call = open.get(thread);
      open.delete(thread);
      if (call && isDone(resumed[2]!)) calls.push({ ...call, text: call.text + resumed[2]!, ended: line });
    } else if (begun && rest.endsWith("<unfinished ...>")) open.set(thread, { name: begun[1]!, text: begun[2]!, began: line });
    else if (begun && isDone(rest)) calls.push({ name: begun[1]!, text: begun[2]!, began: line, ended: line });
  }
  return calls;
}

const isDone = (text: string): boolean => / = \d+/.test(text);
