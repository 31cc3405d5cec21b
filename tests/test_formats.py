"""Files for other programs, read back by other means: the csv module, numpy, BVH kinematics written out here."""

import csv
import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from made_recordings import CAMERA, frame, seen, standing_mm, two_people

from wildpose.errors import InputError
from wildpose.formats.save import save
from wildpose.predict.placement import World
from wildpose.skeleton import MPII16
from wildpose.write import Recording, to_json

SCHEMA = json.loads((Path(__file__).parents[1] / "docs" / "wildpose-1.schema.json").read_text())


def turned(joints_mm: np.ndarray, degrees: float, axis: int) -> np.ndarray:
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    rotation = np.eye(3)
    a, b = [i for i in range(3) if i != axis]
    rotation[[a, a, b, b], [a, b, a, b]] = [c, -s, s, c]
    return joints_mm @ rotation.T


def moving(frames: int = 9, gap: bool = False) -> Recording:
    """One person who turns all the way round, bends, and has noise in every joint; optionally unseen in frame 4."""
    noise = np.random.default_rng(3).normal(0, 30, (frames, 16, 3))
    noise[:, MPII16.index("pelvis")] = 0
    poses = [turned(turned(standing_mm() + noise[k], 45.0 * k, 1), 20.0 * k - 60, 0) for k in range(frames)]
    people = [[] if gap and k == 4 else [seen(pose, (0, 0, 4000), id=2)] for k, pose in enumerate(poses)]
    return Recording([frame(k + 5, row) for k, row in enumerate(people)], 10.0, CAMERA)


def test_documents_keep_the_schema_and_the_schema_notices():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    document = json.loads(json.dumps(to_json(two_people())))
    jsonschema.validate(document, SCHEMA)
    jsonschema.validate(json.loads(json.dumps(to_json(Recording([frame(0, [])], 1.0)))), SCHEMA)
    document["frames"][1]["people"][0]["joints_mm"].pop()
    with pytest.raises(jsonschema.ValidationError, match="joints_mm"):
        jsonschema.validate(document, SCHEMA)


