import { RefusedError } from "../base/errors.ts";
import { cross, dot, length } from "../volume/grid.ts";
import { type AcquisitionAttribute, acquisitionAttributes } from "./acquisition.ts";
import { fewestSlices, nameOf, type PlacedSlice, samePositionMm } from "./arrange-slices.ts";
import type { CtFrame } from "./ct-instance.ts";

export type AcquiredSlice = PlacedSlice & Pick<CtFrame, "acquisition">;

/** Localizers look along another axis; slices of one stack are parallel to a thousandth. */
const otherAxisCosine = Math.SQRT1_2;

/**
 * Leaves out single images that look along another axis than the stack does: localizers that do not say so. What is more than one or two, or
 * nearly parallel to the others, stays, and is refused where the stack is arranged.
 */
export function withoutStrayOrientations<Slice extends PlacedSlice>(
  slices: readonly Slice[],
): { readonly slices: readonly Slice[]; readonly notes: readonly string[] } {
  const groups = groupBy(slices, ({ orientation }) => orientation.map((cosine) => Math.round(100 * cosine)).join());
  const [main, ...others] = groups.toSorted((a, b) => b.length - a.length);
  if (!main || main.length < fewestSlices) return { slices, notes: [] };
  const stray = new Set(others.filter((group) => group.length < fewestSlices && looksAlongAnother(group[0]!, main[0]!)).flat());
  if (stray.size === 0) return { slices, notes: [] };
  const names = [...stray].map(nameOf).join(", ");
  return {
    slices: slices.filter((slice) => !stray.has(slice)),
    notes: [`${stray.size} image(s) that look along another axis than the slices were left out, as localizers: ${names}`],
  };
}

function looksAlongAnother(a: PlacedSlice, b: PlacedSlice): boolean {
  return Math.abs(dot(normalOf(a), normalOf(b))) < otherAxisCosine;
}

/**
 * Where several images lie at one position, the slices of one of the stacks that make them up: phases, acquisitions, reconstructions in one series. They
 * are told apart by the first attribute that makes stacks of which one has exactly one image at every position. If several do, it is the one that came
 * first: the lowest number or time, of texts the one whose images are numbered lowest. One stack is chosen, never a mixture, and the notes say which.
 * Slices that no attribute tells apart stay as they are. Refused: two stacks whose slices lie between each other's (`stacks-interleaved`).
 */
export function chooseStack<Slice extends AcquiredSlice>(
  slices: readonly Slice[],
): { readonly slices: readonly Slice[]; readonly notes: readonly string[] } {
  if (slices.length < fewestSlices) return { slices, notes: [] };
  const positions = positionsOf(slices);
  if (positions.count < fewestSlices) return { slices, notes: [] }; // one place over time is no volume
  const found = separate(slices, positions, separations);
  if (!found) return { slices, notes: [] };
  requireNotInterleaved(found.slices, positions);
  if (found.by.length === 0) return { slices, notes: [] };
  const left = slices.length - found.slices.length;
  const [chosen, others] = [found.by.map(({ chosen }) => chosen).join(", "), found.by.map(({ others }) => others).join("; ")];
  return {
    slices: found.slices,
    notes: [`the series holds several images at each position: those of ${chosen} were segmented, ${left} of ${others} were left out`],
  };
}

type Chosen<Slice> = { readonly slices: readonly Slice[]; readonly by: readonly { readonly chosen: string; readonly others: string }[] };
/** How slices fall apart into stacks, in the order in which these are to be chosen; null where they do not. */
type Separation = <Slice extends AcquiredSlice>(
  slices: readonly Slice[],
  positions: Positions,
) => readonly { readonly name: string; readonly slices: readonly Slice[] }[] | null;

const separations: readonly Separation[] = [
  ...acquisitionAttributes.flatMap(({ name, order }): Separation[] => [
    (slices) => byValue(slices, name, order),
    ...(order === "number" ? ([(slices, positions) => byRank(slices, positions, name)] satisfies Separation[]) : []),
  ]),
  bySize,
];

/** Separates until each position has one image; null where nothing does. */
function separate<Slice extends AcquiredSlice>(
  slices: readonly Slice[],
  positions: Positions,
  ways: readonly Separation[],
): Chosen<Slice> | null {
  if (slices.length === positions.count) return { slices, by: [] };
  for (const [at, way] of ways.entries()) {
    const stacks = way(slices, positions);
    if (!stacks || stacks.length < 2) continue;
    const whole = stacks.filter((stack) => new Set(stack.slices.map(positions.of)).size === positions.count);
    for (const stack of whole) {
      const rest = separate(stack.slices, positions, ways.slice(at + 1));
      if (!rest) continue;
      const others = stacks.filter((other) => other !== stack).map(({ name }) => name);
      return {
        slices: rest.slices,
        by: [{ chosen: stack.name, others: others.length > 3 ? `${others.length} others` : others.join(", ") }, ...rest.by],
      };
    }
  }
  return null;
}

