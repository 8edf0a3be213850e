"""Reads a JSON list of paths of DICOM files and writes what pydicom reads of each, as DICOM JSON (PS3.18 F) without pixels."""
import json
import sys

import pydicom


def without_pixels(path):
    data_set = pydicom.dcmread(path)
    del data_set.PixelData
    return data_set.to_json_dict()


json.dump([without_pixels(path) for path in json.load(sys.stdin)], sys.stdout)
