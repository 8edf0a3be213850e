"""Two Part 10 files: the transfer syntax of each, and which elements differ in value, pixels included, group lengths not."""
import json, sys
import pydicom

first, second = (pydicom.dcmread(path) for path in json.load(sys.stdin))
tags = {element.tag for element in first} | {element.tag for element in second}
tags = {tag for tag in tags if tag.element != 0}
different = [str(tag) for tag in sorted(tags) if tag not in first or tag not in second or first[tag].value != second[tag].value]
json.dump({"syntaxes": [first.file_meta.TransferSyntaxUID, second.file_meta.TransferSyntaxUID], "different": different}, sys.stdout)