def test_npz_and_csv_say_the_same_as_json(tmp_path):
    recording = two_people()
    assert [p.name for p in save(recording, tmp_path, "a", ("npz", "csv"))] == ["a.npz", "a.csv"]
    document = to_json(recording)
    arrays = np.load(tmp_path / "a.npz")  # allow_pickle is off
    assert arrays["joints"].tolist() == document["joints"] and float(arrays["rate_hz"]) == 10.0
    assert arrays["person"].tolist() == [0, 3] * 3 and arrays["frame"].tolist() == [0, 0, 1, 1, 2, 2]
    people = [person for f in document["frames"] for person in f["people"]]
    for key, tolerance in (("joints_px", 0.006), ("joints_mm", 0.06), ("confidence", 6e-4), ("pelvis_cam_mm", 0.06)):
        np.testing.assert_allclose(arrays[key], [person[key] for person in people], atol=tolerance)
    with (tmp_path / "a.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3 * 2 * 16
    row = rows[16 * 3 + MPII16.index("left_wrist")]  # frame 1, person 3
    assert (row["frame"], row["time_s"], row["person"], row["joint"]) == ("1", "0.1000", "3", "left_wrist")
    assert [float(row[key]) for key in ("x_mm", "y_mm", "z_mm")] == [180, -190, -250]
    np.testing.assert_allclose([float(row[f"{axis}_cam_mm"]) for axis in "xyz"], [1080, -110, 4750], atol=1)


def test_world_axes_are_in_every_format_and_stand_upright(tmp_path):
    """A camera that looks down 30 degrees at somebody who stands: up is up again, wherever it is written."""
    c, s = np.cos(np.deg2rad(30)), np.sin(np.deg2rad(30))
    tilted = standing_mm() @ np.array([[1, 0, 0], [0, c, -s], [0, s, c]]).T
    frames = [frame(k, [seen(tilted, (0, 0, 4000))]) for k in range(2)]
    recording = Recording(frames, 10.0, CAMERA, world=World(30.0, assumed=False))
    save(recording, tmp_path, "a", ("json", "npz", "csv", "trc", "bvh"))
    document = json.loads((tmp_path / "a.json").read_text())
    jsonschema.validate(document, SCHEMA)
    assert document["world"] == {"pitch_deg": 30.0, "assumed": False}
    person = document["frames"][0]["people"][0]
    expected = standing_mm()[:, [0, 2, 1]] * [1, 1, -1]
    np.testing.assert_allclose(person["joints_world_mm"], expected, atol=0.06)
    np.testing.assert_allclose(person["pelvis_world_mm"], [0, 4000 * c, -4000 * s], atol=1)
    arrays = np.load(tmp_path / "a.npz")
    np.testing.assert_allclose(arrays["joints_world_mm"][1], expected, atol=0.01)
    np.testing.assert_allclose(arrays["pelvis_world_mm"][1], person["pelvis_world_mm"], atol=0.06)
    with (tmp_path / "a.csv").open(newline="") as file:
        row = next(row for row in csv.DictReader(file) if row["joint"] == "head_top")
    np.testing.assert_allclose([float(row[f"{axis}_world_mm"]) for axis in "xyz"], [0, 0, 780], atol=0.06)
    trc = (tmp_path / "a_person0.trc").read_text().split("\n")[6].split("\t")
    np.testing.assert_allclose(np.reshape(trc[2:], (16, 3)).astype(float), standing_mm() * [1, -1, -1], atol=1e-2)
    places, _ = read_bvh(tmp_path / "a_person0.bvh")
    np.testing.assert_allclose(places["Head end"][0] - places["Hips"][0], [0, 78, 0], atol=0.01)


def test_nobody_is_a_valid_result(tmp_path):
    written = save(Recording([frame(0, [])], 1.0), tmp_path, "none", ("json", "npz", "csv", "trc", "bvh"))
    assert [path.name for path in written] == ["none.json", "none.npz", "none.csv"]
    assert np.load(tmp_path / "none.npz")["joints_mm"].shape == (0, 16, 3)
    assert len((tmp_path / "none.csv").read_text().splitlines()) == 1


def test_unknown_formats_are_refused_before_anything_is_written(tmp_path):
    with pytest.raises(InputError, match="fbx"):
        save(two_people(), tmp_path, "a", ("json", "fbx"))
    assert list(tmp_path.iterdir()) == []


def test_trc_is_y_up_in_mm_and_empty_where_unseen(tmp_path):
    recording = moving(gap=True)
    (path,) = save(recording, tmp_path, "a", ("trc",))
    assert path.name == "a_person2.trc"
    lines = [line.split("\t") for line in path.read_text().split("\n")]
    assert lines[0] == ["PathFileType", "4", "(X/Y/Z)", "a_person2.trc"]
    header = dict(zip(lines[1], lines[2], strict=True))
    assert (header["Units"], float(header["DataRate"])) == ("mm", 10.0)
    assert (header["NumFrames"], header["NumMarkers"]) == ("9", "16")
    assert lines[3][:2] == ["Frame#", "Time"] and lines[3][2::3] == list(MPII16.joints)
    assert lines[4][2:5] == ["X1", "Y1", "Z1"] and lines[4][-1] == "Z16" and lines[5] == [""]
    rows = lines[6:15]
    assert [row[0] for row in rows] == [str(k + 1) for k in range(9)] and {len(row) for row in rows} == {50}
    assert rows[4][2:] == [""] * 48
    pose = recording.frames[2].people[0].pose.joints_mm
    np.testing.assert_allclose(np.reshape(rows[2][2:], (16, 3)).astype(float), pose * [1, -1, -1], atol=1e-3)


def read_bvh(path: Path) -> tuple[dict[str, np.ndarray], float]:
    """World positions (T, 3) of every joint and end site by BVH's rules, in the file's units; seconds a frame."""
    words, channels, joints, stack = path.read_text().split(), [], [], []
    at = words.index("HIERARCHY") + 1
    while words[at] != "MOTION":
        word = words[at]
        if word in ("ROOT", "JOINT", "End"):
            joints.append({"name": words[at + 1], "parent": stack[-1] if stack else None, "channels": []})
            if word == "End":
                joints[-1]["name"] = joints[stack[-1]]["name"] + " end"
            stack.append(len(joints) - 1)
        elif word == "}":
            stack.pop()
        elif word == "OFFSET":
            joints[stack[-1]]["offset"] = np.array(words[at + 1 : at + 4], float)
        elif word == "CHANNELS":
            names = words[at + 2 : at + 2 + int(words[at + 1])]
            joints[stack[-1]]["channels"] = names
            channels += [(stack[-1], name) for name in names]
        at += 1
    frames, step = int(words[at + 2]), float(words[at + 5])
    values = np.array(words[at + 6 :], float).reshape(frames, len(channels))
    places = {}
    turns = []
    for number, joint in enumerate(joints):
        local, shift = np.tile(np.eye(3), (frames, 1, 1)), np.tile(joint["offset"], (frames, 1))
        for column, (owner, name) in enumerate(channels):
            if owner == number and name.endswith("position"):
                shift[:, "XYZ".index(name[0])] += values[:, column]
            elif owner == number:
                local = local @ np.stack([about(name[0], degrees) for degrees in values[:, column]])
        if joint["parent"] is None:
            turn, place = local, shift
        else:
            above, base = turns[joint["parent"]], places[joints[joint["parent"]]["name"]]
            turn, place = above @ local, base + np.einsum("tij,tj->ti", above, shift)
        turns.append(turn)
        places[joint["name"]] = place
    return places, step


def about(axis: str, degrees: float) -> np.ndarray:
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return np.array({
        "X": [[1, 0, 0], [0, c, -s], [0, s, c]],
        "Y": [[c, 0, s], [0, 1, 0], [-s, 0, c]],
        "Z": [[c, -s, 0], [s, c, 0], [0, 0, 1]],
    }[axis])  # fmt: skip


WHERE = {
    "pelvis": "Hips", "thorax": "Neck", "upper_neck": "Head", "head_top": "Head end",
    "right_hip": "RightUpLeg", "right_knee": "RightLeg", "right_ankle": "RightFoot",
    "left_hip": "LeftUpLeg", "left_knee": "LeftLeg", "left_ankle": "LeftFoot",
    "right_shoulder": "RightArm", "right_elbow": "RightForeArm", "right_wrist": "RightHand",
    "left_shoulder": "LeftArm", "left_elbow": "LeftForeArm", "left_wrist": "LeftHand",
}  # fmt: skip


def with_median_lengths(joints: np.ndarray) -> np.ndarray:
    """(T, 16, 3), pelvis at 0: every bone in its own direction, its length the median of it and its mirror image."""
    lengths = {bone: np.linalg.norm(joints[:, bone[0]] - joints[:, bone[1]], axis=-1) for bone in MPII16.bones}
    placed = {MPII16.index("pelvis"): np.zeros((len(joints), 3))}
    while len(placed) < 16:
        for (child, parent), length in lengths.items():
            if parent in placed and child not in placed:
                twin = lengths[(int(MPII16.mirror[child]), int(MPII16.mirror[parent]))]
                way = (joints[:, child] - joints[:, parent]) / length[:, None]
                placed[child] = placed[parent] + way * np.median(np.concatenate([length, twin]))
    return np.stack([placed[joint] for joint in range(16)], axis=1)


@pytest.mark.parametrize("gap", [False, True])
def test_bvh_puts_every_joint_where_it_was_seen(tmp_path, gap):
    recording = moving(gap=gap)
    (path,) = save(recording, tmp_path, "a", ("bvh",))
    places, step = read_bvh(path)
    seen_mm = np.stack([f.people[0].pose.joints_mm for f in recording.frames if f.people]).astype(float) * [1, -1, -1]
    if gap:
        seen_mm = np.insert(seen_mm, 4, seen_mm[3], axis=0)  # unseen: the pose before it is held
    expected = with_median_lengths(seen_mm)
    found = np.stack([places[WHERE[name]] for name in MPII16.joints], axis=1) * 10  # cm
    assert step == 0.1
    np.testing.assert_allclose(found - found[:, 6:7], expected, atol=1.0)
    lowest = np.quantile(-seen_mm[..., 1].min(1), 0.95)
    np.testing.assert_allclose(found[:, 6], np.tile([0, lowest + 70, 0], (9, 1)), atol=0.01)


def test_bvh_of_a_standing_person_stands_upright_and_faces_forward(tmp_path):
    (path,) = save(Recording([frame(0, [seen(standing_mm(), (0, 0, 4000))])], 1.0), tmp_path, "a", ("bvh",))
    places, _ = read_bvh(path)
    assert places["Head end"][0, 1] > places["Hips"][0, 1] > places["LeftFoot"][0, 1] > 0  # +y is up
    assert places["LeftArm"][0, 0] > 0 > places["RightArm"][0, 0]
    assert places["LeftHand"][0, 2] - places["LeftForeArm"][0, 2] == pytest.approx(25, abs=1)  # +z is forward


def test_bvh_turns_without_jumps(tmp_path):
    """A full turn over the frames: the angles go on instead of leaping by 360 degrees."""
    poses = [turned(standing_mm(), 30.0 * k, 1) for k in range(13)]
    recording = Recording([frame(k, [seen(pose, (0, 0, 4000))]) for k, pose in enumerate(poses)], 10.0)
    (path,) = save(recording, tmp_path, "a", ("bvh",))
    rows = np.array([line.split() for line in path.read_text().partition("Frame Time")[2].splitlines()[1:]], float)
    assert np.abs(np.diff(rows[:, 3:6], axis=0)).max() == pytest.approx(30, abs=0.1)
    assert abs(rows[-1, 5] - rows[0, 5]) == pytest.approx(360, abs=0.1)


def test_bvh_is_the_same_whether_worked_out_at_once_or_in_parts(tmp_path, monkeypatch):
    poses = [turned(standing_mm(), 50.0 * k, 1) for k in range(20)]
    recording = Recording([frame(k, [seen(pose, (0, 0, 4000))]) for k, pose in enumerate(poses)], 10.0)
    (whole,) = save(recording, tmp_path, "whole", ("bvh",))
    monkeypatch.setattr("wildpose.formats.bvh.PART", 3)
    (parts,) = save(recording, tmp_path, "parts", ("bvh",))
    assert parts.read_text() == whole.read_text()


def test_limbs_against_their_rest_direction_are_no_trouble(tmp_path):
    """Legs straight up, arms crossed to the other side: half turns, where the shortest way is ambiguous."""
    pose = standing_mm()
    for side in ("left", "right"):
        for joint, parent, way in (("knee", "hip", (0, -440, 0)), ("ankle", "knee", (0, -430, 0)),
                                   ("elbow", "shoulder", (-240 if side == "left" else 240, 0, 0))):  # fmt: skip
            start = pose[MPII16.index(f"{side}_{parent}")]
            pose[MPII16.index(f"{side}_{joint}")] = start + way
    (path,) = save(Recording([frame(0, [seen(pose, (0, 0, 4000))])], 1.0), tmp_path, "a", ("bvh",))
    places, _ = read_bvh(path)
    expected = with_median_lengths(pose[None] * [1, -1, -1])
    found = np.stack([places[WHERE[name]] for name in MPII16.joints], axis=1) * 10
    np.testing.assert_allclose(found - found[:, 6:7], expected, atol=1.0)
