"""Labels a CT by rules: 0 outside, 1 lungs, 2 gas, 3 bone, 4 fat, 5 soft tissue, 255 not judged.

No human drew these. The rules are the reference standard of this model, and its ceiling. Arrays are zyx
(superior, posterior, left ascending) on the 3 mm grid, in HU. Smoothing is by one small Gaussian
because at 3 mm the noise of one voxel is as large as the step from fat to muscle.
"""
import numpy as np
from scipy import ndimage as ndi

LUNGS, GAS, BONE, FAT, SOFT_TISSUE, NOT_JUDGED = 1, 2, 3, 4, 5, 255
NAMES = {LUNGS: "lungs", GAS: "gas", BONE: "bone", FAT: "fat", SOFT_TISSUE: "soft_tissue"}
SPACING_MM = 3.0
VOXEL_ML = SPACING_MM**3 / 1000
FACES = ndi.generate_binary_structure(3, 1)
IN_PLANE = np.zeros((3, 3, 3), bool)
IN_PLANE[1] = ndi.generate_binary_structure(2, 1)


def disk(radius):
    y, x = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    return (x * x + y * y <= radius * radius + 0.5)[None]


def keep_components(mask, at_least_ml, structure=FACES):
    labelled, count = ndi.label(mask, structure)
    if not count:
        return mask
    sizes = np.bincount(labelled.ravel()) * VOXEL_ML
    sizes[0] = 0
    return (sizes >= at_least_ml)[labelled]


def grow_within(seed, mask):
    """The components of mask that hold a voxel of seed."""
    labelled, _ = ndi.label(mask, FACES)
    wanted = np.zeros(labelled.max() + 1, bool)
    wanted[labelled[seed & mask]] = True
    wanted[0] = False
    return wanted[labelled]


def fill_slices(mask):
    return np.stack([ndi.binary_fill_holes(slice_) for slice_ in mask])


def nearest_label(labels, among):
    """For every voxel the label of the nearest voxel in `among`."""
    if not among.any():
        return labels
    at = ndi.distance_transform_edt(~among, return_distances=False, return_indices=True)
    return labels[tuple(at)]


def find_body(hu, source):
    """The patient without table, clothing and the air around: solid, opened in the plane, large, then filled.

    Opening takes couch shells, straps, masks and blankets off the skin: they are thinner than 15 mm (9 mm on heads,
    where noses and ears are as thin). What it took from the patient comes back by regrowing two voxels within the solid.
    A trunk is filled in 3D from the sides of the picture: what can't be reached from there is inside, and the gap
    between arm and trunk stays outside. A head is filled slice by slice after closing by 6 mm, because in 3D the airways lead
    out through nose and mouth.
    """
    head = source.get("head", False)
    solid = hu > -300
    opened = keep_components(ndi.binary_opening(np.pad(solid, ((0, 0), (3, 3), (3, 3)), "edge"), disk(1 if head else 2))[:, 3:-3, 3:-3], source.get("smallestBodyPartMl", 20))
    if "couchBehindMm" in source:  # a couch as thick as a leg: no rule tells them apart, the picture does
        opened[:, int(source["couchBehindMm"] / SPACING_MM) :] = False
    body = ndi.binary_dilation(opened, disk(1), iterations=2, mask=solid)
    if head:
        return fill_slices(ndi.binary_closing(np.pad(body, ((0, 0), (3, 3), (3, 3))), disk(2))[:, 3:-3, 3:-3] | body)
    sides = np.zeros_like(body)
    for side in source.get("outsideAirAt", ["front", "back", "right", "left"]):  # where lungs are cut by the view, not all
        sides[{"front": np.s_[:, 0], "back": np.s_[:, -1], "right": np.s_[:, :, 0], "left": np.s_[:, :, -1]}[side]] = True
    passable = ~body if "outsideAirAt" not in source else hu < -500
    outside = grow_within(sides & passable, passable)
    if "outsideAirAt" in source:
        outside = ndi.binary_dilation(outside, disk(1), mask=hu < -300)
    return ~outside


