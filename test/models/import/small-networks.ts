import { python } from "../../peers/python.ts";

/** A network of a few thousand parameters, trained by nobody. */
export type SmallNetwork = {
  /** Folder of the dataset: `Dataset900_Test`. */
  readonly name: string;
  readonly labels: readonly string[];
  readonly trainer?: string;
  readonly folds?: readonly (number | string)[];
  readonly mirroring?: readonly number[] | null;
  /** The last value of a weight, as Python's float reads it: `nan`. */
  readonly poisoned?: Readonly<Record<string, string>>;
};

const twice = (kernel: readonly number[]): readonly (readonly number[])[] => [kernel, kernel];

/** Writes networks as nnU-Net leaves them, one folder each. Slow to start: python3-torch. */
export async function makeSmallNetworks(out: string, networks: readonly SmallNetwork[]): Promise<void> {
  const cases = networks.map(({ labels, mirroring = null, ...rest }) => ({
    ...rest,
    labels,
    architecture: "PlainConvUNet",
    form: "old",
    classes: labels.length + 1,
    patch: [16, 16, 16],
    shapes: [],
    mirroring,
    kwargs: {
      features_per_stage: [4, 8],
      kernel_sizes: twice([3, 3, 3]),
      strides: [
        [1, 1, 1],
        [2, 2, 2],
      ],
      n_conv_per_stage: [1, 1],
      n_conv_per_stage_decoder: [1],
      conv_bias: true,
      norm_op_kwargs: { eps: 1e-5, affine: true },
    },
  }));
  await python("test/models/import/networks.py", { out, cases });
}
