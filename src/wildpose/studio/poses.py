"""Plausible poses without motion files: joint angles drawn around templates, within joint limits, without
self-penetration.

Angles are degrees in anatomical terms. Legs and trunk come from a posture, arms from an arm gesture; sides are
swapped at
random. Limits are rounded from the usual goniometric ranges (AAOS), a little wider at the hips and shoulders for
athletes.
"""

import numpy as np
from jaxtyping import Float

from wildpose.studio.bodies import DOWN, SEGMENT, SEGMENTS

LIMITS = {
    "hip_flex": (-25, 130), "hip_abd": (-20, 60), "hip_rot": (-45, 45), "knee": (0, 150), "ankle": (-45, 25),
    "arm_flex": (-50, 180), "arm_abd": (-25, 175), "arm_rot": (-80, 90), "elbow": (0, 150),
    "bend": (-30, 80), "lean": (-35, 35), "twist": (-40, 40), "nod": (-45, 50), "tilt": (-30, 30), "turn": (-70, 70),
}  # fmt: skip

# posture: pitch and roll of the pelvis, trunk (bend, lean, twist), then per leg (hip_flex, hip_abd, hip_rot, knee,
# ankle),
# the leading leg first; each with its standard deviation below
POSTURES = {
    "Standing": ((0, 0), (2, 0, 0), (0, 5, 0, 4, 0), (0, 5, 0, 4, 0)),
    "StandingWide": ((0, 0), (5, 0, 0), (8, 22, 0, 12, 8), (8, 22, 0, 12, 8)),
    "OneLeg": ((0, 0), (5, 0, 0), (60, 15, 0, 70, 0), (0, 3, 0, 6, 2)),
    "Walking": ((4, 0), (3, 0, 8), (28, 2, 0, 10, 5), (-15, 2, 0, 28, -10)),
    "WalkingPassing": ((4, 0), (3, 0, 0), (15, 2, 0, 55, 0), (-2, 2, 0, 6, 4)),
    "Running": ((12, 0), (6, 0, 10), (65, 3, 0, 85, 0), (-20, 3, 0, 45, -20)),
    "RunningReach": ((14, 0), (6, 0, 12), (45, 3, 0, 25, 5), (-25, 3, 0, 95, -20)),
    "Lunge": ((8, 0), (5, 0, 0), (85, 6, 0, 85, 5), (-22, 4, 0, 25, -5)),
    "Sitting": ((-5, 0), (12, 0, 0), (88, 12, 0, 88, 0), (88, 12, 0, 88, 0)),
    "SittingCrossed": ((-8, 0), (12, 0, 0), (100, -8, 10, 80, -10), (88, 6, 0, 92, 0)),
    "SittingLeaning": ((15, 0), (30, 0, 0), (95, 14, 0, 85, 5), (95, 14, 0, 100, 5)),
    "Crouching": ((20, 0), (25, 0, 0), (112, 18, 5, 125, 15), (112, 18, 5, 125, 15)),
    "HalfCrouch": ((25, 0), (15, 0, 0), (75, 14, 0, 75, 15), (75, 14, 0, 75, 15)),
    "Kneeling": ((0, 0), (6, 0, 0), (85, 8, 0, 88, 0), (-5, 6, 0, 95, -40)),
    "KneelingBoth": ((0, 0), (10, 0, 0), (30, 10, 0, 125, -42), (30, 10, 0, 125, -42)),
    "Bending": ((40, 0), (45, 0, 0), (55, 6, 0, 15, 2), (55, 6, 0, 20, 2)),
    "FloorSitting": ((-12, 0), (25, 0, 0), (85, 12, 0, 25, -10), (95, 15, 0, 70, -10)),
    "FloorCrossed": ((-10, 0), (30, 0, 0), (95, 45, 20, 125, -20), (95, 45, 20, 130, -20)),
    "Supine": ((-88, 0), (5, 0, 0), (10, 8, 10, 15, -20), (30, 8, 10, 60, -20)),
    "Prone": ((88, 0), (-10, 0, 0), (-2, 8, 0, 12, -40), (2, 8, 0, 12, -40)),
    "OnSide": ((0, 85), (12, 0, 0), (45, 0, 0, 55, -10), (25, 4, 0, 40, -10)),
    "AllFours": ((75, 0), (-5, 0, 0), (88, 6, 0, 88, -40), (80, 6, 0, 92, -40)),
    "Plank": ((78, 0), (2, 0, 0), (-2, 4, 0, 4, 15), (-2, 4, 0, 4, 15)),
    "Kicking": ((-12, -10), (5, 8, 10), (85, 30, 0, 25, -20), (2, 8, 0, 12, 5)),
    "Jumping": ((5, 0), (8, 0, 0), (35, 12, 0, 55, -25), (20, 12, 0, 70, -25)),
    "Tucked": ((40, 0), (40, 0, 0), (110, 8, 0, 115, -10), (110, 8, 0, 115, -10)),
    "Handstand": ((175, 0), (-8, 0, 0), (5, 15, 0, 12, -30), (-5, 20, 0, 25, -30)),
    "Cartwheel": ((0, 110), (0, 12, 0), (10, 50, 0, 8, -30), (5, 45, 0, 8, -30)),
    "Split": ((20, 0), (8, 0, 0), (100, 10, 0, 8, -30), (-24, 10, 0, 20, -30)),
}
POSTURE_SPREAD = ((7, 5), (9, 7, 10), (11, 7, 10, 13, 8), (11, 7, 10, 13, 8))

