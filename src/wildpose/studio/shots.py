"""From a seed and an index to a picture: everything random about an image is drawn here, the same in any process."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from jaxtyping import Float

from wildpose.studio import protocol
from wildpose.studio.appearance import Look, linear, sample_look
from wildpose.studio.bodies import load_bank
from wildpose.studio.develop import develop
from wildpose.studio.dressing import PROP
from wildpose.studio.motion import Clip
from wildpose.studio.poses import ACTIONS, penetration_m, sample_pose, turn
from wildpose.studio.props import heading, occluder, seat, thing_color
from wildpose.studio.render import Person, Posed, Rendered, frame_person, place, render
from wildpose.studio.scene import (
    Camera,
    Panorama,
    Room,
    box,
    look_at,
    procedural_panorama,
    sample_room,
)
from wildpose.studio.settle import LYING, settle

ACTION_NAMES = tuple(ACTIONS)
CLIP_SHARE = 0.55
"""Share of poses from motion files where the action has any."""
DEEPEST_M = 0.03
"""A clip's frame is drawn anew if a limb's capsule lies deeper in another than flesh and cloth give way."""
COMPANY_SHARE, CUT_SHARE = 0.15, 0.15
"""Shares of outdoor pictures with another person in them, and (train split only) of people the picture cuts."""
LEAST_SEEN = 8
"""Joints, of sixteen, that must be in the picture and not behind a thing or another person."""


@dataclass(frozen=True)
class World:
    """What an image can be drawn from; the same for all images of a set."""

    kind: str
    split: str
    seed: int
    size_px: int
    clips: dict[str, list[Clip]]
    """Action -> clips of this split."""
    panoramas: list[Panorama]


@dataclass(frozen=True)
class Shot:
    """A finished sample."""

    image: np.ndarray
    """(size, size, 3) uint8 RGB."""
    truth: Rendered
    subject: str
    action: str
    scene: str
    camera: int
    frame: int
    person: Person


def make_world(kind: str, split: str, seed: int, size_px: int, clips: list[Clip], panoramas: list[Panorama]) -> World:
    """Choose the clips and panoramas that belong to a split."""
    mine = [clip for clip in clips if protocol.clip_owner(clip.name) == protocol.owner(kind, split)]
    by_action: dict[str, list[Clip]] = {}
    for clip in mine:
        by_action.setdefault(protocol.clip_action(clip.name), []).append(clip)
    if panoramas:
        part = [p for i, p in enumerate(panoramas) if (i % 4 == 3) == (split == "test")]
        panoramas = part or panoramas
    elif kind == "outdoor":
        first = 0 if split == "train" else 1000
        panoramas = [procedural_panorama(np.random.default_rng([seed, first + k]), f"invented{k}") for k in range(40)]
    return World(kind, split, seed, size_px, by_action, panoramas)


def shoot(world: World, index: int) -> Shot:
    """Image `index` of a set."""
    rng = np.random.default_rng(
        [world.seed, protocol.KINDS.index(world.kind), protocol.SPLITS.index(world.split), index]
    )
    return _shoot_studio(world, index, rng) if world.kind == "studio" else _shoot_outdoor(world, index, rng)


def _pose(world: World, rng: np.random.Generator, action: str) -> tuple[Float[np.ndarray, "13 3 3"], str, int]:
    """A pose turned to a random heading, its posture's name ('' from a clip) and its frame number."""
    clips = world.clips.get(action)
    if clips and rng.random() < CLIP_SHARE:
        clip = clips[rng.integers(len(clips))]
        for _ in range(8):  # markers know nothing of flesh: retargeted limbs may run into one another
            frame = int(rng.integers(len(clip.poses)))
            pose, posture = clip.poses[frame].astype(np.float64), ""
            if penetration_m(pose) <= DEEPEST_M:
                break
        if rng.random() < 0.5:
            pose = _mirrored(pose)
    else:
        pose, posture = sample_pose(rng, action)
        if posture in LYING:
            pose = settle(pose)
        frame = -1
    return turn("z", rng.uniform(-180, 180)) @ pose, posture, frame


