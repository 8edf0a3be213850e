"""The seven structures, their labels, and how a voxel that nobody contoured is written down.

A target is one byte. Below 128 it is a label. From 128 on its low bits are a set: bit n says that the voxel may be label n + 1,
which nobody contoured there; it may also be background. So 128 is background for certain, 255 is "not judged".
"""
import numpy as np

# label: (name in OpenKBP, our name)
STRUCTURES = {
    1: ("Brainstem", "brainstem"),
    2: ("SpinalCord", "spinal_cord"),
    3: ("RightParotid", "parotid_right"),
    4: ("LeftParotid", "parotid_left"),
    5: ("Mandible", "mandible"),
    6: ("Larynx", "larynx"),
    7: ("Esophagus", "esophagus"),
}
CLASSES = 1 + len(STRUCTURES)
BACKGROUND, NOT_JUDGED = 128, 255
RIGHT, LEFT = 3, 4
# Contoured downwards only as far as planning needed: what lies below the lowest contour may be more of them.
OPEN_BELOW = (2, 7)

FEATURES = [16, 32, 64, 96, 128]
SPACING_MM = [3.0, 4.0, 4.0]  # zyx, close to the source's 2.5 and 3.9: finer pixels would hold nothing more
PATCH = [64, 48, 64]  # zyx: 192 mm along the neck, 192 mm front to back, 256 mm from ear to ear, so that both sides are in view


def bit(label):
    return 1 << (label - 1)


def allowed():
    """Row per target byte, column per class: what the voxel may be."""
    table = np.zeros((256, CLASSES), bool)
    for label in range(1, CLASSES):
        table[label, label] = True
        table[128:, label] = np.arange(128) & bit(label) > 0
    table[0, 0] = True
    table[128:, 0] = True
    return table


def mirrored():
    """Target byte after left and right changed places."""
    table = np.arange(256, dtype=np.uint8)
    table[[RIGHT, LEFT]] = [LEFT, RIGHT]
    for byte in range(128, 256):
        right, left = byte & bit(RIGHT), byte & bit(LEFT)
        table[byte] = byte & ~(bit(RIGHT) | bit(LEFT)) | (bit(LEFT) if right else 0) | (bit(RIGHT) if left else 0)
    return table
