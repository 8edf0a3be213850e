"""Writes appliance/dicom/dictionary-table.ts: the data elements of PS3.6 as pydicom's dictionary has them, each a line of tag, VR and keyword."""

from pathlib import Path

import pydicom
from pydicom._dicom_dict import DicomDictionary, RepeatersDictionary

entries = {f"{tag:08x}": entry for tag, entry in DicomDictionary.items() if tag >> 16 > 6 and entry[0] != "NONE"}
# Repeating groups stand under their first one: curves and overlays
entries |= {tag.replace("xx", "00"): entry for tag, entry in RepeatersDictionary.items() if tag[:4] in ("50xx", "60xx")}
lines = [f"{tag} {vr.replace(' or ', '|')} {keyword}" for tag, (vr, _, _, _, keyword) in sorted(entries.items()) if keyword]
head = f"""/**
 * Tag, VR and keyword of each data element, retired ones too. PS3.6 section 6 as pydicom {pydicom.__version__} has it; `test/make/dictionary.py` writes it.
 */
export const dictionaryTable = `"""
path = Path(__file__).parents[2] / "appliance/dicom/dictionary-table.ts"
path.write_text(head + "\n".join(lines) + "`;\n")
