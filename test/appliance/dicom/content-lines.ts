import dicomParser from "dicom-parser";

export function parse(pieces: Iterable<Uint8Array>): dicomParser.DataSet {
  return dicomParser.parseDicom(Buffer.concat([...pieces]));
}

export function items(data: dicomParser.DataSet, tag: string): dicomParser.DataSet[] {
  return data.elements[tag]?.items?.map(({ dataSet }) => dataSet!) ?? [];
}

/** A content tree, a line per item: two spaces for each level, relationship, name, value. */
export function contentLines(item: dicomParser.DataSet, depth = 0): string[] {
  const relationship = item.string("x0040a010") ?? "root";
  const line = `${"  ".repeat(depth)}${relationship}: ${meaningOf(item, "x0040a043") ?? item.string("x0040a040")}`;
  const value = shownValue(item);
  return [value === null ? line : `${line} = ${value}`, ...items(item, "x0040a730").flatMap((child) => contentLines(child, depth + 1))];
}

function shownValue(item: dicomParser.DataSet): string | null {
  const [reference] = items(item, "x00081199");
  switch (item.string("x0040a040")) {
    case "CODE":
      return meaningOf(item, "x0040a168") ?? "";
    case "TEXT":
      return item.string("x0040a160") ?? "";
    case "UIDREF":
      return item.string("x0040a124") ?? "";
    case "NUM": {
      const [measured] = items(item, "x0040a300");
      return `${measured!.string("x0040a30a")} ${items(measured!, "x004008ea")[0]!.string("x00080100")}`;
    }
    case "IMAGE":
    case "COMPOSITE": {
      const segment = reference!.uint16("x0062000b");
      return `${reference!.string("x00081155")}${segment === undefined ? "" : ` segment ${segment}`}`;
    }
    default:
      return null;
  }
}

function meaningOf(item: dicomParser.DataSet, tag: string): string | undefined {
  return items(item, tag)[0]?.string("x00080104");
}
