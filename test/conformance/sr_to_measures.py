"""Reads Comprehensive 3D SRs with pydicom and prints, as JSON, the measures of each.

Usage: sr_to_measures.py FILE...; per file {"patient", "review", "structures": [{"finding", "side", "trackingUid", "segment", "volumeMl",
"meanHu", "sdHu", "minHu", "maxHu", "medianHu", "voxels", "touchesBorder", "flags"}]}. Looks items up by code and unit, not by place.
"""
import json
import sys

import pydicom

HU = {"373098007": "meanHu", "386136009": "sdHu", "255605001": "minHu", "56851009": "maxHu", "373099004": "medianHu"}


def code(item, keyword):
    sequence = item.get(keyword)
    if not sequence:
        return None
    concept = sequence[0]
    return str(concept.get("CodeValue", None) or concept.LongCodeValue)


def children(item, name=None):
    return [c for c in item.get("ContentSequence", []) if name is None or code(c, "ConceptNameCodeSequence") == name]


def only(item, name):
    (child,) = children(item, name)
    return child


def number(item, unit):
    (measured,) = item.MeasuredValueSequence
    assert measured.MeasurementUnitsCodeSequence[0].CodeValue == unit, measured
    return float(measured.NumericValue)


def structure(group):
    found = {
        "finding": code(only(group, "121071"), "ConceptCodeSequence"),
        "side": code(only(only(group, "363698007"), "272741003"), "ConceptCodeSequence"),
        "trackingUid": str(only(group, "112040").UID),
        "segment": None,
        "volumeMl": number(only(group, "118565006"), "ml"),
        "voxels": number(only(group, "voxel-count"), "1"),
        "touchesBorder": code(only(group, "truncated"), "ConceptCodeSequence") == "373066001",
        "flags": [code(c, "ConceptCodeSequence") for c in children(group, "plausibility")],
    }
    for reference in children(group, "121191"):
        (sop,) = reference.ReferencedSOPSequence
        found["segment"] = [str(sop.ReferencedSOPInstanceUID), int(sop.ReferencedSegmentNumber)]
    for measure in children(group, "112031"):
        found[HU[code(only(measure, "121401"), "ConceptCodeSequence")]] = number(measure, "[hnsf'U]")
    return found


def report(path):
    sr = pydicom.dcmread(path)
    groups = [group for heading in children(sr, "126010") for group in children(heading, "125007")]
    evaluations = only(sr, "C0034375")
    return {
        "patient": str(sr.PatientName),
        "review": code(only(evaluations, "review-state"), "ConceptCodeSequence"),
        "structures": [structure(group) for group in groups],
    }


print(json.dumps([report(path) for path in sys.argv[1:]]))
