import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { encodeRtstruct } from "../../appliance/dicom/rtstruct.ts";
import { encodeSeg } from "../../appliance/dicom/seg.ts";
import { axialGrid, plainTexts, request, sourceSeries } from "../make/result-request.ts";
import { temporaryFolder } from "../peers/folder.ts";
import { run } from "../peers/process.ts";
import { readBack, resultCases } from "./result-cases.ts";

const encoders = {
  seg: encodeSeg,
  rtstruct: encodeRtstruct,
  "rtstruct-explicit": (request: Parameters<typeof encodeRtstruct>[0]) => encodeRtstruct({ ...request, encoding: "explicit" }),
  "rtstruct-simplified": (request: Parameters<typeof encodeRtstruct>[0]) => encodeRtstruct({ ...request, simplifyMm: 0.5 }),
  "rtstruct-superseding": (request: Parameters<typeof encodeRtstruct>[0]) => encodeRtstruct({ ...request, predecessor: "2.25.77" }),
  "rtstruct-inner": (request: Parameters<typeof encodeRtstruct>[0]) => encodeRtstruct({ ...request, holes: "inner", simplifyMm: 0.5 }),
};
/** dciodvfy of Debian 12 does not know its type of contour, and plastimatch leaves such contours out. */
const innerXor = (request: Parameters<typeof encodeRtstruct>[0]) => encodeRtstruct({ ...request, holes: "inner-xor" });

test("dciodvfy finds no error in a SEG or an RTSTRUCT of any kind of series", async () => {
  await using folder = await temporaryFolder("dciodvfy");
  for (const [index, { name, request }] of resultCases().entries())
    for (const [kind, encode] of Object.entries(encoders)) {
      const file = join(folder.path, `${index}-${kind}.dcm`);
      writeFileSync(file, Buffer.concat([...encode(request)]));
      const { code, stderr } = await run("dciodvfy", ["-new", file]);
      assert.deepEqual(
        stderr.split("\n").filter((line) => /^Error/.test(line)),
        [],
        `${kind}, ${name}`,
      );
      assert.equal(code, 0);
      assert.match(stderr, kind === "seg" ? /^Segmentation$/m : /^RTStructureSet$/m);
    }
});

test("dciodvfy finds nothing in an RTSTRUCT with inner contours of type XOR but that type, which is younger than it", async () => {
  await using folder = await temporaryFolder("dciodvfy");
  const file = join(folder.path, "inner.dcm");
  const withHoles = resultCases().filter(({ name }) => ["nested rings", "one structure full of holes"].includes(name));
  assert.equal(withHoles.length, 2);
  for (const { name, request } of withHoles) {
    writeFileSync(file, Buffer.concat([...innerXor(request)]));
    const { stderr } = await run("dciodvfy", ["-new", file]);
    const faults = stderr.split("\n").filter((line) => line.startsWith("Error"));
    assert.ok(faults.length > 0, name);
    for (const fault of faults)
      assert.match(fault, /ContourGeometricType\(3006,0042\)\[1\]> - Unrecognized enumerated value = <CLOSEDPLANAR_XOR>$/);
  }
});

test("dcmtk reads what we write to its end, streams and long values included", async () => {
  await using folder = await temporaryFolder("dcmdump");
  const { request } = resultCases().find(({ name }) => name === "one structure full of holes")!;
  for (const [kind, encode] of Object.entries(encoders)) {
    const file = join(folder.path, `${kind}.dcm`);
    writeFileSync(file, Buffer.concat([...encode(request)]));
    const { code, stderr, stdout } = await run("dcmdump", ["-q", "+L", file]);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    assert.match(stdout, kind === "seg" ? /\(7fe0,0010\) OB/ : /\(300e,0002\) CS \[UNAPPROVED\]/);
  }
});

const python = (script: string) => async (casesFile: string) => {
  const { code, stderr } = await run("/usr/bin/python3", [join(import.meta.dirname, script), casesFile]);
  assert.equal(code, 0, stderr.slice(-2000));
};

test("pydicom puts every SEG frame back by its own position and gets the label map, voxel for voxel", async () => {
  await using folder = await temporaryFolder("seg");
  for (const { name, expected, found } of await readBack(folder.path, resultCases(), "seg", encodeSeg, python("seg_to_labels.py")))
    assert.ok(Buffer.from(found).equals(expected), name);
});

