import cv2
import numpy as np
import pytest

from wildpose.predict.follow import Tracked
from wildpose.skeleton import MPII16
from wildpose.types import Pose3D
from wildpose.view import contact_sheet, draw_close_up, draw_result, draw_skeleton, write_picture
from wildpose.view3d import LEFT, PAPER, RIGHT, VirtualCamera, render_pose

NAMES = MPII16.joints


def standing() -> dict[str, tuple[float, float, float]]:
    """Facing the camera: the person's right is on the picture's left (x < 0), the right arm reaches forward (z < 0)."""
    pose = {
        "pelvis": (0, 0, 0), "thorax": (0, -480, 0), "upper_neck": (0, -560, 0), "head_top": (0, -780, 0),
        "right_wrist": (-200, -420, -520), "right_elbow": (-190, -440, -270),
    }  # fmt: skip
    for side, sign in (("right", -1), ("left", 1)):
        leg = {"hip": (120, 0), "knee": (130, 440), "ankle": (130, 870)}
        arm = {"shoulder": (180, -470), "elbow": (300, -230), "wrist": (330, 10)}
        for joint, (x, y) in (leg | arm).items():
            pose.setdefault(f"{side}_{joint}", (sign * x, y, 0))
    return pose


def make_person(id: int = 0, center=(200.0, 150.0), confidence: float = 0.9) -> Tracked:
    mm = np.array([standing()[name] for name in NAMES], np.float32)
    px = (mm[:, :2] * 0.13 + np.array(center)).astype(np.float32)
    return Tracked(id, Pose3D(px, mm, np.full(16, confidence, np.float32), np.array([0, 0, 9, 9], np.float32), 0.9))


def amount(picture: np.ndarray, color, tolerance: int = 40) -> np.ndarray:
    return np.abs(picture.astype(int) - color).max(-1) < tolerance


def test_the_camera_keeps_right_down_and_away():
    front = VirtualCamera(0.0, 0.0, (400, 300))
    origin, x, y, z = front.look(np.array([[0, 0, 0], [300, 0, 0], [0, 300, 0], [0, 0, 300]], float))
    np.testing.assert_allclose(origin, [150, 200])
    assert x[0] > origin[0] and y[1] > origin[1]
    np.testing.assert_allclose([x[1], y[0]], [origin[1], origin[0]])
    np.testing.assert_allclose(z, origin)
    side = VirtualCamera(90.0, 0.0, (400, 300))
    assert side.look(np.array([[0.0, 0, 300]]))[0, 0] > 150  # seen from the right, what is away is on the right
    near, far = side.scale(np.array([[300.0, 0, 0], [-300.0, 0, 0]]))
    assert near > far


def test_right_and_left_stand_on_their_sides_in_the_3d_view():
    person = make_person()
    picture = render_pose(person.pose.joints_mm, person.pose.confidence, (400, 320), 0.0, 0.0)
    assert picture.shape == (400, 320, 3) and picture.dtype == np.uint8
    right, left = amount(picture, RIGHT), amount(picture, LEFT)
    assert right.sum() > 300 and left.sum() > 300
    assert np.nonzero(right)[1].mean() < 150 < 170 < np.nonzero(left)[1].mean()


def test_unsure_bones_fade():
    person = make_person()
    views = [render_pose(person.pose.joints_mm, np.full(16, c, np.float32), (200, 160), 0.0) for c in (0.9, 0.05)]
    darkness = [int((255 - view[:150].astype(int)).sum()) for view in views]
    assert darkness[1] < 0.75 * darkness[0]


@pytest.mark.parametrize("zoom", [1.0, 2.5])
def test_the_skeleton_lies_on_the_joints(zoom):
    person = make_person()
    picture = np.zeros((round(300 * zoom), round(400 * zoom), 3), np.uint8)
    draw_skeleton(picture, person.pose, zoom)
    for name, color in (("right_knee", RIGHT), ("left_elbow", LEFT)):
        x, y = np.round((person.pose.joints_px[NAMES.index(name)] + 0.5) * zoom - 0.5).astype(int)
        assert np.abs(picture[y, x].astype(int) - color).max() < 12
    drawn = np.argwhere(picture.any(-1))
    low, high = person.pose.joints_px.min(0) * zoom, person.pose.joints_px.max(0) * zoom
    assert (drawn.min(0)[::-1] > low - 12 * zoom).all() and (drawn.max(0)[::-1] < high + 12 * zoom).all()


def test_joints_outside_the_picture_do_no_harm():
    picture = np.zeros((60, 80, 3), np.uint8)
    draw_skeleton(picture, make_person(center=(-3000.0, 1e5)).pose)
    assert not picture.any()
    draw_skeleton(picture, make_person(center=(0.0, 0.0)).pose)
    assert picture.any()


def test_the_photo_keeps_its_pixels_beside_the_views():
    image = np.random.default_rng(0).integers(0, 255, (500, 620, 3), dtype=np.uint8)
    picture = draw_result(image, [])
    np.testing.assert_array_equal(picture[:, :620], image)
    assert (picture[:, 630:] == PAPER).all()
    one, two = draw_result(image, [make_person()]), draw_result(image, [make_person(0), make_person(4)], columns=2)
    assert one.shape == picture.shape
    assert two.shape[1] - 620 == 2 * (one.shape[1] - 620)


def test_all_frames_of_a_video_have_one_size():
    image = np.zeros((500, 620, 3), np.uint8)
    shapes = {draw_result(image, [make_person(i) for i in range(n)], columns=2).shape for n in range(4)}
    assert len(shapes) == 1


@pytest.mark.parametrize(("size", "height"), [((90, 60), 480), ((2400, 1200), 1080), ((700, 500), 700)])
def test_small_photos_are_enlarged_and_large_ones_reduced(size, height):
    assert draw_result(np.zeros((*size, 3), np.uint8), [make_person()]).shape[0] == height


@pytest.mark.parametrize("size", [(500, 620), (1000, 400), (90, 900)])
@pytest.mark.parametrize("center", [(200.0, 150.0), (-50.0, 40.0), (600.0, 480.0)])
def test_close_ups_have_one_size_and_show_the_person(size, center):
    image = np.zeros((*size, 3), np.uint8)
    picture = draw_close_up(image, [make_person(center=center)])
    assert picture.shape == draw_close_up(image, []).shape
    if center == (200.0, 150.0) and size == (500, 620):
        photo = picture[:, :400]
        right = np.argwhere(amount(photo, RIGHT, 12))
        assert np.ptp(right[:, 0]) > 150  # the person fills the picture: enlarged more than twice
        left_x = np.argwhere(amount(photo, LEFT, 12))[:, 1].mean()
        assert 100 < right[:, 1].mean() < 200 < left_x < 300


def test_contact_sheet_holds_every_picture():
    pictures = [np.full((90, 160, 3), 30 * k + 20, np.uint8) for k in range(6)]
    sheet = contact_sheet(pictures, [f"frame {k}" for k in range(6)])
    for k in range(6):
        assert (sheet == 30 * k + 20).all(-1).sum() == 90 * 160
    assert sheet.shape[1] <= 1920


def test_pictures_are_written_as_rgb(tmp_path):
    image = np.zeros((20, 30, 3), np.uint8)
    image[..., 0] = 200
    write_picture(tmp_path / "a.png", image)
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "a.png"))[..., ::-1], image)
