"""
Writes ct-pixels.json: what pydicom makes of the CT files under test/data, as SHA-256 of HU (int16, little endian, rows x columns).
Uncompressed and RLE pixels are decoded by pydicom's own numpy code, JPEG lossless, JPEG-LS and JPEG 2000 by GDCM.
HU = floor(stored * slope + intercept + 1/2). Needs Debian's python3-pydicom and python3-gdcm:

    /usr/bin/python3 test/reference/ct-pixels.py
"""
import hashlib, json, os, warnings
import numpy as np, pydicom

warnings.filterwarnings("ignore")
here = os.path.dirname(os.path.abspath(__file__))
data = os.path.join(here, "..", "data")
found = {}
for folder, _, names in sorted(os.walk(data)):
    if "malformed" in folder:
        continue
    for name in sorted(names):
        path = os.path.join(folder, name)
        try:
            ds = pydicom.dcmread(path)
        except pydicom.errors.InvalidDicomError:
            continue
        if ds.get("Modality") != "CT" or "RescaleSlope" not in ds or "PixelData" not in ds:
            continue
        stored = ds.pixel_array.astype(np.float64)
        hu = np.floor(stored * float(ds.RescaleSlope) + float(ds.RescaleIntercept) + 0.5).astype("<i2")
        found[os.path.relpath(path, data)] = {
            "sha256": hashlib.sha256(hu.tobytes()).hexdigest(),
            "min": int(hu.min()),
            "max": int(hu.max()),
        }
with open(os.path.join(here, "ct-pixels.json"), "w") as out:
    json.dump(found, out, indent=1)
    out.write("\n")
print(len(found), "files")
