"""Writes checkpoints that must be refused, and unusual ones that must be read. Reads {"out": folder, "marker": path}; answers the unusual ones' values.

Every hostile pickle would make the marker file if anything of it were run.
"""
import builtins
import json
import os
import pathlib
import pickle
import posix
import struct
import subprocess
import sys
import zipfile
import zlib
from collections import OrderedDict

import torch

given = json.load(sys.stdin)
out, marker = pathlib.Path(given["out"]), given["marker"]
sys.path.insert(0, str(pathlib.Path(__file__).parent.parent.parent / "make"))


class Call:
    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


def checkpoint(**changed):
    weights = OrderedDict(a=torch.arange(6, dtype=torch.float32).reshape(2, 3))
    return {"network_weights": weights, "trainer_name": "nnUNetTrainer", "init_args": {"configuration": "3d_fullres"}, "inference_allowed_mirroring_axes": (0, 1, 2), **changed}


def save(name, content, **kwargs):
    torch.save(content, out / name, **kwargs)


def pack(name, pickled, storages=(), **kwargs):
    with zipfile.ZipFile(out / name, "w", **kwargs) as archive:
        archive.writestr("archive/data.pkl", pickled)
        for key, data in storages:
            archive.writestr(f"archive/data/{key}", data)


# Calls that would leave the marker.
touch = f"open({marker!r}, 'w').close()"
for name, call in {
    "os-system": Call(os.system, f"touch {marker}"),
    "builtins-eval": Call(builtins.eval, touch),
    "builtins-exec": Call(builtins.exec, touch),
    "posix-system": Call(posix.system, f"touch {marker}"),
    "subprocess": Call(subprocess.call, ["touch", marker]),
    "getattr": Call(builtins.getattr, "x", "upper"),
    "torch-load": Call(torch.load, "x"),
}.items():
    save(f"{name}.pth", checkpoint(trainer_name=call))
save("os-system-protocol-4.pth", checkpoint(trainer_name=Call(os.system, f"touch {marker}")), pickle_protocol=4)
# As a dictionary's key, inside the weights, and as an object's state.
save("key.pth", checkpoint(init_args={Call(os.system, f"touch {marker}"): 1}))
# os.system by hand, old opcodes: INST and OBJ and GLOBAL with a REDUCE.
pack("global.pth", b"\x80\x02cos\nsystem\nX" + struct.pack("<I", len(f"touch {marker}")) + f"touch {marker}".encode() + b"\x85R.")
pack("inst.pth", b"\x80\x02(X" + struct.pack("<I", 4) + b"trueios\nsystem\n.")
# A storage type is a name, never called.
pack("called-name.pth", b"\x80\x02ctorch\nFloatStorage\n)R.")
# The allowed names, misused.
pack("tensor-of-nothing.pth", b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n)R.")
pack("deep.pth", b"\x80\x02" + b"(" * 5000 + b".")
pack("recall.pth", b"\x80\x02h\x07.")
pack("dictionaries.pth", b"\x80\x02" + b"}0" * 3_000_000 + b"N.", compression=zipfile.ZIP_DEFLATED)
pack("endless-string.pth", b"\x80\x02\x8d" + struct.pack("<Q", 2**62) + b"x.")
pack("not-a-pickle.pth", b"hello")
pack("other.pth", pickle.dumps({"state_dict": {}, "epoch": 3}, protocol=2))


def tensor(dims, strides, offset, count, storage_type=b"FloatStorage"):
    """{"network_weights": {"a": tensor}} by hand, whatever the numbers say."""

    def number(value):
        return b"J" + struct.pack("<i", value)

    def tuple_of(values):
        return b"(" + b"".join(number(value) for value in values) + b"t"

    def text(value):
        return b"X" + struct.pack("<I", len(value)) + value

    storage = b"(" + text(b"storage") + b"ctorch\n" + storage_type + b"\n" + text(b"0") + text(b"cpu") + number(count) + b"tQ"
    rebuilt = b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + number(offset) + tuple_of(dims) + tuple_of(strides) + b"\x89ccollections\nOrderedDict\n)RtR"
    return b"\x80\x02}" + text(b"network_weights") + b"}" + text(b"a") + rebuilt + b"ss."


