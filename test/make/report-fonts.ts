import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Fonts } from "../../appliance/report/lettering.ts";

const file = (name: string): Uint8Array => readFileSync(fileURLToPath(import.meta.resolve(`dejavu-fonts-ttf/ttf/${name}.ttf`)));

/** The fonts that pictures and reports are lettered with. */
export const reportFonts: Fonts = { regular: file("DejaVuSansCondensed"), bold: file("DejaVuSansCondensed-Bold") };
