import cv2
import numpy as np
import pytest
from fake_weights import BONE_SUM_MM, COLORS, DEPTH, draw_person

from wildpose import Camera, InputError, PoseEstimator
from wildpose.geometry import Crop
from wildpose.predict.crops import ImagePyramid
from wildpose.predict.estimator import check_boxes, check_image
from wildpose.skeleton import MPII16

# The 14 bones of Zhou et al. (ICCV 2017) as MPII indices, written out by hand.
BONES = [(0, 1), (1, 2), (2, 6), (6, 3), (3, 4), (4, 5), (10, 11), (11, 12), (12, 8), (8, 13), (13, 14), (14, 15)]
BONES += [(6, 8), (8, 9)]


@pytest.fixture(scope="module")
def estimator(weights_path):
    return PoseEstimator(weights_path, flip=False)


@pytest.mark.parametrize(
    "box",
    [
        (100, 60, 150, 200),  # inside
        (-20, 30, 150, 150),  # over the left edge
        (230, 150, 170, 170),  # over the lower right corner
        (3, 5, 70, 90),  # small: enlarged
        (20, 10, 280, 280),  # large: reduced by more than two
    ],
)
def test_joints_come_back_in_the_callers_pixels(estimator, box):
    image = np.zeros((300, 400, 3), np.uint8)
    truth = draw_person(image, box)
    inside = ((truth > 4) & (truth < np.array([395, 295]))).all(1)
    (pose,) = estimator.predict(image, boxes=[box])
    heatmap_px = 1.25 * max(box[2:]) / 32
    assert inside.sum() >= 6
    assert np.abs(pose.joints_px - truth)[inside].max() < 0.5 * heatmap_px
    assert np.abs((pose.joints_px - truth)[inside].mean(0)).max() < 0.2 * heatmap_px  # no shift
    assert pose.confidence[inside].min() > 0.5
    np.testing.assert_array_equal(pose.box_xywh, np.float32(box))


def test_mm_have_the_proportions_of_the_crop_and_the_train_mean_scale(estimator):
    image = np.zeros((300, 400, 3), np.uint8)
    box = (100, 40, 200, 200)
    draw_person(image, box)
    (pose,) = estimator.predict(image, [box], camera=Camera(1e6, 1e6, 199.5, 149.5))  # so far away: no perspective
    half_side = 1.25 * 200 / 2
    pelvis = MPII16.index("pelvis")
    xyz = np.column_stack([pose.joints_px / half_side, DEPTH])
    xyz = xyz - xyz[pelvis]
    scale = BONE_SUM_MM / sum(np.linalg.norm(xyz[a] - xyz[b]) for a, b in BONES)
    np.testing.assert_allclose(pose.joints_mm, xyz * scale, atol=0.5)
    assert (pose.joints_mm[pelvis] == 0).all()


def test_given_boxes_win_and_keep_their_order(estimator):
    image = np.zeros((300, 400, 3), np.uint8)
    boxes = [(240, 60, 120, 180), (20, 60, 120, 180)]
    truths = [draw_person(image, box) for box in boxes]
    poses = estimator.predict(image, np.array(boxes))
    assert len(poses) == 2
    for pose, truth in zip(poses, truths, strict=True):
        assert np.abs(pose.joints_px - truth).max() < 6


def test_no_boxes_no_poses(estimator):
    assert estimator.predict(np.zeros((50, 50, 3), np.uint8), boxes=[]) == []


IMAGE = np.zeros((60, 80, 3), np.uint8)


@pytest.mark.parametrize(
    ("image", "boxes", "says"),
    [
        ([[0]], None, "NumPy array"),
        (IMAGE[..., 0], None, r"\(60, 80\)"),
        (np.zeros((60, 80, 4), np.uint8), None, r"\(60, 80, 4\)"),
        (IMAGE.astype(np.float32), None, "float32"),
        (IMAGE[:0], None, "shape"),
        (IMAGE, [[1, 2, 3]], r"\(1, 3\)"),
        (IMAGE, [1, 2, 3, 4], r"\(4,\)"),
        (IMAGE, [["a", 2, 3, 4]], "numbers"),
        (IMAGE, [[1, 2, 3, 4], [1, 2]], "numbers"),
        (IMAGE, [[0, 0, float("nan"), 5]], "finite"),
        (IMAGE, [[0, 0, 0, 5]], "w, h > 0"),
        (IMAGE, [[80, 0, 10, 10]], "80 x 60"),
        (IMAGE, [[0, -20, 10, 20]], "80 x 60"),
    ],
)
def test_what_does_not_fit_is_refused(image, boxes, says):
    # The two checks that `predict` begins with: under test, jaxtyping would refuse its arguments first.
    with pytest.raises(InputError, match=says) as caught:
        check_image(image)
        check_boxes(boxes, image.shape[:2])
    assert "\n" not in str(caught.value)


