"""Reads Secondary Captures with pydicom: pixels as base64, patient's name as meant, source images, some texts."""
import base64
import json
import sys

import pydicom

texts = ["BurnedInAnnotation", "ImageComments", "DerivationDescription", "LossyImageCompression", "ConversionType"]


def read(path):
    image = pydicom.dcmread(path)
    return {
        "pixels": base64.b64encode(image.pixel_array.tobytes()).decode(),
        "shape": list(image.pixel_array.shape),
        "name": str(image.PatientName),
        "sources": [item.ReferencedSOPInstanceUID for item in image.SourceImageSequence],
        "texts": {keyword: str(image.get(keyword, "")) for keyword in texts},
    }


json.dump([read(path) for path in json.load(sys.stdin)], sys.stdout)