# gesture: (arm_flex, arm_abd, arm_rot, elbow) of the first and of the second arm
GESTURES = {
    "Hanging": ((2, 8, 0, 14), (2, 8, 0, 14)),
    "Swinging": ((35, 8, 5, 40), (-28, 10, 0, 25)),
    "RunningArms": ((35, 12, 15, 95), (-42, 15, 0, 90)),
    "OnHips": ((-22, 42, 35, 100), (-22, 42, 35, 100)),
    "OneOnHip": ((-22, 42, 35, 100), (2, 8, 0, 15)),
    "Folded": ((38, 8, 62, 108), (34, 8, 58, 104)),
    "Talking": ((32, 14, 20, 85), (28, 14, 25, 80)),
    "Explaining": ((45, 30, 0, 70), (20, 12, 10, 30)),
    "Pointing": ((88, 10, 0, 8), (2, 10, 0, 20)),
    "PointingAside": ((40, 85, 0, 10), (2, 10, 0, 20)),
    "Phoning": ((42, 28, 20, 138), (5, 8, 0, 20)),
    "HandsToHead": ((75, 55, -20, 125), (75, 55, -20, 125)),
    "Greeting": ((60, 85, -60, 95), (2, 8, 0, 14)),
    "Reaching": ((95, 12, 0, 20), (90, 12, 0, 25)),
    "ReachingUp": ((155, 8, 0, 14), (30, 12, 0, 35)),
    "Overhead": ((168, 12, 0, 14), (168, 12, 0, 14)),
    "OverheadWide": ((20, 145, 0, 15), (20, 145, 0, 15)),
    "Wide": ((5, 88, 0, 12), (5, 88, 0, 12)),
    "Guard": ((48, 20, 20, 122), (42, 18, 25, 118)),
    "Punching": ((88, 8, 10, 8), (32, 20, 15, 130)),
    "Supporting": ((80, 12, 0, 8), (80, 12, 0, 8)),
    "Lap": ((28, 10, 20, 62), (28, 10, 20, 62)),
    "Behind": ((-42, 10, 40, 45), (-42, 10, 40, 45)),
    "Throwing": ((60, 95, -75, 95), (70, 35, 0, 25)),
    "Carrying": ((20, 12, 5, 88), (20, 12, 5, 88)),
}
GESTURE_SPREAD = (13, 11, 14, 15)

ACTIONS = {
    "Standing": (("Standing", "StandingWide"), ("Hanging", "OnHips", "OneOnHip", "Folded", "Behind", "Talking")),
    "Gesturing": (("Standing", "StandingWide"), ("Talking", "Explaining", "Pointing", "PointingAside", "HandsToHead")),
    "Reaching": (("Standing", "Lunge", "HalfCrouch"), ("Reaching", "ReachingUp", "Pointing", "Overhead")),
    "Greeting": (("Standing", "StandingWide"), ("Greeting", "OverheadWide", "Wide", "Overhead")),
    "Phoning": (("Standing", "Sitting", "WalkingPassing"), ("Phoning",)),
    "Bending": (("Bending", "HalfCrouch"), ("Hanging", "Reaching", "Talking", "Supporting", "Carrying")),
    "Sitting": (("Sitting", "SittingCrossed", "SittingLeaning"),
                ("Lap", "Folded", "Talking", "Explaining", "Pointing", "HandsToHead", "Hanging", "ReachingUp")),
    "Crouching": (("Crouching", "HalfCrouch"), ("Lap", "Reaching", "Hanging", "Guard", "Supporting", "Wide")),
    "Kneeling": (("Kneeling", "KneelingBoth"), ("Lap", "Reaching", "Hanging", "Overhead", "OneOnHip", "Talking")),
    "Floor": (("FloorSitting", "FloorCrossed", "Supine", "Prone", "OnSide", "AllFours", "Plank"),
              ("Lap", "Behind", "Supporting", "Hanging", "Overhead", "Wide", "HandsToHead")),
    "Walking": (("Walking", "WalkingPassing"), ("Swinging", "Swinging", "Hanging", "Carrying", "Talking")),
    "Running": (("Running", "RunningReach"), ("RunningArms", "RunningArms", "Swinging")),
    "Dancing": (("StandingWide", "OneLeg", "Lunge", "Split", "Jumping"), tuple(GESTURES)),
    "Fighting": (("StandingWide", "Lunge", "Kicking", "HalfCrouch"), ("Guard", "Punching", "Throwing", "Wide")),
    "Acrobatics": (("Handstand", "Cartwheel", "Tucked", "Split", "Jumping", "OneLeg"),
                   ("Overhead", "OverheadWide", "Wide", "Supporting", "Throwing")),
}  # fmt: skip
"""The studio's fifteen actions, each with its postures and arm gestures."""

