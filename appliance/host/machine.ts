import { cpu, graphics, mem } from "systeminformation";

/** What this box is made of, for the log: support asks for it first. */
export type Machine = { readonly cpu: string; readonly cores: number; readonly memoryBytes: number; readonly gpus: string };

/** Asks the system's own tools; what they don't know is empty or 0. */
export async function readMachine(): Promise<Machine> {
  const [processor, memory, { controllers }] = await Promise.all([cpu(), mem(), graphics()]);
  return {
    cpu: `${processor.manufacturer} ${processor.brand}`.trim(),
    cores: processor.cores,
    memoryBytes: memory.total,
    gpus: controllers.map(({ vendor, model }) => `${vendor} ${model}`.trim()).join(", "),
  };
}
