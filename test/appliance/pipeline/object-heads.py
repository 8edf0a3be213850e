"""Modality, series number and UIDs of DICOM files, as pydicom reads them. In: a list of paths."""

import json
import sys

import pydicom

heads = []
for path in json.load(sys.stdin):
    data_set = pydicom.dcmread(path)
    heads.append([data_set.Modality, int(data_set.SeriesNumber), data_set.SeriesInstanceUID, data_set.SOPInstanceUID])
json.dump(heads, sys.stdout)
