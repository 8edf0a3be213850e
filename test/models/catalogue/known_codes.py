"""Reads a list of SNOMED CT codes, answers what DICOM PS3.16 calls each (pydicom's table of it), null where it has none."""
import json
import sys

from pydicom.sr._concepts_dict import concepts

meanings = {code: meaning for codes in concepts["SCT"].values() for code, (meaning, _) in codes.items()}
json.dump({code: meanings.get(code) for code in json.load(sys.stdin)}, sys.stdout)
