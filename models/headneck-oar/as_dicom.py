"""Writes OpenKBP cases as DICOM CT series, one folder each, cut to the slices that show the whole body: what the box is given to segment.

  /usr/bin/python3 as_dicom.py --data OPENKBP --to FOLDER NAME ...

For `segbox segment --input FOLDER/NAME`, and for `segbox model quantize --calibrate` and `--holdout`.
"""
import argparse
from pathlib import Path

import nibabel
import numpy as np
import pydicom
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from prepare import read_nifti, whole_slices


def write_series(data, name, folder):
    """The case's slices as FOLDER/NNN.dcm, and which slices of the case they are. UIDs come from the name: the same case gets the same ones."""
    image = nibabel.load(data / "ct" / f"{name}.nii.gz")
    assert nibabel.aff2axcodes(image.affine) == ("L", "P", "S"), "expected columns to the left, rows to the back, slices upwards"
    voxels, spacing = np.asarray(image.dataobj), [float(mm) for mm in image.header.get_zooms()[:3]]
    cut = whole_slices(*read_nifti(data / "ct" / f"{name}.nii.gz"))
    uid = lambda part: generate_uid(entropy_srcs=["segbox headneck-oar", name, part])
    folder.mkdir(parents=True, exist_ok=True)
    for slice_ in range(cut.start, cut.stop):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID, meta.TransferSyntaxUID = CTImageStorage, uid(f"slice {slice_}"), ExplicitVRLittleEndian
        ct = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
        ct.is_little_endian, ct.is_implicit_VR = True, False
        ct.SOPClassUID, ct.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
        ct.StudyInstanceUID, ct.SeriesInstanceUID, ct.FrameOfReferenceUID = uid("study"), uid("series"), uid("frame of reference")
        ct.PatientName, ct.PatientID, ct.PatientBirthDate, ct.PatientSex = f"OpenKBP^{name}", name, "", ""
        ct.StudyDate, ct.StudyTime, ct.AccessionNumber, ct.ReferringPhysicianName, ct.StudyID = "20210101", "120000", "", "", "1"
        ct.Modality, ct.Manufacturer, ct.SeriesNumber, ct.InstanceNumber = "CT", "OpenKBP", 1, slice_ + 1
        ct.ImageType, ct.KVP, ct.AcquisitionNumber, ct.PositionReferenceIndicator = ["DERIVED", "SECONDARY", "AXIAL"], None, 1, ""
        ct.ImageOrientationPatient, ct.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [0, 0, round(slice_ * spacing[2], 4)]
        ct.PixelSpacing, ct.SliceThickness = [round(spacing[1], 6), round(spacing[0], 6)], round(spacing[2], 4)
        ct.SamplesPerPixel, ct.PhotometricInterpretation, ct.Columns, ct.Rows = 1, "MONOCHROME2", *voxels.shape[:2]
        ct.BitsAllocated, ct.BitsStored, ct.HighBit, ct.PixelRepresentation = 16, 16, 15, 1
        ct.RescaleIntercept, ct.RescaleSlope, ct.RescaleType = 0, 1, "HU"
        ct.PixelData = np.ascontiguousarray(voxels[:, :, slice_].T.astype("<i2")).tobytes()
        pydicom.dcmwrite(folder / f"{slice_:03}.dcm", ct, write_like_original=False)
    return cut


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("names", nargs="+")
    arguments = parser.parse_args()
    for name in arguments.names:
        write_series(arguments.data, name, arguments.to / name)
