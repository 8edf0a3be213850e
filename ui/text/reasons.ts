import type { Reason } from "../../appliance/api/reason.ts";
import { text } from "./en.ts";
import { legible } from "./format.ts";

const sendAgain = "Check at the scanner or PACS whether the whole series is there and as it should be, and send it again.";
const oneStack = "Several images lie at one place. Send each phase or reconstruction as a series of its own.";
const damaged = "The images are damaged, or in a form that can't be read here. Send them again from where they were made.";
const askAboutModels = "Ask the engineer to look at the installed models and at the rule.";
const askAboutDestination =
  "Check at the destination that it knows this box and takes SEG and RTSTRUCT; then an engineer can try again here.";

/**
 * What to do about a reason, by its code; the reason itself is the box's own sentence, which has the numbers. A code without a line here
 * gets the advice of its kind.
 */
const advice: Readonly<Record<string, string>> = {
  // a rule did not take it
  modality: "Segbox segments CT. Send the CT series of the study, or leave it at that.",
  "calling-ae-title": "The rule takes series from certain senders only. Add the sender to the rule if this one should count.",
  "series-description": "The rule takes series by their description. Adapt the rule if this one should count.",
  localizer: "This is the scan for planning, not the scan. Nothing needs to be done.",
  "not-ct-images": "Screenshots and dose reports can't be segmented. Nothing needs to be done.",
  "too-few-slices": sendAgain,
  "not-axial": "Send the axial reconstruction of the scan.",
  "no-rules": "Ask the engineer to set up a rule.",
  "instance-ambiguous": "Two different images came under the same identifier. Find out at the sender which one is right.",
  // its images make no volume
  "slices-uneven": sendAgain,
  "slices-misaligned": sendAgain,
  "slices-not-a-volume": oneStack,
  "stacks-interleaved": oneStack,
  "single-slice": sendAgain,
  "sizes-mixed": sendAgain,
  "spacings-mixed": sendAgain,
  "orientations-mixed": sendAgain,
  "frames-missing": sendAgain,
  "gantry-tilt": "Its slices are pushed sideways further than a gantry can tilt. Send another reconstruction.",
  "not-hounsfield": "Send a reconstruction whose values are Hounsfield units.",
  "volume-too-large": "Send a reconstruction with fewer or smaller slices.",
  // its images can't be read
  "dicom-malformed": damaged,
  "dicom-truncated": damaged,
  "file-unreadable": damaged,
  "pixel-data-malformed": damaged,
  "pixel-data-missing": damaged,
  "pixel-data-truncated": damaged,
  "pixel-format-unsupported": damaged,
  "transfer-syntax-unsupported": damaged,
  // the box
  "model-missing": askAboutModels,
  "model-digest": askAboutModels,
  "model-fails": askAboutModels,
  restored: "This box was restored from a backup, which has no images. Send the series again; then try again here where it is offered.",
  "memory-exhausted": "The box had too little memory for this series. An engineer can try again when less is going on.",
  // the way back
  "destination-missing": "Ask the engineer to add the destination again; then try again here.",
  "node-missing": "Ask the engineer to add the destination again; then try again here.",
  "association-rejected": askAboutDestination,
  "sender-unknown": "Ask the engineer to add the sender as a node; then try again here.",
  "sender-ambiguous": "Ask the engineer to give each node an AE title of its own, or to name the destination in the rule.",
  "class-refused":
    "Set the destination up to take this class of object, or have the engineer name another one in the rule that goes in its place.",
  "output-failed": "Ask the engineer to look at the box's log; the other objects of the result are as they should be.",
  "object-missing": "Ask the engineer to look at the box's log.",
  "commitment-refused": "The destination took the object and did not keep it. Check its storage; then an engineer can send it again here.",
  "commitment-missing":
    "Check at the destination that its Storage Commitment knows this box, its AE title, address and port; then an engineer can send it again here.",
  "peer-refused": askAboutDestination,
  "presentation-context-refused": askAboutDestination,
};

/** The reason in words, ready to show. */
export function sentenceOf({ message }: Reason): string {
  const sentence = legible(message);
  return sentence.charAt(0).toUpperCase() + sentence.slice(1) + (/[.!?…]$/.test(sentence) ? "" : ".");
}

export function adviceOn({ code }: Reason, kind: "ignored" | "failed" | "delivery-failed"): string {
  const known = advice[code];
  if (known) return known;
  if (kind === "ignored") return "Send a suitable series, or ask the engineer to adapt the rules.";
  if (kind === "delivery-failed")
    return "Check that the destination is reachable and accepts these objects from this box; then an engineer can try again here.";
  return "Compare with the series at the PACS, mend what the reason names and send the series again; or an engineer can try again here.";
}

/** What went wrong with a request, in our own words where we have some, else in the box's. */
export function errorSentence(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = "code" in error ? String(error.code) : "";
  return text.errors[code] ?? sentenceOf({ code, message: error.message });
}
