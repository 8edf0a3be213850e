"""Writes OpenKBP cases as the box takes them, cut to the slices that show the whole body and to the patient's outline.

  /usr/bin/python3 cut_cases.py --data OPENKBP --to FOLDER NAME ...

NAME.nii.gz with the contours beside it in NAME.labels.nii.gz, for `segbox model quantize --calibrate` and `--holdout`. evaluate.py writes DICOM.
"""
import argparse
from pathlib import Path

import nibabel
import numpy as np
import pydicom
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from prepare import patient_box, read_nifti


def cut_case(data, name):
    """CT and contours, zyx of canonical RAS, and their spacing zyx in mm."""
    hu, spacing = read_nifti(data / "ct" / f"{name}.nii.gz")
    labels, _ = read_nifti(data / "labels" / f"{name}.nii.gz")
    box = patient_box(hu, spacing)
    return hu[box], labels[box], spacing


def write_nifti(data, name, folder):
    hu, labels, spacing = cut_case(data, name)
    folder.mkdir(parents=True, exist_ok=True)
    for array, suffix in ((hu.astype(np.int16), ""), (labels.astype(np.uint8), ".labels")):
        nibabel.save(nibabel.Nifti1Image(np.ascontiguousarray(array.transpose(2, 1, 0)), np.diag([*spacing[::-1], 1.0])), folder / f"{name}{suffix}.nii.gz")


def write_series(hu, spacing, name, folder):
    """A CT zyx of canonical RAS as FOLDER/NNN.dcm. UIDs come from the name: the same case gets the same ones."""
    voxels = hu[:, ::-1, ::-1].astype("<i2")  # rows to the back, columns to the left
    uid = lambda part: generate_uid(entropy_srcs=["segbox headneck-oar", name, part])
    folder.mkdir(parents=True, exist_ok=True)
    for slice_, pixels in enumerate(voxels):
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
        ct.ImageOrientationPatient, ct.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [0, 0, round(slice_ * spacing[0], 4)]
        ct.PixelSpacing, ct.SliceThickness = [round(mm, 6) for mm in spacing[1:]], round(spacing[0], 4)
        ct.SamplesPerPixel, ct.PhotometricInterpretation, ct.Columns, ct.Rows = 1, "MONOCHROME2", *pixels.shape[::-1]
        ct.BitsAllocated, ct.BitsStored, ct.HighBit, ct.PixelRepresentation = 16, 16, 15, 1
        ct.RescaleIntercept, ct.RescaleSlope, ct.RescaleType = 0, 1, "HU"
        ct.PixelData = pixels.tobytes()
        pydicom.dcmwrite(folder / f"{slice_:03}.dcm", ct, write_like_original=False)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("names", nargs="+")
    arguments = parser.parse_args()
    for name in arguments.names:
        write_nifti(arguments.data, name, arguments.to)
