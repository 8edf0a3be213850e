/**
 * `npm run conformance`: writes appliance/dimse/CONFORMANCE.md, a DICOM Conformance Statement in the structure of PS3.2 annex A. What the code has
 * in tables comes from those tables, and the attributes of created objects from objects that the encoders write.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import dicomParser from "dicom-parser";
import { parseDicomSettings } from "../../appliance/config/dicom-settings.ts";
import { tagText } from "../../appliance/dicom/data-set.ts";
import { keywordOfTag, vrOfTag } from "../../appliance/dicom/dictionary.ts";
import { encodeEncapsulatedPdf } from "../../appliance/dicom/encapsulated-pdf.ts";
import { encodeRejectionNote } from "../../appliance/dicom/rejection-note.ts";
import { encodeRtstruct } from "../../appliance/dicom/rtstruct.ts";
import { encodeSecondaryCapture } from "../../appliance/dicom/secondary-capture.ts";
import { encodeSeg } from "../../appliance/dicom/seg.ts";
import { encodeSegLabelmap } from "../../appliance/dicom/seg-labelmap.ts";
import { sopClass } from "../../appliance/dicom/sop-classes.ts";
import { encodeSr } from "../../appliance/dicom/sr.ts";
import { transferSyntaxes } from "../../appliance/dicom/transfer-syntaxes.ts";
import { implementationClassUid, implementationVersionName } from "../../appliance/dicom/uids.ts";
import { mostAnswers, queryAttributes } from "../../appliance/dicomweb/query.ts";
import { defaultTimeouts } from "../../appliance/dimse/association-contract.ts";
import { defaultStorageSopClasses, verificationSopClass } from "../../appliance/dimse/presentation-contexts.ts";
import { abortReasons } from "../../appliance/dimse/protocol.ts";
import { rejections } from "../../appliance/dimse/rejections.ts";
import { commitmentSopClass, studyRoot } from "../../appliance/dimse/services.ts";
import { meaningOf, refusalStatuses, statuses, statusText } from "../../appliance/dimse/status.ts";
import { tlsProfile } from "../../appliance/dimse/tls.ts";
import { axialGrid, noiseLabels, request, sourceSeries } from "./result-request.ts";
import { rejection, report } from "./sr-request.ts";

export const conformancePath = join(import.meta.dirname, "../../appliance/dimse/CONFORMANCE.md");
const template = join(import.meta.dirname, "conformance-template.md");

/** The whole text: the template with a table in place of each `{{name}}`. */
export async function conformanceStatement(): Promise<string> {
  const parts: Readonly<Record<string, string>> = {
    implementation: `${implementationClassUid}, ${implementationVersionName}`,
    received: table(
      ["SOP class", "UID", "Role"],
      [
        ["Verification", verificationSopClass, "SCP"],
        ...defaultStorageSopClasses.map((uid) => [className(uid), uid, "SCP"]),
        ["Any other storage class, where `dicom.otherStorageClasses` says so", "", "SCP"],
      ],
    ),
    sent: table(
      ["SOP class", "UID", "Role"],
      [
        ["Verification", verificationSopClass, "SCU"],
        ...written.map(({ uid }) => [className(uid), uid, "SCU"]),
        ...Object.entries(studyRoot).map(([service, uid]) => [`Study Root Query/Retrieve, ${service.toUpperCase()}`, uid, "SCU"]),
        ["Storage Commitment Push Model (its reports are taken by the SCP's port too)", commitmentSopClass, "SCU"],
      ],
    ),
    transferSyntaxes: table(
      ["Transfer syntax", "UID", "May lose pixels"],
      transferSyntaxes.map(({ name, uid, lossy }) => [name, uid, lossy ? "yes" : ""]),
    ),
    rejections: table(
      ["Result", "Source", "Reason", "When"],
      Object.entries(rejections).map(([word, { result, source, reason }]) => [
        `${result} (${result === 1 ? "permanent" : "transient"})`,
        String(source),
        String(reason),
        rejectedWhen[word as keyof typeof rejections],
      ]),
    ),
    statuses: table(
      ["Status", "Meaning", "When"],
      answeredWhen.map(([name, when]) => [statusText(statuses[name]), words(name), when]),
    ),
    refusals: table(
      ["Refusal", "Status"],
      Object.entries(refusalStatuses).map(([code, status]) => [code, statusText(status)]),
    ),
    answers: table(["Status of the peer", "What is done"], answersOfPeers()),
    aborts: table(
      ["Reason", "Value"],
      Object.entries(abortReasons).map(([name, value]) => [words(name), String(value)]),
    ),
    limits: table(["Setting", "Default"], limitRows()),
    timeouts: table(
      ["Time limit", "Default, s"],
      Object.entries(defaultTimeouts).map(([name, ms]) => [words(name.replace(/Ms$/, "")), String(ms / 1000)]),
    ),
    webAnswers: String(mostAnswers),
    webQuery: table(
      ["Attribute", "Tag", "Level"],
      queryAttributes.map(({ keyword, tag, level }) => [keyword, tagText(tag), level]),
    ),
    ciphers: tlsProfile.ciphers
      .split(":")
      .map((suite) => `- ${suite}`)
      .join("\n"),
    curves: tlsProfile.ecdhCurve.split(":").join(", "),
    tlsVersions: `${tlsProfile.minVersion.replace("v", " ")} to ${tlsProfile.maxVersion.replace("v", " ")}`,
    objects: written.map(attributesOf).join("\n\n"),
  };
  return readFileSync(template, "utf8").replace(/\{\{(\w+)\}\}/g, (_, name: string) => {
    const part = parts[name];
    if (part === undefined) throw new Error(`nothing is known of {{${name}}}`);
    return part;
  });
}

