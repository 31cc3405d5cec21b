"""Made-up people before made-up cameras, a model that knows them, and the same people as a rendered set on disk."""

import hashlib
import json
from types import SimpleNamespace

import cv2
import numpy as np

from wildpose.data.sample import Camera, Sample
from wildpose.evaluate import PELVIS, codec_of
from wildpose.geometry import apply_affine, bone_length_sum, crop_matrix, depth_in_crop, project, square_crop
from wildpose.skeleton import MPII16, MPII16_LEGACY_BONES
from wildpose.tables import LSP_JOINTS

BONES = MPII16.pairs(MPII16_LEGACY_BONES)
IMAGE = np.zeros((256, 256, 3), np.uint8)


class People:
    """N people with exact truth, as a SampleSet. Far away and magnified, perspective turns into weak perspective."""

    def __init__(self, n=40, distance_mm=4000.0, seed=0):
        rng = np.random.default_rng(seed)
        shape = rng.normal(scale=250, size=(n, 16, 3))
        place = np.column_stack([rng.uniform(-200, 200, (n, 2)), np.full(n, distance_mm)])
        zoom = 600 * distance_mm / 4000  # a mm is 0.15 px at any distance
        self.cam = shape + place[:, None]
        self.K = np.array([[zoom, 0, 127.5], [0, zoom, 127.5], [0, 0, 1]])
        self.px = project(self.cam, self.K)

    def __len__(self):
        return len(self.cam)

    def load(self, i):
        low, high = self.px[i].min(0), self.px[i].max(0)
        box = np.concatenate([low, high - low]).astype(np.float32)
        camera = Camera(self.K, np.zeros(5), np.eye(3), np.zeros(3))
        cam = self.cam[i].astype(np.float32)
        return Sample(IMAGE, self.px[i].astype(np.float32), np.ones(16, bool), box, cam, camera)

    @property
    def bone_sum_mm(self):
        return float(bone_length_sum(self.cam, BONES).mean())


class Informed:
    """A model that answers in the order of the samples: their truth, moved in the image by `off_px`."""

    def __init__(self, samples, bone_sum_mm=4000.0, off_px=(0.0, 0.0)):
        self.info = SimpleNamespace(
            name="informed",
            sha256="0" * 64,
            input_px=128,
            heatmap_px=32,
            sigma_px=1.0,
            crop_scale=1.25,
            bone_sum_mm=bone_sum_mm,
        )
        self.samples, self.off_px, self.next = samples, np.asarray(off_px), 0

    def run(self, crops_rgb):
        assert crops_rgb.shape[1:] == (128, 128, 3) and crops_rgb.dtype == np.uint8
        heatmaps, depth = [], []
        for _ in crops_rgb:
            sample = self.samples.load(self.next)
            self.next += 1
            crop = square_crop(sample.box_xywh, 1.25)
            joints = apply_affine(crop_matrix(crop, 128), sample.joints_px + self.off_px)
            heatmaps.append(codec_of(self.info).encode(joints, np.ones(16, bool)))
            known = sample.joints_cam_mm is not None
            depth.append(depth_in_crop(sample.joints_cam_mm, sample.joints_px, crop, PELVIS) if known else np.zeros(16))
        return np.stack(heatmaps), np.stack(depth).astype(np.float32)


class Photos(People):
    """The same people as photos with 2D labels: LSP's 14 joints."""

    def load(self, i):
        whole = super().load(i)
        joints = np.where(LSP_JOINTS[:, None], whole.joints_px, np.nan)
        return Sample(IMAGE, joints, LSP_JOINTS.copy(), whole.box_xywh)


def write_rendered(folder, people, kind="studio", splits=("test", "train"), actions=("Walking",), scenes=("room",)):
    """The people as a wildpose-studio/1 set of black pictures; splits, actions and scenes take turns."""
    n = len(people)
    jpeg = cv2.imencode(".jpg", IMAGE)[1]
    arrays = {
        "jpeg": np.tile(jpeg, n),
        "jpeg_offsets": np.arange(n + 1, dtype=np.int64) * len(jpeg),
        "joints_px": people.px.astype(np.float32),
        "joints_cam_mm": people.cam.astype(np.float32),
        "in_image": np.ones((n, 16), bool),
        "occluded": np.zeros((n, 16), bool),
        "K": np.tile(people.K, (n, 1, 1)),
        "R": np.tile(np.eye(3), (n, 1, 1)),
        "t_mm": np.zeros((n, 3)),
        "subject": np.array([f"S{9 + 2 * (i % 3 == 0)}" for i in range(n)]),
        "action": np.array([actions[i % len(actions)] for i in range(n)]),
        "scene": np.array([scenes[i % len(scenes)] for i in range(n)]),
        "split": np.array([splits[i % len(splits)] for i in range(n)]),
        "camera": (np.arange(n) % 4).astype(np.int32),
        "frame": np.arange(n, dtype=np.int32),
        "box_xywh": np.stack([people.load(i).box_xywh for i in range(n)]),
    }
    folder.mkdir(parents=True)
    np.savez(folder / "shard-00000.npz", **arrays)
    digest = hashlib.sha256((folder / "shard-00000.npz").read_bytes()).hexdigest()
    manifest = {
        "format": "wildpose-studio/1",
        "kind": kind,
        "seed": 0,
        "images": n,
        "size_px": 256,
        "joints": list(MPII16.joints),
        "complete": True,
        "shards": [{"file": "shard-00000.npz", "images": n, "sha256": digest}],
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


WHO = {
    "skin_tone": ("light", "dark"), "skin_ita_deg": (48.0, -50.0), "build": ("slight", "heavy"),
    "body_mass_index": (18.0, 27.0), "stature_mm": (1600.0, 1900.0), "age": ("older", "older"),
    "sex": ("male", "female"),
}  # fmt: skip


def with_people(folder, n):
    """Add who is in the pictures: two kinds of people in turns of two."""
    path = folder / "shard-00000.npz"
    arrays = dict(np.load(path))
    kind = np.arange(n) // 2 % 2
    np.savez(path, **arrays, **{name: np.array(values)[kind] for name, values in WHO.items()})
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["shards"][0]["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder
