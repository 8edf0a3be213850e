import { cp, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { RefusedError } from "../../appliance/base/errors.ts";
import { filesOf, type LoadedModel, loadModel } from "../../appliance/inference/models.ts";
import { filesBesideOnnx } from "../onnx/read.ts";
import { installModel } from "./install.ts";

/** Cards and pages that go with a model where it has them. */
const companions = ["accuracy.json", "card.md", "card.pdf"];

/**
 * Installs a model that has its manifest already: only what the manifest names is copied, and the copies are checked against it.
 *
 * @param name the name it is to have; its own unless said, and no other: the manifest is not rewritten
 */
export async function copyModel(
  folder: string,
  {
    models,
    name,
    ...rest
  }: { readonly models: string; readonly name?: string | undefined; readonly replace?: boolean; readonly reserved?: readonly string[] },
): Promise<LoadedModel> {
  const { manifest } = await loadModel(folder);
  if (name !== undefined && name !== manifest.name)
    throw new RefusedError("model-name", `the manifest names the model ${manifest.name}, expected ${name}`);
  const files = new Set(["manifest.json"]);
  for (const { nnunet, networks } of manifest.parts) {
    files.add(nnunet.plans);
    files.add(nnunet.dataset);
    for (const network of networks) {
      const own = filesOf(network).map(({ file }) => file);
      for (const file of own) files.add(file);
      // A graph must not reach for anything that the manifest does not name, and so nobody checked.
      for (const beside of await filesBesideOnnx(join(folder, network.file)))
        if (!own.includes(join(dirname(network.file), beside)))
          throw new RefusedError("model-manifest", `${network.file} has tensors in ${beside}, which the manifest does not name`);
    }
  }
  return await installModel(
    models,
    manifest.name,
    async (target) => {
      for (const file of [...files, ...companions]) {
        await mkdir(dirname(join(target, file)), { recursive: true });
        await cp(join(folder, file), join(target, file), { dereference: true }).catch((error: NodeJS.ErrnoException) => {
          if (error.code !== "ENOENT" || files.has(file)) throw error; // a companion that it does not have
        });
      }
      return null;
    },
    rest,
  );
}
