"""Prints, as JSON, the patient's name of each file named, decoded by pydicom with the file's own Specific Character Set."""
import json
import sys

import pydicom

print(json.dumps([str(pydicom.dcmread(path, stop_before_pixels=True).PatientName) for path in sys.argv[1:]]))
