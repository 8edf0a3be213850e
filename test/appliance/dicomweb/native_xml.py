"""What documents of the Native DICOM Model hold, read from their files: each attribute with its names, and its values or the kind of its content."""

import json
import sys
from xml.etree import ElementTree

NAMESPACE = "{http://dicom.nema.org/PS3.19/models/NativeDICOM}"


def local(element):
    return element.tag.removeprefix(NAMESPACE)


def person(element):
    groups = {local(group): {local(part): part.text for part in group} for group in element}
    return {name: group for name, group in groups.items() if group}


def value(element):
    kind = local(element)
    if kind == "Item":
        return attributes(element)
    if kind == "PersonName":
        return person(element)
    return (element.text or "") if kind == "Value" else "binary"


def attributes(level):
    return {
        f"{each.get('tag')} {each.get('privateCreator', '')}": {
            "vr": each.get("vr"),
            "keyword": each.get("keyword"),
            "values": [value(child) for child in each],
            "numbers": [child.get("number") for child in each],
        }
        for each in level
    }


def document(path):
    root = ElementTree.parse(path).getroot()
    assert local(root) == "NativeDicomModel", root.tag
    return attributes(root)


print(json.dumps([document(path) for path in json.load(sys.stdin)]))