def test_a_person_is_found_off_centre_without_a_box(estimator):
    image = np.zeros((480, 900, 3), np.uint8)
    truth = draw_person(image, (640, 130, 140, 260))
    (pose,) = estimator.predict(image)
    assert np.abs(pose.joints_px - truth).max() < 8
    radius = 0.045 * 260  # of a dot: the detector's boxes hold the dots, not just their middles
    low, high = truth.min(0) - radius, truth.max(0) + radius
    np.testing.assert_allclose(pose.box_xywh, [*low, *(high - low)], atol=6)


def test_two_people_are_found_and_an_empty_picture_has_none(estimator):
    image = np.zeros((400, 900, 3), np.uint8)
    assert estimator.predict(image, max_people=3) == []
    truths = [draw_person(image, box) for box in ((80, 60, 150, 280), (600, 90, 150, 280))]
    poses = estimator.predict(image, max_people=3)
    assert len(poses) == 2
    for truth in truths:
        assert min(np.abs(pose.joints_px - truth).max() for pose in poses) < 8


@pytest.mark.parametrize("side", [90, 128, 300, 777, 1500])
def test_a_crop_keeps_places_at_any_reduction(side):
    """A white square with its centre of mass at a known place, cut through the pyramid."""
    image = np.zeros((1001, 1203, 3), np.uint8)
    image[480:501, 580:611] = 255  # centre (595, 490)
    crop = Crop((600.25, 480.5), float(side))
    cut = ImagePyramid(image).cut(crop, 128)[..., 0].astype(float)
    at = np.array([(cut.sum(0) * np.arange(128)).sum(), (cut.sum(1) * np.arange(128)).sum()]) / cut.sum()
    # OpenCV before 4.12 rounds warpAffine's coordinates to 1/32 px.
    np.testing.assert_allclose(at, (np.array([595, 490]) - crop.center_xy) * 128 / side + 63.5, atol=0.15)


def test_reduction_averages_rather_than_skips():
    """Stripes one pixel wide turn grey; sampled without halvings they would alias to black and white."""
    image = np.zeros((1024, 1024, 3), np.uint8)
    image[:, ::2] = 255
    cut = ImagePyramid(image).cut(Crop((511.5, 511.5), 1000.0), 128)
    assert cut[8:-8, 8:-8].std() < 8
    assert abs(cut[8:-8, 8:-8].mean() - 127.5) < 2


def test_colors_of_the_fake_network_are_distinct():
    assert len({tuple(color) for color in COLORS.tolist()}) == 16


def test_the_larger_of_two_people_comes_first_and_given_boxes_need_no_search(estimator, monkeypatch):
    image = np.zeros((400, 900, 3), np.uint8)
    small, large = (draw_person(image, box) for box in ((80, 200, 80, 150), (600, 60, 170, 300)))
    (pose,) = estimator.predict(image)
    assert np.abs(pose.joints_px - large).max() < 9
    first, second = estimator.predict(image, max_people=2)
    assert np.abs(first.joints_px - large).max() < 9 and np.abs(second.joints_px - small).max() < 5
    monkeypatch.setattr(estimator.detector, "find", None)
    (pose,) = estimator.predict(image, [(80, 200, 80, 150)])
    assert np.abs(pose.joints_px - small).max() < 5


def test_what_the_pose_network_does_not_know_is_nobody_whatever_the_detector_says(estimator):
    """A grey patch: the detector of dots takes it for a person, the pose network sees none of its colours."""
    image = np.zeros((300, 400, 3), np.uint8)
    image[100:200, 150:220] = 90
    assert len(estimator.detector.find(ImagePyramid(image)).scores) == 1
    assert estimator.predict(image, max_people=3) == []


def test_a_mirrored_picture_has_the_mirrored_pose_unless_flip_is_off():
    """Whatever a network knows: it is asked about both. By itself the shipped one sees other things in the mirror."""
    small = np.random.default_rng(0).integers(0, 256, (8, 6, 3), dtype=np.uint8)
    image = cv2.resize(small, (240, 320), interpolation=cv2.INTER_CUBIC)
    other, box = np.ascontiguousarray(image[:, ::-1]), [59.5, 40, 120, 240]
    moved = []
    for estimator in (PoseEstimator(), PoseEstimator(flip=False)):
        (pose,), (mirrored,) = (estimator.predict(picture, [box]) for picture in (image, other))
        back = mirrored.joints_mm[MPII16.mirror] * [-1, 1, 1]
        moved.append(np.abs(back - pose.joints_mm).max())
    assert moved[0] < 0.01 < 5 < moved[1]