def _mirrored(pose: np.ndarray) -> np.ndarray:
    """The mirror image of a pose across the plane x = 0: sides swapped."""
    mirror = np.diag([-1.0, 1, 1])
    swapped = np.concatenate([pose[:3], pose[8:13], pose[3:8]])
    return mirror @ swapped @ mirror


def _subject_look(world: World, subject: str, session: int, female: bool) -> Look:
    """A subject keeps skin, face and hair; a session has its clothes. Neither depends on the set's seed."""
    number = protocol.body_of(subject)
    person = sample_look(np.random.default_rng([11, number]), female)
    clothes = sample_look(np.random.default_rng([12, number, session]), female)
    return replace(clothes, tone=person.tone, hair_color=person.hair_color, hair=person.hair, hair_cut=person.hair_cut,
                   hair_thickness=person.hair_thickness, beard=person.beard, waves=person.waves)  # fmt: skip


def _session(world: World, subject: str, session: int) -> tuple[Room, list[Camera], list]:
    """Room, the four cameras and the furniture of a session."""
    rng = np.random.default_rng([world.seed, 21, protocol.body_of(subject), session])
    half = (rng.uniform(3.4, 4.6), rng.uniform(4.2, 5.6))
    room = sample_room(rng, half, float(rng.uniform(2.7, 3.6)), 0.1)
    cameras = []
    for sx, sy in ((-1, -1), (1, -1), (-1, 1), (1, 1)):
        eye = np.array(
            [sx * (half[0] - rng.uniform(0.5, 1.0)), sy * (half[1] - rng.uniform(0.5, 1.0)), rng.uniform(1.3, 1.9)]
        )
        R, t = look_at(eye, np.array([*rng.normal(0, 0.15, 2), rng.uniform(0.8, 1.0)]), rng.normal(0, 0.01))
        focal = rng.uniform(1130, 1160)
        K = np.array([[focal, 0, 500 + rng.normal(0, 10)], [0, focal, 500 + rng.normal(0, 10)], [0, 0, 1.0]])
        cameras.append(Camera(K, R, t))
    furniture = []
    for _ in range(int(rng.integers(1, 5))):
        wall = rng.integers(2)
        size = np.array([rng.uniform(0.3, 1.4), rng.uniform(0.3, 0.7), rng.uniform(0.4, 1.9)])
        at = np.array([rng.uniform(-half[0], half[0]) * 0.8, rng.choice([-1, 1]) * (half[1] - size[1] / 2 - 0.05)])
        if wall:
            at = np.array([rng.choice([-1, 1]) * (half[0] - size[0] / 2 - 0.05), rng.uniform(-half[1], half[1]) * 0.8])
        color, texture = thing_color(rng), int(rng.integers(0, 9))
        if all(np.linalg.norm(camera.eye[:2] - at) > 2.0 for camera in cameras):  # never right before a camera
            furniture.append(box(np.array([*at, size[2] / 2]), size, 0.0, color, texture))
    return room, cameras, furniture


def _lift(rng: np.random.Generator, action: str, posture: str) -> float:
    """Jumps and flips leave the ground now and then."""
    if posture in ("Jumping", "Tucked") or (action == "Acrobatics" and rng.random() < 0.35):
        return float(rng.uniform(0.05, 0.6))
    return 0.0