ON_A_SEAT = ("Sitting", "SittingCrossed", "SittingLeaning")


def sample_pose(rng: np.random.Generator, action: str) -> tuple[Float[np.ndarray, "13 3 3"], str]:
    """A pose of an action, facing -y, and the name of its posture. The last try is kept where none of 20 is free."""
    postures, gestures = ACTIONS[action]
    for _ in range(20):
        posture, gesture = str(rng.choice(postures)), str(rng.choice(gestures))
        pose = compose(draw_angles(rng, posture, gesture))
        if not penetrates(pose):
            break
    return pose, posture


def draw_angles(rng: np.random.Generator, posture: str, gesture: str) -> dict[str, float]:
    """Joint angles in degrees, within LIMITS, named `left_knee`, `bend` and so on; `pitch` and `roll` are the
    pelvis's."""
    pelvis, trunk, *legs = [
        np.array(mean) + rng.normal(size=len(mean)) * np.array(spread)
        for mean, spread in zip(POSTURES[posture], POSTURE_SPREAD, strict=True)
    ]
    arms = [np.array(mean) + rng.normal(size=4) * np.array(GESTURE_SPREAD) for mean in GESTURES[gesture]]
    if posture in ("AllFours", "Plank", "Prone"):  # the arms bear the trunk
        arms = [np.array([85, 10, 0, 12]) + rng.normal(size=4) * np.array([14, 8, 10, 12]) for _ in range(2)]
    out = {"pitch": pelvis[0], "roll": pelvis[1]}
    out |= dict(zip(("bend", "lean", "twist"), trunk, strict=True))
    out |= {"nod": rng.normal(0, 14), "tilt": rng.normal(0, 7), "turn": rng.normal(0, 22)}
    for things, names in (
        (legs, ("hip_flex", "hip_abd", "hip_rot", "knee", "ankle")),
        (arms, ("arm_flex", "arm_abd", "arm_rot", "elbow")),
    ):
        sides = ("left", "right") if rng.random() < 0.5 else ("right", "left")
        for side, values in zip(sides, things, strict=True):
            out |= {f"{side}_{name}": value for name, value in zip(names, values, strict=True)}
    return {name: _within(name, float(value)) for name, value in out.items()}


def _within(name: str, value: float) -> float:
    low, high = LIMITS.get(name.removeprefix("left_").removeprefix("right_"), (-360, 360))
    return float(min(max(value, low), high))


