import numpy as np
import pytest
from made_recordings import CAMERA, SIZE_HW, frame, seen, standing_mm

from wildpose.predict.placement import Camera, World, camera_with_fov, pelvis_cam_mm, stature_mm
from wildpose.skeleton import MPII16
from wildpose.write import Recording, to_json, with_stature


@pytest.mark.parametrize("place", [(0.0, 0.0, 3000.0), (-1500.0, 300.0, 5000.0), (800.0, -200.0, 1600.0)])
def test_the_place_of_a_person_seen_in_perspective_is_found_exactly(place):
    person = seen(standing_mm(), place)
    np.testing.assert_allclose(pelvis_cam_mm(person.pose, CAMERA), place, atol=0.5)  # joints are float32


def test_what_is_unsure_has_no_say():
    person = seen(standing_mm(), (300, 100, 4000))
    wrist = MPII16.index("left_wrist")
    person.pose.joints_px[wrist] += 200
    wrong = pelvis_cam_mm(person.pose, CAMERA)
    person.pose.confidence[wrist] = 0.0
    nearly = pelvis_cam_mm(person.pose, CAMERA)
    off, still = (np.linalg.norm(found - (300, 100, 4000)) for found in (wrong, nearly))
    assert off > 100 and still < 0.01 * off


def test_a_wider_angle_brings_people_nearer_by_the_same_share():
    person = seen(standing_mm(), (300, 100, 4000))
    twice = Camera(2 * CAMERA.fx, 2 * CAMERA.fy, CAMERA.cx, CAMERA.cy)
    near, far = (pelvis_cam_mm(person.pose, camera) for camera in (CAMERA, twice))
    assert far[2] == pytest.approx(2 * near[2], rel=0.05)
    np.testing.assert_allclose(far[:2], near[:2], atol=60)


def test_a_pose_that_fits_nowhere_has_no_place():
    person = seen(standing_mm(), (0, 0, 3000))
    person.pose.joints_px[:] = 100.0  # all in one point
    assert pelvis_cam_mm(person.pose, CAMERA) is None
    flipped = seen(standing_mm(), (0, 0, 3000))
    flipped.pose.joints_px[:] = 2 * np.array([CAMERA.cx, CAMERA.cy]) - flipped.pose.joints_px  # upside down
    assert pelvis_cam_mm(flipped.pose, CAMERA) is None
    assert to_json(Recording([frame(0, [person])], 1.0, CAMERA))["frames"][0]["people"][0]["pelvis_cam_mm"] is None


def test_the_angle_of_view_spans_the_longer_side():
    for size_hw in ((1080, 1920), (1920, 1080)):
        camera = camera_with_fov(size_hw, 90.0)
        assert camera.fx == camera.fy == pytest.approx(960) and not camera.assumed
        assert (camera.cx, camera.cy) == ((size_hw[1] - 1) / 2, (size_hw[0] - 1) / 2)
    unsaid = camera_with_fov((1080, 1920))
    assert unsaid.assumed and unsaid.fx == pytest.approx(1662.77, abs=0.01)  # 960 / tan 30


def test_stature_is_measured_along_the_skeleton():
    pose = standing_mm()
    legs = np.hypot(440, 10) + np.hypot(430, 40)  # hip to knee is 10 mm outwards, knee to ankle 40 mm back
    assert stature_mm(pose) == pytest.approx((780 + legs) / 0.961)
    lying = pose[:, [1, 0, 2]]
    assert stature_mm(lying) == pytest.approx(stature_mm(pose))


def test_a_given_height_scales_each_person_by_one_factor_and_moves_them_away_with_it():
    small, tall = standing_mm() * 0.5, standing_mm()
    frames = [frame(k, [seen(small, (0, 0, 2000)), seen(tall, (500, 0, 4000), id=1)]) for k in range(3)]
    scaled = with_stature(frames, 1750.0)
    for result in scaled:
        for person in result.people:
            assert stature_mm(person.pose.joints_mm) == pytest.approx(1750, rel=1e-4)
    factor = 1750 / stature_mm(small)
    place = pelvis_cam_mm(scaled[0].people[0].pose, CAMERA)
    np.testing.assert_allclose(place, (0, 0, 2000 * factor), atol=1)
    assert frames[0].people[0].pose.joints_mm[0, 1] == pytest.approx(small[0, 1])
    assert (scaled[0].height, scaled[0].width) == SIZE_HW


@pytest.mark.parametrize("pitch_deg", [0.0, 20.0, -35.0])
def test_a_standing_person_is_upright_in_world_axes_however_far_the_camera_looks_down(pitch_deg):
    """The camera is turned by a rotation about its x axis, written out here; the world must not notice."""
    upright = standing_mm()  # in the axes of a level camera: +x right, +y down, +z away
    c, s = np.cos(np.deg2rad(pitch_deg)), np.sin(np.deg2rad(pitch_deg))
    seen_mm = upright @ np.array([[1, 0, 0], [0, c, -s], [0, s, c]]).T
    if pitch_deg > 0:  # looking down, the head is nearer than the feet
        assert seen_mm[MPII16.index("head_top"), 2] < seen_mm[MPII16.index("left_ankle"), 2]
    world = World(pitch_deg, assumed=False).turn(seen_mm)
    np.testing.assert_allclose(world, np.stack([upright[:, 0], upright[:, 2], -upright[:, 1]], 1), atol=1e-9)


def test_world_axes_are_right_handed_and_keep_lengths():
    turned = World(33.0).turn(np.eye(3))
    np.testing.assert_allclose(turned @ turned.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(turned) == pytest.approx(1.0)