def _shoot_studio(world: World, index: int, rng: np.random.Generator) -> Shot:
    subjects = protocol.STUDIO_SUBJECTS[world.split]
    subject = subjects[index % len(subjects)]
    action = ACTION_NAMES[(index // len(subjects)) % len(ACTION_NAMES)]
    session, number = int(rng.integers(protocol.SESSIONS)), int(rng.integers(4))
    body = protocol.body_of(subject)
    room, cameras, props = _session(world, subject, session)
    pose, posture, frame = _pose(world, rng, action)
    look = _subject_look(world, subject, session, bool(load_bank().female[body]))
    person = Person(body, look, pose, rng.uniform(-1, 1, 2) * [1.1, 1.4], _lift(rng, action, posture))
    posed = place(person)
    props = props + seat(rng, posed, posture, heading(pose))
    before = occluder(rng, posed, cameras[number].eye) if rng.random() < 0.08 else []
    share, shift = rng.uniform(0.55, 0.8), rng.uniform(-0.5, 0.5, 2)
    camera, box_xywh = frame_person(posed, cameras[number], world.size_px, share, shift)
    for things in ([*props, *before], props, []):
        truth = render(posed, things, camera, box_xywh, room, 1.0, world.size_px)
        if (~truth.behind).sum() >= LEAST_SEEN:
            break
    image = develop(rng, truth.image, 0.15)
    return Shot(image, truth, subject, action, f"room{session}", number, frame, person)


def _cut(rng: np.random.Generator) -> Float[np.ndarray, "2 2"]:
    """Shares of the person's box that the picture leaves out: mostly feet and legs, else a side, seldom the head."""
    cut = np.zeros((2, 2))
    kind = rng.choice(["below", "aside", "above"], p=[0.6, 0.32, 0.08])
    if kind == "aside":
        cut[0, rng.integers(2)] = rng.uniform(0.1, 0.35)
    else:
        cut[1] = (0.0, rng.uniform(0.08, 0.45)) if kind == "below" else (rng.uniform(0.04, 0.2), 0.0)
    return cut


def _company(
    world: World, rng: np.random.Generator, body: int, posed: Posed, eye: np.ndarray, around: Room | Panorama
) -> list:
    """Another person beside, behind or half before the first; nobody where there is no room."""
    others = [b for b in _bystanders(world) if b != body]
    other = int(rng.choice(others))
    pose, _ = sample_pose(rng, str(rng.choice(["Standing", "Walking", "Walking", "Gesturing"])))
    person = posed.joints[6, :2]
    away = (person - eye[:2]) / max(float(np.linalg.norm(person - eye[:2])), 1e-6)
    side = np.array([-away[1], away[0]]) * rng.choice([-1, 1])
    where = rng.choice(["beside", "behind", "before"], p=[0.45, 0.35, 0.2])
    aside, back = {
        "beside": (rng.uniform(0.5, 1.2), rng.uniform(-0.2, 0.8)),
        "behind": (rng.uniform(0.1, 1.5), rng.uniform(0.7, 3.5)),
        "before": (rng.uniform(0.2, 0.5), -rng.uniform(0.45, 0.9)),
    }[str(where)]
    at = person + aside * side + back * away
    look = sample_look(rng, bool(load_bank().female[other]))
    if isinstance(around, Room) and (np.abs(at) > around.bounds[:2, 1] - 0.4).any():
        return []
    second = place(Person(other, look, turn("z", rng.uniform(-180, 180)) @ pose, at))
    gaps = np.linalg.norm(second.joints[:, None] - posed.joints[None], axis=2)
    if gaps.min() < 0.22 or np.linalg.norm(second.joints - eye, axis=1).min() < 0.8:
        return []
    return [replace(layer, owner=PROP) for layer in second.layers]


def _bystanders(world: World) -> list[int]:
    """Bodies of the split's own people."""
    if world.split == "train":
        return list(range(protocol.FIRST_CROWD_BODY, load_bank().count))
    return [protocol.body_of(subject) for subject in protocol.OUTDOOR_SUBJECTS]


def _outdoor_camera(rng: np.random.Generator, posed: Posed) -> Camera:
    """A hand-held or mounted camera somewhere around the person; often tilted, sometimes high above or near the
    ground."""
    centre = (posed.joints.min(0) + posed.joints.max(0)) / 2
    azimuth = rng.uniform(0, 2 * np.pi)
    height = rng.choice([rng.normal(5, 8), rng.uniform(-8, 20), rng.uniform(15, 50)], p=[0.55, 0.3, 0.15])
    elevation = np.radians(height)
    distance = float(np.exp(rng.uniform(np.log(2.2), np.log(9))))
    way = np.array([np.cos(azimuth) * np.cos(elevation), np.sin(azimuth) * np.cos(elevation), np.sin(elevation)])
    eye = centre + distance * way
    eye[2] = max(eye[2], 0.25)
    roll = np.radians(rng.normal(0, 4) if rng.random() < 0.7 else rng.uniform(-30, 30))
    R, t = look_at(eye, centre + rng.normal(0, 0.12, 3) * distance * [1, 1, 0.5], roll)
    return Camera(np.array([[1000.0, 0, 500], [0, 1000.0, 500], [0, 0, 1]]), R, t)


def _surroundings(world: World, rng: np.random.Generator, scene: str, camera: Camera) -> Room | Panorama:
    if scene == "greenscreen" or (scene == "indoor" and rng.random() < 0.5):
        half = np.maximum(rng.uniform(2.5, 6, 2), np.abs(camera.eye[:2]) + 0.3)
        room = sample_room(rng, (half[0], half[1]), float(max(rng.uniform(2.6, 4), camera.eye[2] + 0.2)), 0.25)
        if scene == "greenscreen":
            room.colors[1:3] = linear(np.array([rng.uniform(20, 60), rng.uniform(150, 200), rng.uniform(40, 90)]))
            room.texture_ids[1:3] = 13
        return room
    fitting = [p for p in world.panoramas if p.indoor == (scene == "indoor")] or world.panoramas
    return fitting[rng.integers(len(fitting))]


def _shoot_outdoor(world: World, index: int, rng: np.random.Generator) -> Shot:
    activities = tuple(protocol.ACTIVITIES)
    if world.split == "train":
        body = int(rng.integers(protocol.FIRST_CROWD_BODY, load_bank().count))
        subject, scene = f"P{body:03d}", str(rng.choice(protocol.SCENES, p=[0.04, 0.26, 0.7]))
        look = sample_look(rng, bool(load_bank().female[body]))
    else:
        subject = protocol.OUTDOOR_SUBJECTS[index % 6]
        body = protocol.body_of(subject)
        scene = protocol.SCENES[(index // 6) % 3]
        look = _subject_look(world, subject, protocol.SCENES.index(scene), bool(load_bank().female[body]))
    activity = activities[(index // 18) % len(activities)]
    action = str(rng.choice(protocol.ACTIVITIES[activity]))
    pose, posture, frame = _pose(world, rng, action)
    person = Person(body, look, pose, np.zeros(2), _lift(rng, action, posture))
    posed = place(person)
    full = _outdoor_camera(rng, posed)
    chair = seat(rng, posed, posture, heading(pose))
    before = occluder(rng, posed, full.eye) if rng.random() < 0.2 else []
    background = _surroundings(world, rng, scene, full)
    if scene != "greenscreen" and rng.random() < COMPANY_SHARE:
        before += _company(world, rng, body, posed, full.eye, background)
    cut = _cut(rng) if world.split == "train" and rng.random() < CUT_SHARE else None
    share, shift, gain = rng.uniform(0.55, 0.8), rng.uniform(-0.6, 0.6, 2), rng.uniform(0.7, 1.3)
    for things, left_out in (([*chair, *before], cut), (chair, cut), ([], None)):
        camera, box_xywh = frame_person(posed, full, world.size_px, share, shift, left_out)
        truth = render(posed, things, camera, box_xywh, background, gain, world.size_px)
        if (truth.in_image & ~truth.behind).sum() >= LEAST_SEEN:
            break
    return Shot(develop(rng, truth.image, rng.uniform(0, 1)), truth, subject, activity, scene, 0, frame, person)


def encode(image: np.ndarray, quality: int = 88) -> bytes:
    """JPEG bytes of an RGB picture."""
    _, coded = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return coded.tobytes()