def turn(axis: str, degrees: float) -> Float[np.ndarray, "3 3"]:
    """Rotation about a coordinate axis."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    i, j = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    out = np.eye(3)
    out[i, i], out[i, j], out[j, i], out[j, j] = c, -s, s, c
    return out


def compose(angles: dict[str, float]) -> Float[np.ndarray, "13 3 3"]:
    """Global segment rotations of joint angles. Flexion moves a limb forward (-y), abduction away from the mid-line."""
    out = np.empty((len(SEGMENTS), 3, 3))
    pelvis = turn("y", angles["roll"]) @ turn("x", angles["pitch"])
    chest = pelvis @ turn("x", angles["bend"]) @ turn("y", angles["lean"]) @ turn("z", angles["twist"])
    out[SEGMENT["pelvis"]], out[SEGMENT["chest"]] = pelvis, chest
    out[SEGMENT["head"]] = chest @ turn("z", angles["turn"]) @ turn("x", angles["nod"]) @ turn("y", angles["tilt"])
    for side, outward in (("left", -1.0), ("right", 1.0)):
        a = {
            name: angles[f"{side}_{name}"]
            for name in ("hip_flex", "hip_abd", "hip_rot", "knee", "ankle", "arm_flex", "arm_abd", "arm_rot", "elbow")
        }
        thigh = (
            pelvis @ turn("x", -a["hip_flex"]) @ turn("y", outward * a["hip_abd"]) @ turn("z", outward * a["hip_rot"])
        )
        shin = thigh @ turn("x", a["knee"])
        upper = (
            chest @ turn("x", -a["arm_flex"]) @ turn("y", outward * a["arm_abd"]) @ turn("z", outward * a["arm_rot"])
        )
        out[SEGMENT[f"{side}_thigh"]], out[SEGMENT[f"{side}_shin"]] = thigh, shin
        out[SEGMENT[f"{side}_foot"]] = shin @ turn("x", -a["ankle"])
        out[SEGMENT[f"{side}_upper_arm"]] = upper
        out[SEGMENT[f"{side}_forearm"]] = upper @ turn("x", -a["elbow"])
    return out


# A stick person of mean proportions (metres) for the penetration test: capsules with these radii.
_PLACES = {
    "hip": 0.098,
    "shoulder": 0.18,
    "torso": 0.46,
    "upper_arm": 0.26,
    "forearm": 0.34,
    "thigh": 0.40,
    "shin": 0.42,
}
PENETRATION_RADIUS = {"upper_arm": 0.042, "forearm": 0.035, "thigh": 0.075, "shin": 0.05, "torso": 0.105, "head": 0.10}
_RADIUS_OF = {"torso": PENETRATION_RADIUS["torso"], "head": PENETRATION_RADIUS["head"]} | {
    f"{side}_{part}": PENETRATION_RADIUS[part]
    for side in ("left", "right")
    for part in ("upper_arm", "forearm", "thigh", "shin")
}
_APART = (
    ("left_forearm", "right_forearm"), ("left_shin", "right_shin"), ("left_thigh", "right_shin"),
    ("right_thigh", "left_shin"), ("left_forearm", "right_upper_arm"), ("right_forearm", "left_upper_arm"),
    *((f"{side}_forearm", other) for side in ("left", "right")
      for other in ("torso", "head", "left_thigh", "right_thigh", "left_shin", "right_shin")),
    *((f"{side}_{part}", other) for side in ("left", "right")
      for part, other in (("shin", "torso"), ("shin", "head"), ("upper_arm", "head"))),
)  # fmt: skip
"""Pairs of capsules that must stay apart."""


def penetrates(pose: Float[np.ndarray, "13 3 3"]) -> bool:
    """Whether capsules around a stick person's limbs, trunk and head run into one another (neighbours excepted)."""
    return penetration_m(pose) > 0


def penetration_m(pose: Float[np.ndarray, "13 3 3"]) -> float:
    """How deep, in metres, the two capsules lie in one another that do so most; 0 where all are free."""
    at = capsules(pose)
    gaps = [
        _segment_distance(*at[first], *at[second]) - _RADIUS_OF[first] - _RADIUS_OF[second] for first, second in _APART
    ]
    return max(0.0, -min(gaps))


def capsules(pose: Float[np.ndarray, "13 3 3"]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Ends (3,), (3,) of every capsule in metres, the pelvis at the origin."""
    rotation = dict(zip(SEGMENTS, pose, strict=True))
    chest_base = rotation["pelvis"] @ np.array([0, 0, 0.15])
    neck = chest_base + rotation["chest"] @ np.array([0, 0, _PLACES["torso"] - 0.15])
    out = {
        "torso": (np.zeros(3), neck - rotation["chest"] @ np.array([0, 0, 0.08])),
        "head": (
            neck + rotation["head"] @ np.array([0, -0.03, 0.15]),
            neck + rotation["head"] @ np.array([0, -0.03, 0.22]),
        ),
    }
    for side, lateral in (("left", 1), ("right", -1)):
        shoulder = neck + rotation["chest"] @ np.array([lateral * _PLACES["shoulder"], 0, 0])
        hip = rotation["pelvis"] @ np.array([lateral * _PLACES["hip"], 0, 0])
        for start, near, far in ((shoulder, "upper_arm", "forearm"), (hip, "thigh", "shin")):
            middle = start + rotation[f"{side}_{near}"] @ DOWN * _PLACES[near]
            out[f"{side}_{near}"] = (start, middle)
            out[f"{side}_{far}"] = (middle, middle + rotation[f"{side}_{far}"] @ DOWN * _PLACES[far])
    return out


def _segment_distance(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> float:
    """Smallest distance between 9 points of one segment and the other, to 1 cm at these lengths."""
    points = a + np.linspace(0, 1, 9)[:, None] * (b - a)
    along = d - c
    share = np.clip((points - c) @ along / (along @ along), 0, 1)
    return float(np.linalg.norm(points - (c + share[:, None] * along), axis=1).min())