function byValue<Slice extends AcquiredSlice>(slices: readonly Slice[], name: AcquisitionAttribute, order: "number" | "text") {
  const textIn = ({ acquisition }: Slice): string => acquisition.get(name) ?? "";
  const first = (group: readonly Slice[]): number =>
    order === "number" ? numberOf(group[0]!, name) : Math.min(...group.map(({ instanceNumber }) => instanceNumber ?? Infinity));
  return groupBy(slices, textIn)
    .toSorted((a, b) => compare(first(a), first(b)))
    .map((group) => ({ name: `${name} ${textIn(group[0]!) || "(none)"}`, slices: group }));
}

/**
 * The n-th image of each position, by a number that is another one for each slice, such as its time: only where all images of one round come before all of
 * the next.
 */
function byRank<Slice extends AcquiredSlice>(slices: readonly Slice[], positions: Positions, name: AcquisitionAttribute) {
  const atPositions = groupBy(slices, positions.of).map((group) => group.toSorted((a, b) => compare(numberOf(a, name), numberOf(b, name))));
  const rounds = atPositions[0]!.length;
  if (atPositions.some((group) => group.length !== rounds)) return null;
  const stacks = Array.from({ length: rounds }, (_, round) => atPositions.map((group) => group[round]!));
  const ranges = stacks.map((stack) => stack.map((slice) => numberOf(slice, name)));
  for (const [round, range] of ranges.entries()) if (round > 0 && !(Math.min(...range) > Math.max(...ranges[round - 1]!))) return null; // false for what is no number, too
  return stacks.map((slices, round) => ({ name: `${name} from ${Math.min(...ranges[round]!)}, round ${round + 1} of ${rounds}`, slices }));
}

/** Reconstructions of different fields of view or matrices. */
function bySize<Slice extends AcquiredSlice>(slices: readonly Slice[]) {
  const sizeOf = ({ columns, rows, pixelSpacingMm }: Slice): string =>
    `${columns} x ${rows} pixels of ${pixelSpacingMm.map((mm) => mm.toFixed(4)).join(" x ")} mm`;
  const first = (group: readonly Slice[]): number => Math.min(...group.map(({ instanceNumber }) => instanceNumber ?? Infinity));
  return groupBy(slices, sizeOf)
    .toSorted((a, b) => compare(first(a), first(b)))
    .map((group) => ({ name: sizeOf(group[0]!), slices: group }));
}

/** Attributes of which one stack has one value, or changes it once or twice from end to end. */
const constantAttributes: readonly AcquisitionAttribute[] = [
  "Temporal Position Index",
  "Temporal Position Identifier",
  "Nominal Percentage of Cardiac Phase",
  "Convolution Kernel",
];

/** Two stacks whose slices lie between each other's look like one that is twice as dense. */
function requireNotInterleaved(slices: readonly AcquiredSlice[], positions: Positions): void {
  const sorted = slices.toSorted((a, b) => positions.of(a) - positions.of(b));
  for (const name of constantAttributes) {
    const values = sorted.map(({ acquisition }) => acquisition.get(name));
    const kinds = new Set(values).size;
    const changes = values.filter((value, at) => at > 0 && value !== values[at - 1]).length;
    if (changes > 2 * (kinds - 1))
      throw new RefusedError(
        "stacks-interleaved",
        `expected the slices of one stack, found ${kinds} whose slices lie between each other's: ${name} changes ${changes} times from end to end`,
      );
  }
}

/** Which images lie at one position: the positions along the normal, counted from the lowest. */
export type Positions = { readonly count: number; readonly of: (slice: PlacedSlice) => number };

export function positionsOf(slices: readonly PlacedSlice[]): Positions {
  const normal = normalOf(slices[0]!);
  const sorted = slices.map((slice) => ({ slice, height: dot(slice.position, normal) })).toSorted((a, b) => a.height - b.height);
  const indices = new Map<PlacedSlice, number>();
  let index = -1;
  let from = -Infinity;
  for (const { slice, height } of sorted) {
    if (height - from >= samePositionMm) {
      index += 1;
      from = height;
    }
    indices.set(slice, index);
  }
  return { count: index + 1, of: (slice) => indices.get(slice)! };
}

function normalOf({ orientation: [a, b, c, d, e, f] }: PlacedSlice) {
  const normal = cross([a, b, c], [d, e, f]);
  const size = length(normal);
  return [normal[0] / size, normal[1] / size, normal[2] / size] as const;
}

/** What a number-like attribute says; of dates and times, whose digits run on, too. NaN for anything else. */
function numberOf({ acquisition }: AcquiredSlice, name: AcquisitionAttribute): number {
  return Number.parseFloat(acquisition.get(name) ?? "");
}

/** By rising number, what is none last. */
function compare(a: number, b: number): number {
  return (Number.isNaN(a) ? Infinity : a) - (Number.isNaN(b) ? Infinity : b) || 0;
}

function groupBy<T, Key>(values: readonly T[], keyOf: (value: T) => Key): (readonly T[])[] {
  return [...Map.groupBy(values, keyOf).values()];
}
