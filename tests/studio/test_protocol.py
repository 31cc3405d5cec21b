"""Splits never share bodies, clothes or motions."""

import numpy as np

from wildpose.studio import protocol
from wildpose.studio.bodies import load_bank
from wildpose.studio.motion import Clip
from wildpose.studio.poses import ACTIONS
from wildpose.studio.shots import make_world, shoot


def test_subjects_have_bodies_of_their_own():
    everyone = [*protocol.STUDIO_SUBJECTS["train"], *protocol.STUDIO_SUBJECTS["test"], *protocol.OUTDOOR_SUBJECTS]
    bodies = [protocol.body_of(subject) for subject in everyone]
    assert len(set(bodies)) == len(everyone) == 13
    assert max(bodies) < protocol.FIRST_CROWD_BODY < load_bank().count


def test_clips_belong_to_one_split_and_mirrors_go_along():
    for name in ("humanoid3d_long_walk1", "humanoid3d_long_walk2"):
        assert protocol.clip_owner(name) == protocol.clip_owner(name + "_mirror")
    for name in ("dance", "kick", "run01", "02_05", "Jump_mirror_2"):  # whatever files users have
        assert protocol.clip_owner(name) == protocol.clip_owner(name.replace("_mirror", "") + "_mirror")
    names = [f"07_{i:02d}" for i in range(60)]
    owners = {name: protocol.clip_owner(name) for name in names}
    assert set(owners.values()) == {"train", "studio-test", "outdoor-test"}
    clips = [Clip(name, np.tile(np.eye(3, dtype=np.float32), (2, 13, 1, 1))) for name in names]
    used = {}
    for kind, split in (("studio", "train"), ("studio", "test"), ("outdoor", "test")):
        world = make_world(kind, split, 1, 64, clips, [])
        used[kind, split] = {clip.name for group in world.clips.values() for clip in group}
    assert not used["studio", "train"] & used["studio", "test"]
    assert not used["studio", "train"] & used["outdoor", "test"]
    assert not used["studio", "test"] & used["outdoor", "test"]


def test_activities_are_made_of_the_studios_actions():
    made_of = [action for group in protocol.ACTIVITIES.values() for action in group]
    assert set(made_of) | {"Phoning"} == set(ACTIONS)
    assert len(protocol.ACTIVITIES) == 7
    assert tuple(ACTIONS) == protocol.ACTION_NAMES and len(ACTIONS) == 15


def test_clip_names_tell_their_action():
    expected = {
        "humanoid3d_cartwheel": "Acrobatics",
        "humanoid3d_run": "Running",
        "02_05": "Fighting",
        "39_07": "Walking",
        "mystery": "Gesturing",
        "my_dance_3": "Dancing",
        "subject01_walk": "Walking",
        "sit_01_chair": "Sitting",
        "5_running": "Running",
        "13_11_sit": "Sitting",
        "spine_bend": "Bending",
        "02_03": "Gesturing",
    }
    assert {name: protocol.clip_action(name) for name in expected} == expected


def test_prefixes_of_a_set_are_balanced():
    world = make_world("studio", "test", 1, 64, [], [])
    seen = [(shot.subject, shot.action) for shot in (shoot(world, i) for i in range(0, 30))]
    assert len(set(seen)) == 30  # 2 subjects x 15 actions


def test_a_studio_subject_keeps_face_and_cameras_stay_fixed_in_a_session():
    world = make_world("studio", "train", 1, 64, [], [])
    cameras = {}
    for i in range(0, 200, 5):  # subject S1
        shot = shoot(world, i)
        key = (shot.scene, shot.camera)
        pose = np.hstack([shot.truth.camera.R.ravel(), shot.truth.camera.t])
        np.testing.assert_allclose(cameras.setdefault(key, pose), pose)
    assert len({scene for scene, _ in cameras}) > 1 and {camera for _, camera in cameras} == {0, 1, 2, 3}
