"""The keyword and VR of DICOM tags (hexadecimal), by pydicom's dictionary; null where it has none."""

import json
import sys

from pydicom.datadict import dictionary_VR, keyword_for_tag


def entry(tag):
    number = int(tag, 16)
    keyword = keyword_for_tag(number)
    return [keyword, dictionary_VR(number)] if keyword else None


print(json.dumps([entry(tag) for tag in json.load(sys.stdin)]))