def split_air(hu, body, source):
    """Lungs and other gas. Both are dark; lung tissue is rarely as empty as gas, and is large.

    The core of gas is below -930 HU, that of lung between -930 and -500 in a piece wider than 9 mm and larger than
    30 ml (stool with gas in it is smaller; where only a slab or an apex is in view the caller asks for less). What lies
    between, such as the rims that partial volume paints grey, goes to the nearest core. In a head and neck series lung is looked
    for only 80 mm and more below the brainstem: paranasal sinuses and mouth are grey too at that resolution.
    """
    floor = source.get("lungFloorHu", -930)
    smooth = ndi.gaussian_filter(hu, source.get("lungSmoothing", 0.6))
    air = body & (hu < -400)
    core = body & (smooth > floor) & (smooth < -500)
    core[source.get("lungsBelowSlice", len(hu)) :] = False
    core[:, : int(source.get("lungsBehindMm", 0) / SPACING_MM)] = False
    windpipe = find_windpipe(air, source["midlineColumns"]) if "midlineColumns" in source else np.zeros_like(air)
    core &= ~windpipe
    core = keep_components(ndi.binary_opening(core, IN_PLANE), np.inf if source.get("noLungs") else source.get("smallestLungMl", 30))
    gas_core = keep_components(body & ((smooth < floor) | (hu < floor - 30)) & ~core, 0.1) | windpipe
    labels = np.zeros(hu.shape, np.uint8)
    labels[core] = LUNGS
    labels[gas_core] = GAS
    pieces, _ = ndi.label(gas_core, FACES)
    for number, box in enumerate(ndi.find_objects(pieces), 1):  # emphysema: a small hole that lung wraps is lung
        grown = tuple(slice(max(0, s.start - 1), s.stop + 1) for s in box)
        piece = pieces[grown] == number
        shell = ndi.binary_dilation(piece, FACES) & ~piece
        if piece.sum() * VOXEL_ML < source.get("largestEmphysemaMl", 3) and np.mean(labels[grown][shell] == LUNGS) > 0.5:
            labels[grown][piece] = LUNGS
    nearest = nearest_label(labels, labels > 0)
    spaces, _ = ndi.label(air & ~windpipe, FACES)
    has_lung, has_gas = (np.isin(np.arange(spaces.max() + 1), spaces[labels == label]) for label in (LUNGS, GAS))
    nearest[(has_lung & ~has_gas)[spaces] & (spaces > 0)] = LUNGS  # thin corners of a lung
    nearest[(~has_lung & ~has_gas)[spaces] & (spaces > 0)] = GAS  # a bubble
    if "lungsBehindMm" in source:  # read off the picture: what air lies there is the thin end of a lung
        nearest[:, int(source["lungsBehindMm"] / SPACING_MM) :] = LUNGS
    return np.where(air, nearest, 0).astype(np.uint8)


def find_windpipe(air, midline_columns):
    """In each slice, air of at most 5 cm2 in front of the spine: at 4-5 mm pixels a windpipe is as grey as lung."""
    windpipe = np.zeros_like(air)
    for z, column in enumerate(midline_columns):
        pieces, _ = ndi.label(air[z])
        for number, box in enumerate(ndi.find_objects(pieces), 1):
            piece = pieces[box] == number
            middle = box[1].start + np.nonzero(piece)[1].mean()
            if piece.sum() * SPACING_MM**2 < 500 and abs(middle - column) * SPACING_MM < 25:
                windpipe[z][box] |= piece
    return windpipe


def directions_enclosed(mask, reach):
    """For every voxel, in how many of the eight in-plane directions mask lies within `reach` voxels."""
    hits = np.zeros(mask.shape, np.uint8)
    padded = np.pad(mask, ((0, 0), (reach, reach), (reach, reach)))
    _, rows, columns = mask.shape
    for dy, dx in ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)):
        hit = np.zeros_like(mask)
        for step in range(1, reach + 1):
            y, x = reach + dy * step, reach + dx * step
            hit |= padded[:, y : y + rows, x : x + columns]
        hits += hit
    return hits


def find_bone(hu, body, source):
    """Bone with its marrow: above 200 HU and connected to denser bone, closed by 9 mm; marrow is what bone surrounds.

    Vessels with contrast are above 200 too but rarely reach the seed value; in an arterial series they do: there
    the caller names the vessels (`contrast`), a mask, not a threshold. Marrow is trabecular (above 75 HU, bone within 27 mm in
    seven of eight directions: shells are torn at 3 mm) or fatty (below -20, within 21 mm in all eight). What is
    grey between stays out, as the spinal canal and the brain are as surrounded as marrow; red marrow of that grey is missed.
    """
    never = source.get("neverBone", np.zeros_like(body)) | source.get("contrast", np.zeros_like(body))
    dense = body & (hu > 200) & ~never
    bone = keep_components(grow_within(dense & (hu > source.get("boneSeedHu", 300)), dense), 0.15)
    smooth = ndi.gaussian_filter(hu, 0.5)
    bone |= ndi.binary_closing(np.pad(bone, 4), disk(3))[4:-4, 4:-4, 4:-4] & (smooth > 120) & body
    trabecular = (smooth > 75) & (directions_enclosed(bone, 9) >= 7)
    fatty = (smooth > -200) & (smooth < -20) & (directions_enclosed(bone, 7) == 8)
    bone |= keep_components(ndi.binary_opening(body & (trabecular | fatty | bone), IN_PLANE), 0.15) & body
    return bone & ~never


def rule_targets(hu, source):
    """Labels of one CT. `source` holds what must be known of a series and can't be read from its voxels."""
    hu = hu.astype(np.float32)
    body = find_body(hu, source)
    labels = np.zeros(hu.shape, np.uint8)
    smooth = ndi.gaussian_filter(np.clip(hu, -300, 300), 0.5)
    # Fat and soft tissue: the valley between them lies near -30 HU; -30 and not -50, as partial volume and noise are even there.
    labels[body] = np.where(smooth[body] < -30, FAT, SOFT_TISSUE)
    air = hu < -400
    # Between air and soft tissue every voxel looks like fat for an instant: rims take the label of the nearest voxel further in.
    rim = body & ndi.binary_dilation(air | ~body, FACES) & (smooth < -30)
    labels = np.where(rim, nearest_label(labels, body & ~rim & ~air), labels)
    airs = split_air(hu, body, source)
    labels[airs > 0] = airs[airs > 0]
    labels[find_bone(hu, body, source)] = BONE
    labels[~body] = 0
    return labels.astype(np.uint8)
