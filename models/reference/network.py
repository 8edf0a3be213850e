"""nnU-Net v2's PlainConvUNet, written from its public description, with its parameter names and its shared storages.

Names that must not change, as nnU-Net loads by them: encoder.stages.S.0.convs.N.{conv,norm,all_modules.*},
decoder.encoder.* (the same modules again), decoder.{stages,transpconvs,seg_layers}. Narrow on purpose: it runs on a CPU.
The defaults are the reference model's; models/headneck-oar gives its own.
"""
import torch
from torch import nn

FEATURES = [16, 32, 64, 128]
CLASSES = 6


def strides(features):
    """Every stage but the first halves each side."""
    return [[1, 1, 1], *[[2, 2, 2]] * (len(features) - 1)]


class ConvNormNonlin(nn.Module):
    def __init__(self, channels_in, channels_out, stride):
        super().__init__()
        self.conv = nn.Conv3d(channels_in, channels_out, 3, stride, 1, bias=True)
        self.norm = nn.InstanceNorm3d(channels_out, eps=1e-5, affine=True)
        self.nonlin = nn.LeakyReLU(0.01, inplace=True)
        self.all_modules = nn.Sequential(self.conv, self.norm, self.nonlin)  # second names of the same parameters

    def forward(self, x):
        return self.all_modules(x)


class ConvBlocks(nn.Module):
    def __init__(self, channels_in, channels_out, stride):
        super().__init__()
        self.convs = nn.Sequential(ConvNormNonlin(channels_in, channels_out, stride), ConvNormNonlin(channels_out, channels_out, 1))

    def forward(self, x):
        return self.convs(x)


class Encoder(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.stages = nn.Sequential(*[nn.Sequential(ConvBlocks(*widths)) for widths in zip([1, *features], features, strides(features))])

    def forward(self, x):
        skips = []
        for stage in self.stages:
            x = stage(x)
            skips.append(x)
        return skips


class Decoder(nn.Module):
    """From the coarsest stage up. Every resolution has a head; without deep supervision only the last one speaks."""

    def __init__(self, encoder, features, classes, deep_supervision):
        super().__init__()
        self.deep_supervision = deep_supervision
        self.encoder = encoder  # never called here; upstream keeps it, so its names are in every checkpoint
        stages, transpconvs, seg_layers = [], [], []
        for below, skip, stride in zip(features[:0:-1], features[-2::-1], strides(features)[:0:-1]):
            transpconvs.append(nn.ConvTranspose3d(below, skip, stride, stride, bias=True))
            stages.append(ConvBlocks(2 * skip, skip, 1))
            seg_layers.append(nn.Conv3d(skip, classes, 1, bias=True))
        self.stages, self.transpconvs, self.seg_layers = nn.ModuleList(stages), nn.ModuleList(transpconvs), nn.ModuleList(seg_layers)

    def forward(self, skips):
        x, outputs = skips[-1], []
        for s, (up, stage) in enumerate(zip(self.transpconvs, self.stages)):
            x = stage(torch.cat((up(x), skips[-2 - s]), 1))
            if self.deep_supervision or s == len(self.stages) - 1:
                outputs.append(self.seg_layers[s](x))
        return outputs[::-1] if self.deep_supervision else outputs[0]


class PlainConvUNet(nn.Module):
    def __init__(self, features=FEATURES, classes=CLASSES, deep_supervision=False):
        super().__init__()
        self.encoder = Encoder(features)
        self.decoder = Decoder(self.encoder, features, classes, deep_supervision)
        for module in self.modules():
            if isinstance(module, (nn.Conv3d, nn.ConvTranspose3d)):
                nn.init.kaiming_normal_(module.weight, a=0.01)
                nn.init.zeros_(module.bias)

    def forward(self, x):
        return self.decoder(self.encoder(x))
