import { createHash } from "node:crypto";
import type { Label } from "../../appliance/domain/model.ts";
import { catalogueLabel } from "../catalogue/catalogue.ts";
import { colourOf } from "../catalogue/colours.ts";

/**
 * Labels of a model by their names. A name that the catalogue knows gets its codes. Any other gets a code of our own private scheme whose
 * meaning is the name itself, and the category that claims least: a wrong standard code would make another structure of it wherever it is read.
 * Where such a name ends in `_left` or `_right`, as TotalSegmentator's do of what there is two of, the side is said in its code all the same.
 *
 * @returns the labels, numbered from 1 in the given order, and which of them have private codes
 */
export function labelsOf(names: readonly string[]): { readonly labels: readonly Label[]; readonly uncoded: readonly string[] } {
  const uncoded: string[] = [];
  const labels = names.map((name, index): Label => {
    const value = index + 1;
    const known = catalogueLabel(name);
    if (known) return { value, name, ...known };
    uncoded.push(name);
    return {
      value,
      name,
      title: titleOf(name),
      category: { value: "309825002", scheme: "SCT", meaning: "Spatial and Relational Concept" },
      // SH and LO of PS3.5 table 6.2-1: 16 and 64 letters.
      type: {
        value: `LABEL-${createHash("sha256").update(name).digest("hex").slice(0, 10)}`,
        scheme: "99SEGBOX",
        meaning: meaningOf(name),
      },
      modifiers: sideOf(name),
      anatomicRegion: null,
      color: colourOf(index),
      rtRoiInterpretedType: "",
    };
  });
  return { labels, uncoded };
}

/** PS3.16 CID 244. */
const sides = { left: { value: "7771000", scheme: "SCT", meaning: "Left" }, right: { value: "24028007", scheme: "SCT", meaning: "Right" } };

function sideOf(name: string): Label["modifiers"] {
  const side = /[_\s](left|right)$/i.exec(name)?.[1]?.toLowerCase();
  return side === "left" || side === "right" ? [sides[side]] : [];
}

function titleOf(name: string): string {
  const words = name.replaceAll(/[_\s]+/g, " ").trim() || name;
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** A Code Meaning: no backslash, no control characters, at most 64 letters. */
const meaningOf = (name: string): string =>
  titleOf(name)
    .replaceAll(/[\\\p{Cc}]/gu, " ")
    .slice(0, 64);
