"""What training makes up about a patient's pose and what the patient lies on."""
import numpy as np
import torch


def rotation(random, any_turn=0.1):
    """Turns of 12 degrees about each axis; with the chance any_turn any turn about the long axis: patients lie on sides and faces."""
    turns = random.uniform(-0.21, 0.21, 3)
    if random.random() < any_turn:
        turns[0] = random.uniform(-np.pi, np.pi)
    matrix = np.eye(3)
    for axis, turn in enumerate(turns):
        a, b = [other for other in range(3) if other != axis]
        step = np.eye(3)
        step[a, a] = step[b, b] = np.cos(turn)
        step[a, b], step[b, a] = -np.sin(turn), np.sin(turn)
        matrix = matrix @ step
    return matrix


def couch(y, x, edges, random):
    """HU of a made-up couch at source coordinates y, x (voxels): two shells around foam, flat or curved, perhaps a mattress. -1000 is air."""
    bottom, middle, half_width = edges
    width = half_width * random.uniform(0.7, 1.6) + 4
    across = (x - middle - random.uniform(-4, 4)) / width
    # Flat, a shallow trough, or a head holder that goes up on both sides.
    bend = random.choice([0, random.uniform(1, 8), random.uniform(10, 1.2 * half_width + 11)], p=[0.35, 0.4, 0.25])
    top = bottom + random.uniform(-1.5, 6) + bend * (1 - across**2) - bend * random.uniform(0.3, 1)
    depth, thick = random.uniform(2, 20), random.uniform(0.3, 2)
    shell, foam, mattress = random.uniform(-700, 500), random.uniform(-1000, -750), random.uniform(-980, -600)
    down = y - top
    inside = (across.abs() < 1).float()
    cover = lambda low, high: (torch.clamp(down - low + 0.5, 0, 1) * torch.clamp(high - down + 0.5, 0, 1)).clamp(max=high - low) * inside
    layers = [(cover(0, thick), shell), (cover(depth, depth + thick), shell), (cover(thick, depth), foam)]
    if random.random() < 0.4:
        layers.append((cover(-random.uniform(1, 8), 0), mattress))
    if random.random() < 0.3:  # a second deck, or a cradle below
        far = depth + random.uniform(3, 15)
        layers.append((cover(far, far + random.uniform(0.5, 4)), random.uniform(-500, 800)))
    return -1000 + sum(share * (hu + 1000) for share, hu in layers)
