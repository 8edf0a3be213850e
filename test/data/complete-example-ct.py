"""Fills in what anonymisation emptied in the example CT, so that the series can be sent as a scanner would send it.

The published files have no value for SOP Class, SOP Instance, Study and Series Instance UID, patient and study ids: no
DICOM node accepts them. SOP Class and Instance are restored from each file's own meta information; the others are made from fixed names, so
that running this again gives the same bytes. Everything else, pixel data and private elements included, stays as published.

    /usr/bin/python3 complete-example-ct.py FOLDER_AS_PUBLISHED FOLDER
"""

import sys
import uuid
from pathlib import Path

import pydicom


def uid(name: str) -> str:
    """PS3.5 B.2: 2.25. and the decimal value of a UUID."""
    return f"2.25.{uuid.uuid5(uuid.NAMESPACE_OID, name).int}"


published, completed = Path(sys.argv[1]), Path(sys.argv[2])
for path in sorted(published.iterdir()):
    dataset = pydicom.dcmread(path)
    values = {
        "SOPClassUID": dataset.file_meta.MediaStorageSOPClassUID,
        "SOPInstanceUID": dataset.file_meta.MediaStorageSOPInstanceUID,
        "AccessionNumber": "EXAMPLE",
        "PatientName": "Example^CT",
        "PatientID": "EXAMPLE-CT",
        "StudyInstanceUID": uid("segbox example-ct study"),
        "SeriesInstanceUID": uid("segbox example-ct series"),
        "StudyID": "EXAMPLE",
        "SeriesNumber": "1",
    }
    for keyword, value in values.items():
        assert keyword not in dataset or not getattr(dataset, keyword), f"{path}: {keyword} has a value"
        setattr(dataset, keyword, value)
    dataset.save_as(completed / path.name, write_like_original=True)
