"""Who, what and where of the two sets: subjects, splits, actions, sessions. Bodies, clothes and motions never cross
splits.

studio has the shape of Human3.6M: subjects S1 S5 S6 S7 S8 train, S9 S11 test; four fixed calibrated cameras a session.
outdoor has the shape of MPI-INF-3DHP's test set: subjects TS1 to TS6, three scene kinds, seven activities; its train
split has other people, one a picture.
"""

import zlib

STUDIO_SUBJECTS = {"train": ("S1", "S5", "S6", "S7", "S8"), "test": ("S9", "S11")}
OUTDOOR_SUBJECTS = ("TS1", "TS2", "TS3", "TS4", "TS5", "TS6")
SESSIONS = 60
"""Sessions a studio subject: each has its own clothes, room, light and four cameras."""
SCENES = ("greenscreen", "indoor", "outdoor")
KINDS = ("studio", "outdoor")
SPLITS = ("train", "test")

ACTION_NAMES = (
    *("Standing", "Gesturing", "Reaching", "Greeting", "Phoning", "Bending", "Sitting", "Crouching", "Kneeling"),
    *("Floor", "Walking", "Running", "Dancing", "Fighting", "Acrobatics"),
)
"""The studio's fifteen actions in the order of the tables; poses.ACTIONS says what each is made of."""

ACTIVITIES = {
    "StandWalk": ("Standing", "Walking"),
    "Exercise": ("Dancing", "Bending", "Kneeling"),
    "SitOnChair": ("Sitting",),
    "CrouchReach": ("Crouching", "Reaching"),
    "OnTheFloor": ("Floor",),
    "Sports": ("Running", "Fighting", "Acrobatics"),
    "Misc": ("Gesturing", "Greeting", "Phoning"),
}
"""Outdoor activities (MPI-INF-3DHP's seven) and the studio's actions they are made of."""

_BODIES = {"S1": 0, "S5": 1, "S6": 2, "S7": 3, "S8": 4, "S9": 5, "S11": 6,
           "TS1": 10, "TS2": 11, "TS3": 12, "TS4": 13, "TS5": 14, "TS6": 15}  # fmt: skip
FIRST_CROWD_BODY = 20
"""Bodies from here on belong to the outdoor train split."""

_KEYWORDS = (
    ("Running", ("run", "jog")),
    ("Fighting", ("kick", "punch", "fight", "sword", "02_05", "02_07", "02_08", "02_09")),
    ("Dancing", ("dance", "spin")),
    ("Acrobatics", ("flip", "cartwheel", "roll", "jump", "01_", "02_04")),
    ("Floor", ("crawl", "getup", "floor", "lie")),
    ("Bending", ("bend", "lift", "pick", "02_06")),
    ("Sitting", ("sit", "chair")),
    ("Crouching", ("crouch", "squat")),
    ("Gesturing", ("02_10", "talk", "gestur", "wash")),
    ("Walking", ("walk", "02_01", "02_02", "03_0", "zombie", "stealth")),
)


def body_of(subject: str) -> int:
    """Bank index of a named subject."""
    return _BODIES[subject]


def clip_action(name: str) -> str:
    """A studio action for a motion file's name; files that say nothing serve as Gesturing."""
    plain = name.lower().replace("spine", "")
    for action, words in _KEYWORDS:
        # CMU's numbers are a file's whole name; others have digits anywhere
        if any(plain.startswith(word) if word[0].isdigit() else word in plain for word in words):
            return action
    walk = plain[:1].isdigit() and not plain.startswith(("01_", "02_", "03_"))  # CMU's walks bear only numbers
    return "Walking" if walk else "Gesturing"


def clip_owner(name: str) -> str:
    """Which set may use a clip: 'train', 'studio-test' or 'outdoor-test'. A mirrored clip goes with its original."""
    base = name.lower().replace("_mirror", "")
    base = base.rstrip("0123456789")[:40] if "humanoid3d" in name else base
    draw = zlib.crc32(base.encode()) % 10
    return "train" if draw < 6 else ("studio-test" if draw < 8 else "outdoor-test")


def owner(kind: str, split: str) -> str:
    """The clip_owner of a set's split."""
    return "train" if split == "train" else f"{kind}-test"