for (const [form, encode, cases] of [
  ["", encodeRtstruct, resultCases()],
  [", simplified by half a millimetre,", encoders["rtstruct-simplified"], resultCases()],
  [", with inner contours and simplified,", encoders["rtstruct-inner"], resultCases()],
  [", with inner contours of type XOR,", innerXor, resultCases().filter(({ name }) => ["nested rings", "multi-frame"].includes(name))],
] as const)
  test(`contours of an RTSTRUCT${form} filled again give the label map, voxel for voxel`, async () => {
    await using folder = await temporaryFolder("rtstruct");
    for (const { name, expected, found } of await readBack(folder.path, cases, "rtstruct", encode, python("rtstruct_to_labels.py")))
      assert.ok(Buffer.from(found).equals(expected), name);
  });

test("contours too long for explicit VR are read as well when written there", async () => {
  await using folder = await temporaryFolder("rtstruct");
  const sieve = resultCases().filter(({ name }) => name === "a sieve");
  const file = Buffer.concat([...encoders["rtstruct-explicit"](sieve[0]!.request)]);
  assert.ok(file.includes(Buffer.from([0x06, 0x30, 0x50, 0x00, 0x55, 0x4e, 0, 0])), "no contour is as long as to be written as UN");
  for (const { name, expected, found } of await readBack(
    folder.path,
    sieve,
    "rtstruct",
    encoders["rtstruct-explicit"],
    python("rtstruct_to_labels.py"),
  ))
    assert.ok(Buffer.from(found).equals(expected), name);
});

for (const [form, encode, options] of [
  ["keyholes", encodeRtstruct, []],
  ["inner contours, simplified", encoders["rtstruct-inner"], ["--xor-contours"]], // else it takes the union of contours
] as const)
  test(`plastimatch makes the same voxels of an RTSTRUCT with a hole and an island in it: ${form}`, async () => {
    await using folder = await temporaryFolder("plastimatch");
    const { request } = resultCases().find(({ name }) => name === "nested rings")!;
    const { dims, origin, steps } = request.source.grid;
    const file = join(folder.path, "rtstruct.dcm");
    writeFileSync(file, Buffer.concat([...encode(request)]));
    const spacing = [steps[0][0], steps[1][1], steps[2][2]];
    const geometry = ["--dim", dims.join(" "), "--origin", origin.join(" "), "--spacing", spacing.join(" ")];
    const { code, stdout, stderr } = await run("plastimatch", [
      "convert",
      "--input",
      file,
      "--output-prefix",
      folder.path,
      "--prefix-format",
      "mha",
      ...options,
      ...geometry,
    ]);
    assert.equal(code, 0, stdout + stderr);
    for (const { value, title } of request.manifest.labels) {
      const image = readFileSync(join(folder.path, `${title}.mha`));
      const voxels = image.subarray(image.length - request.labelMap.labels.length);
      assert.ok(voxels.equals(request.labelMap.labels.map((label) => (label === value ? 1 : 0))), title);
    }
  });

test("pydicom reads the patient's name of a result as the source means it", async () => {
  await using folder = await temporaryFolder("names");
  const cases: [charset: string, name: Buffer, meaning: string][] = [
    ["ISO_IR 100", Buffer.from("M\xfcller^J\xf6rg", "latin1"), "Müller^Jörg"],
    ["GB18030", Buffer.from("57616e675e5869616f446f6e673dcdf55ed0a1b6ab", "hex"), "Wang^XiaoDong=王^小东"],
    // PS3.5 H.3.1
    [
      "\\ISO 2022 IR 87",
      Buffer.from("59616d6164615e5461726f753d1b24423b3345441b28425e1b244242404f3a1b2842", "hex"),
      "Yamada^Tarou=山田^太郎",
    ],
    ["ISO_IR 192", Buffer.from("Łukasz^Żółć"), "Łukasz^Żółć"],
  ];
  const grid = axialGrid(2, 2, 2);
  const files = cases.flatMap(([charset, name], index) => {
    const source = sourceSeries(grid, { texts: { ...plainTexts, "00080005": charset, "00100010": name } });
    return Object.entries(encoders).map(([kind, encode]) => {
      const file = join(folder.path, `${index}-${kind}.dcm`);
      writeFileSync(file, Buffer.concat([...encode(request(source, new Uint8Array(8).fill(1), 1))]));
      return file;
    });
  });
  const { stdout, stderr } = await run("/usr/bin/python3", [join(import.meta.dirname, "show_names.py"), ...files]);
  assert.deepEqual(
    JSON.parse(stdout || "null"),
    cases.flatMap(([, , meaning]) => Object.keys(encoders).map(() => meaning)),
    stderr,
  );
});
