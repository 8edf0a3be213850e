"""The two networks that nnU-Net v2 plans, as torch modules, written from their public description (dynamic_network_architectures).

What matters is what a checkpoint shows of them: parameter names, which of them share a storage (`all_modules.*`, `decoder.encoder.*`), and
what is computed. PlainConvUNet: strided convolutions. ResidualEncoderUNet: a stem, then residual blocks of the ResNet-D kind, whose skip is
an average pool where they have a stride and a 1 x 1 x 1 convolution where they change the number of channels.
"""
import torch
from torch import nn


def triple(value):
    return [value] * 3 if isinstance(value, int) else list(value)


class ConvNormNonlin(nn.Module):
    def __init__(self, inside, outside, kernel, stride, bias, norm, slope):
        super().__init__()
        kernel = triple(kernel)
        self.conv = nn.Conv3d(inside, outside, kernel, triple(stride), [(k - 1) // 2 for k in kernel], bias=bias)
        self.norm = nn.InstanceNorm3d(outside, **norm)
        modules = [self.conv, self.norm]
        if slope is not None:
            self.nonlin = nn.LeakyReLU(slope, inplace=True)
            modules.append(self.nonlin)
        self.all_modules = nn.Sequential(*modules)  # second names of the same parameters

    def forward(self, x):
        return self.all_modules(x)


class ConvBlocks(nn.Module):
    def __init__(self, count, inside, outside, kernel, stride, bias, norm, slope):
        super().__init__()
        self.convs = nn.Sequential(*[ConvNormNonlin(inside if n == 0 else outside, outside, kernel, stride if n == 0 else 1, bias, norm, slope) for n in range(count)])

    def forward(self, x):
        return self.convs(x)


class ResidualBlock(nn.Module):
    def __init__(self, inside, outside, kernel, stride, bias, norm, slope):
        super().__init__()
        stride = triple(stride)
        self.conv1 = ConvNormNonlin(inside, outside, kernel, stride, bias, norm, slope)
        self.conv2 = ConvNormNonlin(outside, outside, kernel, 1, bias, norm, None)
        self.nonlin2 = nn.LeakyReLU(slope, inplace=True)
        skip = [nn.AvgPool3d(stride, stride)] if max(stride) > 1 else []
        if inside != outside:
            skip.append(ConvNormNonlin(inside, outside, 1, 1, False, norm, None))
        self.skip = nn.Sequential(*skip) if skip else nn.Identity()

    def forward(self, x):
        return self.nonlin2(self.conv2(self.conv1(x)) + self.skip(x))


class ResidualBlocks(nn.Module):
    def __init__(self, count, inside, outside, kernel, stride, bias, norm, slope):
        super().__init__()
        self.blocks = nn.Sequential(*[ResidualBlock(inside if n == 0 else outside, outside, kernel, stride if n == 0 else 1, bias, norm, slope) for n in range(count)])

    def forward(self, x):
        return self.blocks(x)


class Encoder(nn.Module):
    def __init__(self, name, kwargs, bias, norm, slope):
        super().__init__()
        features, kernels, strides = kwargs["features_per_stage"], kwargs["kernel_sizes"], kwargs["strides"]
        self.stem = None
        if name == "ResidualEncoderUNet":
            self.stem = ConvBlocks(1, 1, features[0], kernels[0], 1, bias, norm, slope)
            inputs = [features[0], *features[:-1]]
            stages = [ResidualBlocks(kwargs["n_blocks_per_stage"][s], inputs[s], features[s], kernels[s], strides[s], bias, norm, slope) for s in range(len(features))]
        else:
            inputs = [1, *features[:-1]]
            stages = [nn.Sequential(ConvBlocks(kwargs["n_conv_per_stage"][s], inputs[s], features[s], kernels[s], strides[s], bias, norm, slope)) for s in range(len(features))]
        self.stages = nn.Sequential(*stages)

    def forward(self, x):
        if self.stem is not None:
            x = self.stem(x)
        skips = []
        for stage in self.stages:
            x = stage(x)
            skips.append(x)
        return skips


class Decoder(nn.Module):
    """From the coarsest stage up. Every resolution has a head; outside of training only the last one speaks."""

    def __init__(self, encoder, kwargs, classes, bias, norm, slope):
        super().__init__()
        self.encoder = encoder  # never called here; upstream keeps it, so its names are in every checkpoint
        features, kernels, strides = kwargs["features_per_stage"], kwargs["kernel_sizes"], kwargs["strides"]
        stages, transpconvs, seg_layers = [], [], []
        for s in range(1, len(features)):
            below, skip, stride = features[-s], features[-s - 1], triple(strides[-s])
            transpconvs.append(nn.ConvTranspose3d(below, skip, stride, stride, bias=bias))
            stages.append(ConvBlocks(kwargs["n_conv_per_stage_decoder"][s - 1], 2 * skip, skip, kernels[-s - 1], 1, bias, norm, slope))
            seg_layers.append(nn.Conv3d(skip, classes, 1, bias=True))
        self.stages, self.transpconvs, self.seg_layers = nn.ModuleList(stages), nn.ModuleList(transpconvs), nn.ModuleList(seg_layers)

    def forward(self, skips):
        x = skips[-1]
        for s, stage in enumerate(self.stages):
            x = stage(torch.cat((self.transpconvs[s](x), skips[-s - 2]), 1))
        return self.seg_layers[-1](x)


class UNet(nn.Module):
    """`name` is PlainConvUNet or ResidualEncoderUNet, `kwargs` the arch_kwargs of plans.json."""

    def __init__(self, name, kwargs, classes):
        super().__init__()
        norm = {"eps": 1e-5, "affine": False, **kwargs["norm_op_kwargs"]}
        slope = (kwargs.get("nonlin_kwargs") or {}).get("negative_slope", 0.01)
        bias = kwargs["conv_bias"]
        self.encoder = Encoder(name, kwargs, bias, norm, slope)
        self.decoder = Decoder(self.encoder, kwargs, classes, bias, norm, slope)

    def forward(self, x):
        return self.decoder(self.encoder(x))


def randomise(network, seed):
    """Weights as wide as a trained network's, so that logits differ between classes and no layer is idle."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in network.named_parameters():
        if parameter.dim() > 1:
            fan = parameter[0].numel() if "transpconvs" not in name else parameter.shape[0]
            parameter.data.normal_(0, (2 / fan) ** 0.5, generator=generator)
        elif name.endswith("weight"):
            parameter.data.uniform_(0.5, 1.5, generator=generator)
        else:
            parameter.data.normal_(0, 0.2, generator=generator)
    return network.eval()


def save_results(folder, plans, dataset, configuration, network, trainer, mirroring, fold=0):
    """Writes `folder` as nnU-Net's trainer leaves it: plans.json, dataset.json, fold_N/checkpoint_final.pth."""
    import json
    import pathlib

    import numpy as np

    folder = pathlib.Path(folder)
    target = folder / f"fold_{fold}"
    target.mkdir(parents=True, exist_ok=True)
    (folder / "plans.json").write_text(json.dumps(plans, indent=2))
    (folder / "dataset.json").write_text(json.dumps(dataset, indent=2))
    torch.save(
        {
            "network_weights": network.state_dict(),
            "optimizer_state": {"state": {0: {"momentum_buffer": torch.ones(3, 2).t()}}, "param_groups": [{"lr": 1e-5, "params": [0]}]},
            "grad_scaler_state": {"scale": 65536.0, "growth_tracker": 7},
            "logging": {"mean_fg_dice": [np.float64(0.5), np.float32(0.25)], "dice_per_class_or_region": [[np.float64(0.5)]], "epoch_start_timestamps": [1690000000.5]},
            "_best_ema": np.float64(0.75),
            "current_epoch": 1000,
            "init_args": {"plans": plans, "configuration": configuration, "fold": fold, "dataset_json": dataset, "unpack_dataset": True, "device": torch.device("cuda")},
            "trainer_name": trainer,
            "inference_allowed_mirroring_axes": mirroring,
        },
        target / "checkpoint_final.pth",
    )
    return folder
