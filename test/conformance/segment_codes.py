"""Reads the path of a SEG, answers per segment label: category, its scheme, type, its scheme and meaning, modifiers."""
import json
import sys

import pydicom

segments = pydicom.dcmread(json.load(sys.stdin), stop_before_pixels=True).SegmentSequence
answer = {}
for segment in segments:
    category, kind = segment.SegmentedPropertyCategoryCodeSequence[0], segment.SegmentedPropertyTypeCodeSequence[0]
    modifiers = kind.get("SegmentedPropertyTypeModifierCodeSequence", []) or segment.get("SegmentedPropertyTypeModifierCodeSequence", [])
    answer[segment.SegmentLabel] = [category.CodeValue, category.CodingSchemeDesignator, kind.CodeValue, kind.CodingSchemeDesignator, kind.CodeMeaning, *[each.CodeValue for each in modifiers]]
json.dump(answer, sys.stdout)
