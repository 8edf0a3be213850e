"""Reads the file meta information of a Part 10 file given as base64, with pydicom."""
import base64, io, json, sys
import pydicom

data = base64.b64decode(json.load(sys.stdin))
meta = pydicom.dcmread(io.BytesIO(data)).file_meta
json.dump(
    {
        "sopClassUid": meta.MediaStorageSOPClassUID,
        "sopInstanceUid": meta.MediaStorageSOPInstanceUID,
        "transferSyntaxUid": meta.TransferSyntaxUID,
        "sourceAeTitle": meta.SourceApplicationEntityTitle,
        "groupLength": meta.FileMetaInformationGroupLength,
    },
    sys.stdout,
)