pack("past-storage.pth", tensor([2, 3], [3, 1], 1, 6), [("0", bytes(24))])
pack("storage-too-short.pth", tensor([2, 3], [3, 1], 0, 6), [("0", bytes(20))])
pack("storage-missing.pth", tensor([2, 3], [3, 1], 0, 6))
pack("huge-view.pth", tensor([2**30, 2**30], [0, 0], 0, 6), [("0", bytes(24))])
with zipfile.ZipFile(out / "big-endian.pth", "w") as archive:
    archive.writestr("archive/data.pkl", tensor([2, 3], [3, 1], 0, 6))
    archive.writestr("archive/data/0", bytes(24))
    archive.writestr("archive/byteorder", "big")
pack("negative.pth", tensor([2, 3], [-3, 1], 3, 6), [("0", bytes(24))])

# Archives.
whole = out / "whole.pth"
save("whole.pth", checkpoint())
content = whole.read_bytes()
for name, length in {"cut-in-half": len(content) // 2, "cut-at-the-end": len(content) - 10, "empty": 0}.items():
    (out / f"{name}.pth").write_bytes(content[:length])
(out / "text.pth").write_text("a checkpoint, but as words\n" * 100)
torch.save(checkpoint(), out / "before-1.6.pth", _use_new_zipfile_serialization=False)
damaged = bytearray(content)
at = content.index(struct.pack("<6f", *range(6)))
damaged[at] ^= 1
(out / "flipped-bit.pth").write_bytes(damaged)

# 1 MB of zeros, of which two entries of the directory claim the same bytes.
pickled = pickle.dumps({}, protocol=2)
pack("overlap.pth", pickled, [("0", bytes(1 << 20)), ("1", bytes(1 << 20))], compression=zipfile.ZIP_DEFLATED)
raw = bytearray((out / "overlap.pth").read_bytes())
directory = [index for index in range(len(raw)) if raw[index : index + 4] == b"PK\x01\x02"]
raw[directory[2] + 42 : directory[2] + 46] = raw[directory[1] + 42 : directory[1] + 46]
(out / "overlap.pth").write_bytes(raw)
# An entry that claims 3 GB, packed into a few hundred bytes.
packed = zlib.compressobj(9, zlib.DEFLATED, -15)
body = packed.compress(bytes(100_000)) + packed.flush()
pack("bomb.pth", b"x", compression=zipfile.ZIP_STORED)
name = b"archive/data.pkl"
local = struct.pack("<IHHHHHIIIHH", 0x04034B50, 20, 0, 8, 0, 0, 0, len(body), 3_000_000_000, len(name), 0) + name + body
central = struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, 20, 20, 0, 8, 0, 0, 0, len(body), 3_000_000_000, len(name), 0, 0, 0, 0, 0, 0) + name
(out / "bomb.pth").write_bytes(local + central + struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 1, 1, len(central), len(local), 0))

# What must be read, whatever it looks like.
base = torch.arange(24, dtype=torch.float32).reshape(2, 3, 4)
unusual = OrderedDict(
    transposed=base.permute(2, 0, 1),
    slice=base[:, 1:, ::2],
    shared=base[1],
    scalar=torch.tensor(2.5),
    none=torch.zeros(0, 3),
    half=base.half() / 3,
    bfloat16=base.bfloat16() / 3,
    double=base.double() / 3,
    long=torch.arange(-3, 3),
    byte=torch.arange(250, 256, dtype=torch.uint8),
    bool=torch.tensor([True, False]),
    parameter=torch.nn.Parameter(base[0].t()),
)
save("unusual.pth", checkpoint(network_weights=unusual))
save("unusual-protocol-5.pth", checkpoint(network_weights=unusual), pickle_protocol=5)
save("wrapped.pth", checkpoint(network_weights=OrderedDict(("module." + key, value) for key, value in unusual.items())))
json.dump({key: [list(value.shape), value.detach().float().reshape(-1).tolist()] for key, value in unusual.items()}, sys.stdout)