const rejectedWhen: Readonly<Record<keyof typeof rejections, string>> = {
  "no-reason": "A node that has to use TLS, or to show a certificate, does not",
  "application-context-not-supported": "The application context is not DICOM's",
  "calling-ae-not-recognized": "The calling AE title is none, or no node that is known, or calls from an address that is not that node's",
  "called-ae-not-recognized": "The called AE title is not one of ours",
  "protocol-version-not-supported": "Bit 0 of the protocol version is not set",
  "temporary-congestion": "The service is stopping, or its disk failed",
  "local-limit-exceeded": "As many associations are open as the limits allow, at all or from this address",
};

const answeredWhen: readonly (readonly [keyof typeof statuses, string])[] = [
  ["success", "The instance is durable: its file, the name of its file and the database are synchronised"],
  ["outOfResources", "The disk is full or below the free space that is wanted, has failed, or the instance is larger than the limit"],
  ["dataSetDoesNotMatchSopClass", "SOP class or instance in the data set, or the context, differ from the request's"],
  ["cannotUnderstand", "The data set can't be read, or there is none"],
  ["invalidObjectInstance", "The SOP Instance UID of the request is no UID"],
  ["unrecognizedOperation", "Any operation but C-STORE, C-ECHO, and N-EVENT-REPORT of Storage Commitment"],
  ["invalidArgumentValue", "A report of Storage Commitment of a transaction that was not asked for"],
  ["processingFailure", "A fault of the service"],
];

function answersOfPeers(): string[][] {
  const known = [...new Set([...Object.values(statuses), 0xb000, 0xb006, 0xb007])].sort((a, b) => a - b);
  const deeds = { stored: "counts as delivered", refused: "set aside, or the next choice is sent", "try-again": "sent again later" };
  return known.map((status) => [statusText(status), deeds[meaningOf(status)]]);
}

function limitRows(): string[][] {
  const { limits, quietSeconds, forceCompleteMinutes, commitmentMinutes, acceptUnknownCallers, address, port } = parseDicomSettings({
    aeTitle: "SEGBOX",
  });
  const all = {
    address,
    port,
    acceptUnknownCallers,
    quietSeconds,
    forceCompleteMinutes,
    commitmentMinutes,
    ...Object.fromEntries(Object.entries(limits).map(([name, value]) => [`limits.${name}`, value])),
  };
  return Object.entries(all).map(([name, value]) => [`dicom.${name}`, String(value)]);
}

type Written = { readonly uid: string; readonly title: string; readonly encode: () => Iterable<Uint8Array> | Uint8Array };
const grid = axialGrid(12, 10, 3);
const head = request(sourceSeries(grid), noiseLabels(grid, 2, 0.5, 1), 2);
const written: readonly Written[] = [
  { uid: sopClass.segmentationStorage, title: "SEG", encode: () => encodeSeg(head) },
  { uid: sopClass.labelMapSegmentationStorage, title: "SEG, label map", encode: () => encodeSegLabelmap(head) },
  { uid: sopClass.rtStructureSetStorage, title: "RTSTRUCT", encode: () => encodeRtstruct(head) },
  { uid: sopClass.comprehensive3dSrStorage, title: "SR", encode: () => encodeSr(report()) },
  {
    uid: sopClass.secondaryCaptureImageStorage,
    title: "Secondary capture",
    encode: () => encodeSecondaryCapture({ ...head, picture: { width: 2, height: 2, rgb: new Uint8Array(12) } }),
  },
  {
    uid: sopClass.encapsulatedPdfStorage,
    title: "PDF report",
    encode: () => encodeEncapsulatedPdf({ ...head, pdf: Buffer.from("%PDF-1.7"), documentTitle: "Report", identifiesPatient: false }),
  },
  { uid: sopClass.keyObjectSelectionDocumentStorage, title: "Rejection note", encode: () => encodeRejectionNote(rejection()) },
];

function attributesOf({ uid, title, encode }: Written): string {
  const encoded = encode();
  const bytes = encoded instanceof Uint8Array ? encoded : Buffer.concat([...encoded]);
  const elements = Object.values(dicomParser.parseDicom(bytes).elements)
    .map(({ tag, vr }) => ({ tag: tag.slice(1), vr }))
    .filter(({ tag }) => tag > "0003")
    .sort((a, b) => (a.tag < b.tag ? -1 : 1));
  const rows = elements.map(({ tag, vr }) => {
    const number = Number.parseInt(tag, 16);
    return [`(${tag.slice(0, 4)},${tag.slice(4)})`, keywordOfTag(number) ?? "", vr ?? vrOfTag(number)];
  });
  return `### ${title}: ${className(uid)} (${uid})\n\n${table(["Tag", "Attribute", "VR"], rows)}`;
}

/** `ctImageStorage` as `CT Image Storage`. */
function className(uid: string): string {
  const [key = uid] = Object.entries(sopClass).find(([, value]) => value === uid) ?? [];
  return words(key).replace(/\b(ct|rt|sr|pdf|3d)\b/gi, (word) => word.toUpperCase());
}

/** `outOfResources` as `Out Of Resources`. */
function words(name: string): string {
  const spaced = name
    .replace(/([a-z])([A-Z])/g, "$1 $2")
    .replace(/([a-z])(\d)/g, "$1 $2")
    .replace(/^(ct|rt)(?=[A-Z])/, "$1 ");
  return spaced.replace(/(^| )([a-z])/g, (_, space: string, letter: string) => space + letter.toUpperCase());
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(heads), line(heads.map(() => "---")), ...rows.map(line)].join("\n");
}

if (import.meta.main) writeFileSync(conformancePath, await conformanceStatement());
