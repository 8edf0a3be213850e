"""Reads Part 10 files with pydicom: attributes in the DICOM JSON model, transfer syntax, digest of the pixels."""
import hashlib
import json
import sys

import pydicom

answers = []
for path in json.load(sys.stdin):
    ds = pydicom.dcmread(path)
    pixels = ds.get("PixelData")
    text = pydicom.dcmread(path, stop_before_pixels=True)
    text.decode()
    answers.append(
        {
            "sopInstanceUid": str(ds.SOPInstanceUID),
            "transferSyntaxUid": str(ds.file_meta.TransferSyntaxUID),
            "pixels": None if pixels is None else hashlib.sha256(pixels).hexdigest(),
            "json": text.to_json_dict(bulk_data_threshold=1024, bulk_data_element_handler=lambda element: "bulk"),
        }
    )
json.dump(answers, sys.stdout)
