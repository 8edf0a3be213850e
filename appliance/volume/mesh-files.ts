import type { TriangleMesh } from "./marching-cubes.ts";
import type { NamedLabel } from "./nifti.ts";

/**
 * Coordinates of both formats are LPS mm, as in DICOM, and their headers say so: neither format has a field for it, and 3D Slicer, which
 * reads `SPACE=LPS` or `SPACE=RAS` there and takes LPS where it finds neither, writes LPS too. A program that thinks in RAS without
 * reading that turns the model half around about the body's long axis, which mirrors nothing.
 *
 * @source github.com/Slicer/SlicerGitSVNArchive, pull requests 798 and 1309
 */
const space = "SPACE=LPS";

const trianglesPerChunk = 20_000;

/** A structure with its surface in LPS mm. */
export type NamedMesh = { readonly label: NamedLabel; readonly mesh: TriangleMesh };

/** A binary STL file, in pieces. STL knows neither names nor colours, so each structure is a file of its own; the header has the name. */
export function* encodeStl({ label, mesh }: NamedMesh): Generator<Uint8Array> {
  const { positions, triangles } = mesh;
  const count = triangles.length / 3;
  const header = new Uint8Array(84).fill(0x20, 0, 80);
  // Readers take a file that begins with "solid" for a text file.
  header.set(new TextEncoder().encode(`Segbox ${space} mm ${asciiWord(label.name)}`.slice(0, 80)));
  new DataView(header.buffer).setUint32(80, count, true);
  yield header;
  for (let first = 0; first < count; first += trianglesPerChunk) {
    const here = Math.min(trianglesPerChunk, count - first);
    const view = new DataView(new ArrayBuffer(50 * here));
    for (let n = 0, to = 0; n < here; n++, to += 50) {
      const [a, b, c] = [0, 1, 2].map((corner) => 3 * triangles[3 * (first + n) + corner]!) as [number, number, number];
      for (const [axis, part] of normalOf(positions, a, b, c).entries()) view.setFloat32(to + 4 * axis, part, true);
      for (let axis = 0; axis < 3; axis++) {
        view.setFloat32(to + 12 + 4 * axis, positions[a + axis]!, true);
        view.setFloat32(to + 24 + 4 * axis, positions[b + axis]!, true);
        view.setFloat32(to + 36 + 4 * axis, positions[c + axis]!, true);
      }
    }
    yield new Uint8Array(view.buffer);
  }
}

function normalOf(positions: Float64Array, a: number, b: number, c: number): number[] {
  const [ux, uy, uz] = [0, 1, 2].map((axis) => positions[b + axis]! - positions[a + axis]!) as [number, number, number];
  const [vx, vy, vz] = [0, 1, 2].map((axis) => positions[c + axis]! - positions[a + axis]!) as [number, number, number];
  const normal = [uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx];
  const length = Math.hypot(...normal);
  return length === 0 ? [0, 0, 0] : normal.map((part) => part / length);
}

/**
 * A Wavefront OBJ file of all structures, in pieces: one object each, by name, with its colour from the material file. Meshes are taken one
 * by one, so that they can be made on the way.
 *
 * @param materialFile name of the file that {@link encodeMtl} makes, in the same folder
 */
export function* encodeObj(meshes: Iterable<NamedMesh>, materialFile: string): Generator<Uint8Array> {
  const encoder = new TextEncoder();
  yield encoder.encode(
    `# ${space}\n# units: mm; x to the patient's left, y to posterior, z to superior\nmtllib ${asciiWord(materialFile)}\n`,
  );
  let pointsBefore = 1; // OBJ counts points from 1, through the whole file
  for (const { label, mesh } of meshes) {
    const { positions, triangles } = mesh;
    const name = asciiWord(label.name);
    yield encoder.encode(`o ${name}\nusemtl ${name}\n`);
    for (let first = 0; first < positions.length; first += 3 * trianglesPerChunk) {
      let text = "";
      for (let at = first; at < Math.min(positions.length, first + 3 * trianglesPerChunk); at += 3)
        text += `v ${millimetres(positions[at]!)} ${millimetres(positions[at + 1]!)} ${millimetres(positions[at + 2]!)}\n`;
      yield encoder.encode(text);
    }
    for (let first = 0; first < triangles.length; first += 3 * trianglesPerChunk) {
      let text = "";
      for (let at = first; at < Math.min(triangles.length, first + 3 * trianglesPerChunk); at += 3)
        text += `f ${triangles[at]! + pointsBefore} ${triangles[at + 1]! + pointsBefore} ${triangles[at + 2]! + pointsBefore}\n`;
      yield encoder.encode(text);
    }
    pointsBefore += positions.length / 3;
  }
}

/** The material file beside an OBJ file: a colour for each structure. */
export function encodeMtl(labels: readonly NamedLabel[]): Uint8Array {
  return new TextEncoder().encode(
    labels
      .map(({ name, color }) => `newmtl ${asciiWord(name)}\nKd ${color.map((part) => (part / 255).toFixed(4)).join(" ")}\nd 1\nillum 1\n`)
      .join("\n"),
  );
}

/** Text to the micrometre: finer than float32 at the far end of a patient. */
function millimetres(value: number): string {
  return Number(value.toFixed(3)).toString();
}

/** A name that needs no quoting and no other character set: both formats end a name at a blank, and know ASCII only. */
function asciiWord(text: string): string {
  return text.replace(/[^\x21-\x7e]/g, "_") || "_";
}
