"""Says whether each frame of a SEG lies exactly on the image that it refers to.

Standard input: {"seg": path, "images": [path]}; standard output: {"frames", "offMm": the farthest, "images": SOP Instance UIDs referred to}.
"""
import json
import sys

import numpy
import pydicom

request = json.load(sys.stdin)
images = {image.SOPInstanceUID: image for image in (pydicom.dcmread(path, stop_before_pixels=True) for path in request["images"])}
seg = pydicom.dcmread(request["seg"], stop_before_pixels=True)
orientation = seg.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0].ImageOrientationPatient
off, referred = [], set()
for groups in seg.PerFrameFunctionalGroupsSequence:
    image = images[groups.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID]
    referred.add(str(image.SOPInstanceUID))
    here = numpy.array(groups.PlanePositionSequence[0].ImagePositionPatient, dtype=float)
    off.append(numpy.abs(here - numpy.array(image.ImagePositionPatient, dtype=float)).max())
    off.append(numpy.abs(numpy.array(orientation, dtype=float) - numpy.array(image.ImageOrientationPatient, dtype=float)).max())
json.dump({"frames": len(seg.PerFrameFunctionalGroupsSequence), "offMm": float(max(off)), "images": sorted(referred)}, sys.stdout)
