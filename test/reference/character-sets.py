"""Prints, for each character set file that comes with pydicom, its path and Patient's Name as pydicom decodes it."""
import glob, json, os, sys
import pydicom

sys.stdin.read()
folder = os.path.join(os.path.dirname(pydicom.__file__), "data", "charset_files")
names = {}
for path in sorted(glob.glob(os.path.join(folder, "chr*.dcm"))):
    ds = pydicom.dcmread(path)
    ds.decode()
    if "PatientName" in ds:
        names[path] = str(ds.PatientName)
json.dump(names, sys.stdout)
