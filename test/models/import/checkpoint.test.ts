import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { Checkpoint } from "../../../models/import/checkpoint.ts";
import { readPickle } from "../../../models/import/pickle.ts";
import { torchRules } from "../../../models/import/torch-values.ts";
import { ZipArchive } from "../../../models/import/zip.ts";
import { type TemporaryFolder, temporaryFolder } from "../../peers/folder.ts";
import { python } from "../../peers/python.ts";

let folder: TemporaryFolder;
let marker: string;
let values: Readonly<Record<string, readonly [dims: readonly number[], values: readonly number[]]>>;

before(async () => {
  folder = await temporaryFolder("checkpoints");
  marker = join(folder.path, "it-was-run");
  values = (await python("test/models/import/hostile.py", { out: folder.path, marker })) as typeof values;
});
after(async () => await folder[Symbol.asyncDispose]());

async function refusalOf(name: string): Promise<{ code: string; message: string }> {
  try {
    await using checkpoint = await Checkpoint.open(join(folder.path, `${name}.pth`));
    for (const tensor of checkpoint.tensors.keys()) await checkpoint.read(tensor);
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    assert.equal((error as Error).name, "RefusedError", String((error as Error).stack));
    assert.doesNotMatch(message, /\n/);
    assert.ok(message.includes(name), `${message} names the file`);
    return { code, message };
  }
  assert.fail(`${name} was read`);
}

const unsafe = {
  "os-system": /names posix\.system/,
  "os-system-protocol-4": /names posix\.system/,
  "posix-system": /names posix\.system/,
  "builtins-eval": /names (__builtin__|builtins)\.eval/,
  "builtins-exec": /names (__builtin__|builtins)\.exec/,
  subprocess: /names (commands|subprocess)\.call/, // Python 2's name in protocol 2
  getattr: /names (__builtin__|builtins)\.getattr/,
  "torch-load": /names torch\.serialization\.load/,
  key: /names posix\.system/,
  global: /names os\.system/,
  "called-name": /calls torch\.FloatStorage, which is only a name/,
};
for (const [name, expected] of Object.entries(unsafe))
  test(`a pickle with ${name} is refused by name and not run`, async () => {
    const { code, message } = await refusalOf(name);
    assert.equal(code, "pickle-unsafe");
    assert.match(message, expected);
    assert.match(message, /nothing of it was run/);
    assert.ok(!existsSync(marker));
  });

const broken: Readonly<Record<string, readonly [code: string, message: RegExp]>> = {
  inst: ["pickle-unreadable", /a step \(0x69\) that torch does not write/],
  "tensor-of-nothing": ["pickle-unreadable", /a tensor of an unknown form/],
  deep: ["pickle-unreadable", /nested deeper than 1000/],
  recall: ["pickle-unreadable", /recalls what was never there/],
  dictionaries: ["pickle-unreadable", /more than 500000 dictionaries/],
  "endless-string": ["pickle-unreadable", /it is cut off/],
  "not-a-pickle": ["pickle-unreadable", /a step \(0x68\)|recalls/],
  other: ["checkpoint-unknown", /expected network_weights, found state_dict, epoch/],
  "past-storage": ["pickle-unreadable", /a tensor \[2,3\] reaches past its storage of 6 elements/],
  "storage-too-short": ["checkpoint-damaged", /weight a: expected 24 bytes in data\/0, found 20/],
  "storage-missing": ["checkpoint-damaged", /weight a: expected 24 bytes in data\/0, found none/],
  "huge-view": ["pickle-unreadable", /of more elements than its storage has/],
  "big-endian": ["checkpoint-unknown", /its numbers are "big"-endian/],
  negative: ["pickle-unreadable", /a tensor of an unknown form/],
  "cut-in-half": ["archive-unreadable", /it is cut off or no zip file/],
  "cut-at-the-end": ["archive-unreadable", /it is cut off or no zip file/],
  empty: ["archive-unreadable", /it is cut off or no zip file/],
  text: ["archive-unreadable", /it is cut off or no zip file/],
  "before-1.6": ["archive-unreadable", /it is cut off or no zip file/],
  "flipped-bit": ["archive-unreadable", /its checksum is wrong, so the file is damaged/],
  overlap: ["archive-unreadable", /archive\/data\/1 lies over another file/],
  bomb: ["archive-unreadable", /claims 3000000000 bytes out of \d+, more than can be packed/],
};
for (const [name, [code, message]] of Object.entries(broken))
  test(`${name} is refused in one line`, async () => {
    const refusal = await refusalOf(name);
    assert.equal(refusal.code, code, refusal.message);
    assert.match(refusal.message, message);
  });

for (const name of ["unusual", "unusual-protocol-5", "wrapped"])
  test(`strides, shared storages and every element type come out as torch sees them: ${name}`, async () => {
    await using checkpoint = await Checkpoint.open(join(folder.path, `${name}.pth`));
    assert.deepEqual([...checkpoint.tensors.keys()], Object.keys(values));
    for (const [key, [dims, expected]] of Object.entries(values)) {
      assert.deepEqual(checkpoint.tensors.get(key)?.dims, dims, key);
      assert.deepEqual([...(await checkpoint.read(key))], expected, key);
    }
    assert.deepEqual([checkpoint.trainer, checkpoint.configuration, checkpoint.mirrorAxes], ["nnUNetTrainer", "3d_fullres", [0, 1, 2]]);
  });

test("a pickle with any bytes changed is read or refused, never anything else", async () => {
  await using archive = await ZipArchive.open(join(folder.path, "unusual.pth"));
  const whole = await archive.read(archive.entries.get("unusual/data.pkl") ?? [...archive.entries.values()][0]!);
  const changes = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(changes, (list) => {
      const bytes = Uint8Array.from(whole);
      for (const [at, value] of list) bytes[at] = value;
      try {
        readPickle(bytes, torchRules);
      } catch (error) {
        assert.equal((error as Error).name, "RefusedError", String((error as Error).stack));
      }
    }),
    { numRuns: 1000 },
  );
  assert.ok(!existsSync(marker));
});
