import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeRejectionNote } from "../../../appliance/dicom/rejection-note.ts";
import { rejection } from "../../make/sr-request.ts";
import { contentLines, items, parse } from "./content-lines.ts";

test("the note names the reason and each instance, by what kind it is of", () => {
  const note = parse(encodeRejectionNote(rejection()));
  assert.deepEqual(
    contentLines(note).filter((line) => !line.includes("OBS CONTEXT")),
    [
      "root: Rejected for Patient Safety Reasons",
      "  HAS CONCEPT MOD: Language of Content Item and Descendants = English",
      "  CONTAINS: Key Object Description = Left and right are swapped",
      "  CONTAINS: IMAGE = 2.25.444",
      "  CONTAINS: COMPOSITE = 2.25.888",
      "  CONTAINS: COMPOSITE = 2.25.999",
    ],
  );
  assert.deepEqual([note.string("x00080060"), note.string("x0020000e")], ["KO", "2.25.555"]);
});

test("a quality reason has the modifier that its title asks for", () => {
  const note = parse(encodeRejectionNote(rejection({ reason: "quality", description: "" })));
  const [title, modifier] = contentLines(note);
  assert.equal(title, "root: Rejected for Quality Reasons");
  assert.equal(modifier, "  HAS CONCEPT MOD: Document Title Modifier = Inappropriate image processing");
  assert.ok(!contentLines(note).some((line) => line.includes("Description")));
});

test("the evidence is what is rejected, in the study of the source", () => {
  const [study] = items(parse(encodeRejectionNote(rejection())), "x0040a375");
  assert.equal(study!.string("x0020000d"), "1.2.826.0.1.3680043.8.498.1");
  assert.deepEqual(
    items(study!, "x00081115").map((series) => items(series, "x00081199").map((sop) => sop.string("x00081155"))),
    [["2.25.444"], ["2.25.888", "2.25.999"]],
  );
});

test("the same request gives the same bytes", () => {
  const bytes = () => Buffer.concat([...encodeRejectionNote(rejection())]);
  assert.ok(bytes().equals(bytes()));
});

test("a note that rejects nothing is refused", () => {
  assert.throws(() => encodeRejectionNote(rejection({ rejected: [] })), { code: "rejection-empty" });
});
