import { holeForms, labelMapCompressions, type OutputSettings, surfaceForms, usualOutputSettings } from "../domain/rule.ts";
import { type Arguments, optional, UsageError } from "./command.ts";

/** The options of a command line that say how outputs are drawn and written, as a rule does. */
export const outputSettingsOptions = {
  surfaces: { type: "string" },
  holes: { type: "string" },
  simplify: { type: "string" },
  compression: { type: "string" },
} as const;

export const outputSettingsHelp = `\
  --surfaces FORM also the structures' surfaces, in mm, LPS: obj (surfaces.obj, surfaces.mtl) or stl (surfaces-stl.zip)
  --holes FORM    in the RTSTRUCT: ${holeForms.join(", ")}; default ${usualOutputSettings.rtstruct.holes}
  --simplify MM   how far contours of the RTSTRUCT may be moved to have fewer points; default 0
  --compression FORM
                  of the label map SEG: ${labelMapCompressions.join(", ")}; default ${usualOutputSettings.segLabelmap.compression}
`;

/** What was chosen of these; the usual where nothing was. UsageError for another word or number. */
export function outputSettingsIn(args: Arguments): OutputSettings {
  const oneOf = <Word extends string>(name: string, words: readonly Word[], usual: Word): Word => {
    const given = optional(args, name) ?? usual;
    const word = words.find((each) => each === given);
    if (word === undefined) throw new UsageError(`--${name}: expected ${words.join(", ")}, found ${JSON.stringify(given)}`);
    return word;
  };
  const simplifyMm = Number(optional(args, "simplify") ?? usualOutputSettings.rtstruct.simplifyMm);
  if (!(simplifyMm >= 0 && simplifyMm <= 10)) throw new UsageError(`--simplify: expected 0 to 10 mm, found ${optional(args, "simplify")}`);
  return {
    rtstruct: { holes: oneOf("holes", holeForms, usualOutputSettings.rtstruct.holes), simplifyMm },
    segLabelmap: { compression: oneOf("compression", labelMapCompressions, usualOutputSettings.segLabelmap.compression) },
    surfaces: oneOf("surfaces", surfaceForms, usualOutputSettings.surfaces),
  };
}
