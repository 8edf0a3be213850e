type Row = { readonly value: number; readonly volumeMl: number; readonly meanHu: number; readonly touchesBorder: boolean };

/** Structure, volume in ml and mean HU as text columns; a star marks what the field of view cuts off. */
export function structureTable(
  { labels }: { readonly labels: readonly { readonly value: number; readonly title: string }[] },
  rows: readonly Row[],
): string {
  const cells = rows.map(({ value, volumeMl, meanHu, touchesBorder }) => [
    `${labels.find((label) => label.value === value)?.title ?? value}${touchesBorder ? " *" : ""}`,
    volumeMl.toFixed(1),
    meanHu.toFixed(0),
  ]);
  const table = [["structure", "volume ml", "mean HU"], ...cells];
  const widths = [0, 1, 2].map((column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  const lines = table.map(
    ([name = "", volume = "", hu = ""]) => `${name.padEnd(widths[0]!)}  ${volume.padStart(widths[1]!)}  ${hu.padStart(widths[2]!)}`,
  );
  const cut = rows.some(({ touchesBorder }) => touchesBorder)
    ? "* cut off by the field of view: the volume is that of the part within\n"
    : "";
  return `${lines.join("\n")}\n${cut}`;
}
