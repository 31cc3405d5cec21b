"""Every reader against every corruption of its contents: an InputError that names the file, the key, what was expected
and what came. Never another exception, and never silence. The tests of each reader hold more.
"""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from damage import (
    Program,
    cameras,
    each_pose,
    first,
    mirrored,
    mirrored_train,
    of_cell,
    of_triple,
    put,
    replaced,
    swapped_bearpaw,
    swapped_coco,
    swapped_hrnet,
    swapped_lsp,
    swapped_lspet,
    with_nan,
)
from made_3dhp import write_train
from made_bodies import room_camera
from made_human36m import write_index
from read_and_refuse import READERS, WHOLE_FILES, refusal

from wildpose.skeleton import H36M17, MPI3DHP17, MPII16

ROWS = [  # reader, corruption, damage, what the message says: key and expectation, then what was got
    ("lsp", "missing key", lambda a: a.update(points=a.pop("joints")), r"joints.*got .*joints"),
    ("lsp", "wrong shape", replaced("joints", lambda j: j[:, :13]), r"joints of 3 x 14 x N.*got shape \(3, 13, 40\)"),
    ("lsp", "NaN", put("joints", (1, 2, 3), np.nan), r"finite joints.*got nan at \[1, 2, 3\]"),
    ("lsp", "a number past float32", put("joints", (1, 2, 3), 1e200), r"finite joints.*got 1e\+200 at"),
    ("lsp", "swapped left and right", swapped_lsp, "got 0 % of 40: left and right are swapped"),
    ("lsp", "text for numbers", lambda a: a.update(joints="none"), "joints.*got shape"),
    (
        "lspet",
        "axes in another order",
        replaced("joints", lambda j: j.transpose(1, 0, 2)),
        r"14 x 3 x N.*\(3, 14, 40\)",
    ),
    ("lspet", "infinity", put("joints", (5, 0, 7), np.inf), r"finite joints.*got inf at \[5, 0, 7\]"),
    ("lspet", "swapped left and right", swapped_lspet, "got 0 % of 40: left and right are swapped"),
    ("mpii bearpaw", "missing key", lambda e: e[1].pop("objpos"), r"key 'objpos'.*person 1, got only"),
    ("mpii bearpaw", "wrong shape", first(joint_self=[[1, 2, 1]] * 15), r"joint_self of 16 x 3.*got shape \(15, 3\)"),
    ("mpii bearpaw", "NaN", first(objpos=[float("nan"), 1.0]), "finite objpos.*person 0, got nan"),
    ("mpii bearpaw", "a number past float32", first(objpos=[1e200, 1.0]), r"finite objpos.*got 1e\+200"),
    ("mpii bearpaw", "swapped left and right", swapped_bearpaw, "left and right are swapped"),
    ("mpii bearpaw", "a path that escapes", first(img_paths="../../x.jpg"), r"image path inside.*got '\.\./\.\./x"),
    ("mpii bearpaw", "an absolute path", first(img_paths="/etc/passwd"), "image path inside.*got '/etc/passwd'"),
    ("mpii bearpaw", "a drive's path", first(img_paths="C:x.jpg"), "image path inside.*got 'C:x.jpg'"),
    ("mpii bearpaw", "text for numbers", first(scale_provided="big"), "scale_provided.*person 0, got 'big'"),
    ("mpii bearpaw", "a size of nothing", first(scale_provided=0.0), "positive scale.*person 0, got 0.0"),
    ("mpii bearpaw", "an empty list", lambda e: e.clear(), "a list of people.*got list"),
    ("mpii hrnet", "missing key", lambda e: e[0].pop("center"), r"key 'center'.*person 0, got only"),
    ("mpii hrnet", "wrong shape", first(joints_vis=[1] * 15), r"joints_vis of 16.*got shape \(15,\)"),
    ("mpii hrnet", "NaN", first(scale=float("nan")), "finite scale.*got nan"),
    ("mpii hrnet", "swapped left and right", swapped_hrnet, "left and right are swapped"),
    ("mpii hrnet", "a path that escapes", first(image="a/../../b.jpg"), "image path inside"),
    ("coco", "missing key", lambda d: d["annotations"][0].pop("area"), "key 'area'.*annotation 0, got only"),
    ("coco", "wrong shape", lambda d: d["annotations"][0].update(bbox=[1, 2]), r"bbox of 4.*got shape \(2,\)"),
    (
        "coco",
        "NaN",
        lambda d: d["annotations"][0].update(bbox=[float("nan")] * 4),
        "finite bbox.*annotation 0, got nan",
    ),
    ("coco", "swapped left and right", swapped_coco, "left and right are swapped"),
    ("coco", "a path that escapes", lambda d: d["images"][0].update(file_name="../x.jpg"), "image path inside"),
    (
        "coco",
        "joints in another order",
        lambda d: d["categories"][0]["keypoints"].reverse(),
        "keypoints nose.*got right_",
    ),
    ("coco", "an image that isn't listed", lambda d: d["annotations"][0].update(image_id=4), "an image for each.*id 4"),
    ("h36m index", "missing key", lambda a: a.pop("part"), "key 'part'.*got only S, center"),
    ("h36m index", "wrong shape", replaced("S", lambda s: s[..., :3]), r"S of 24 x 17 x 4.*got shape \(24, 17, 3\)"),
    ("h36m index", "arrays of different lengths", replaced("center", lambda c: c[:-1]), r"center of 24 x 2.*\(23, 2\)"),
    ("h36m index", "NaN", put("part", (0, 1, 0), np.nan), r"finite part.*got nan at \[0, 1, 0\]"),
    ("h36m index", "infinity", put("center", (0, 0), np.inf), "finite center.*got inf"),
    ("h36m index", "swapped left and right", mirrored(("part", "S"), H36M17.mirror), "left and right are swapped"),
    ("h36m index", "millimetres for metres", replaced("S", lambda s: s * 1000), "S in metres.*median sum of 4"),
    ("h36m index", "2D of other frames", replaced("part", lambda p: p[::-1]), "projects onto the 2D labels"),
    ("h36m index", "a path that escapes", put("imgname", 0, "../S9_Directions_1.54138969_000001.jpg"), "path inside"),
    ("h36m index", "a name that says nothing", put("imgname", 0, "walking.jpg"), r"imgname\[0\], got 'walking.jpg'"),
    (
        "h36m index",
        "a program in a pickle",
        replaced("S", lambda s: np.array([Program()] * 24)),
        "S.npy.*pickled objects",
    ),
    (
        "h36m index",
        "no frames of the split",
        lambda a: a.update({k: v[:0] for k, v in a.items()}),
        "frames of.*got none",
    ),
    ("h36m cameras", "missing key", cameras(lambda c: c["S9", "54138969"].pop("c")), "key 'c'.*got only R, T"),
    ("h36m cameras", "missing camera", cameras(lambda c: c.pop(("S9", "54138969"))), "camera S9 54138969"),
    ("h36m cameras", "wrong shape", cameras(lambda c: c["S9", "54138969"].update(k=[1.0])), "k of 3 x 1.*got shape"),
    (
        "h36m cameras",
        "the wrong camera",
        cameras(lambda c: c.update({("S9", "54138969"): c["S9", "55011271"]})),
        r"cameras 54138969, 55011271 that see a person in one place in .*take S9_Directions_1, got \d+ mm off",
    ),
    ("h36m cameras", "no rotation", cameras(lambda c: c["S9", "54138969"].update(R=np.eye(3) * 2)), "a rotation R"),
    ("h36m cameras", "a program in a pickle", cameras(lambda c: c["S9", "54138969"].update(id=Program())), "a call of"),
    ("h36m data", "missing key", of_triple(lambda d, c, j: d.pop("annotations")), "key 'annotations'.*got only images"),
    ("h36m data", "wrong shape", of_triple(lambda d, c, j: d["annotations"][0].update(bbox=[1])), "bbox of 4.*shape"),
    ("h36m data", "a path that escapes", of_triple(lambda d, c, j: d["images"][0].update(file_name="../x")), "inside"),
    ("h36m data", "another subject", of_triple(lambda d, c, j: d["images"][0].update(subject=5)), "subject 9.*got 5"),
    (
        "h36m data",
        "an unknown action",
        of_triple(lambda d, c, j: d["images"][0].update(action_idx=1)),
        "action_idx 2 to",
    ),
    ("h36m data", "missing camera", of_triple(lambda d, c, j: c.pop("1")), "camera 1.*got only 2"),
    ("h36m data", "the wrong camera", of_triple(lambda d, c, j: c.update({"1": c["2"]})), "projects into the boxes"),
    ("h36m data", "no rotation", of_triple(lambda d, c, j: c["1"].update(R=np.ones((3, 3)).tolist())), "a rotation R"),
    ("h36m data", "a frame without pose", of_triple(lambda d, c, j: j["2"]["1"].pop("0")), "key '0'.*action_idx 2"),
    ("h36m data", "NaN", of_triple(lambda d, c, j: j["2"]["1"]["1"][0].__setitem__(0, float("nan"))), "finite joints"),
    ("h36m data", "metres for millimetres", each_pose(lambda p: p / 1000), "joints in millimetres.*median sum of 4"),
    ("h36m data", "swapped left and right", each_pose(lambda p: p[H36M17.mirror]), "left and right are swapped"),
    ("h36m legacy", "missing key", lambda a: a.pop("joint_2d"), "key 'joint_2d'.*got only action"),
    ("h36m legacy", "wrong shape", replaced("joint_3d_mono", lambda j: j[:, :15]), r"joint_3d_mono of N x 16 x 3"),
    ("h36m legacy", "arrays of different lengths", replaced("id", lambda i: i[:-1]), "as many rows.*id 15"),
    ("h36m legacy", "NaN", put("joint_2d", (0, 0, 0), np.nan), "finite joint_2d.*got nan"),
    ("h36m legacy", "a number past float32", put("joint_2d", (0, 0, 0), 1e200), r"finite joint_2d.*got 1e\+200"),
    ("h36m legacy", "metres for millimetres", replaced("joint_3d_mono", lambda j: j / 1000), "joint_3d_mono in milli"),
    (
        "h36m legacy",
        "swapped left and right",
        mirrored(("joint_3d_mono",), MPII16.mirror),
        "left and right are swapped",
    ),
    ("h36m legacy", "text for numbers", lambda a: a.update(action=np.array([b"x"] * 16)), "numbers in action"),
    ("h36m legacy", "an unknown action", replaced("action", lambda a: a * 0 + 17), "action 2 to 16.*got action 17"),
    ("3dhp test", "missing key", lambda a: a.pop("valid_frame"), "key 'valid_frame'.*got only activity_annotation"),
    ("3dhp test", "axes in another order", replaced("annot3", lambda a: a.T), "annot3 of N x 1 x 17 x 3.*got shape"),
    ("3dhp test", "arrays of different lengths", replaced("annot2", lambda a: a[..., :4]), "of 8 frames.*got"),
    ("3dhp test", "NaN", put("univ_annot3", (0, 4, 0, 3), np.nan), "finite valid frames of univ_annot3.*got nan"),
    ("3dhp test", "metres for millimetres", replaced("univ_annot3", lambda a: a / 1000), "univ_annot3 in millimetres"),
    (
        "3dhp test",
        "swapped left and right",
        mirrored(("annot2", "annot3", "univ_annot3"), MPI3DHP17.mirror),
        "left and right are swapped",
    ),
    ("3dhp test", "2D of other frames", replaced("annot2", lambda a: a[..., ::-1]), "projects onto the 2D labels"),
    ("3dhp test", "an unknown action", replaced("activity_annotation", lambda a: a * 0), "activity_annotation 1 to 7"),
    ("3dhp test", "no frames of the split", replaced("valid_frame", lambda a: a * 0), "valid frames.*got none"),
    ("3dhp train", "missing key", lambda a: a.pop("annot2"), "key 'annot2'.*got only"),
    ("3dhp train", "wrong shape", of_cell("annot2", 4, lambda a: a[:, :51]), r"annot2\{5\} of N x 56.*\(8, 51\)"),
    ("3dhp train", "arrays of different lengths", of_cell("annot2", 4, lambda a: a[:3]), "as many frames.*got 3 and 8"),
    ("3dhp train", "NaN", of_cell("annot3", 0, with_nan), r"finite annot3\{1\}.*got nan at \[0, 0\]"),
    ("3dhp train", "infinity", of_cell("annot2", 0, lambda a: with_nan(a, np.inf)), r"finite annot2\{1\}.*got inf"),
    ("3dhp train", "metres for millimetres", of_cell("annot3", 0, lambda a: a / 1000), "annot3 of camera 0 in milli"),
    ("3dhp train", "swapped left and right", mirrored_train, "left and right are swapped"),
    ("3dhp train", "2D of other frames", of_cell("annot2", 0, lambda a: a[::-1]), "projects onto the 2D labels"),
]


@pytest.mark.parametrize(("name", "corruption", "damage", "message"), ROWS, ids=[f"{r[0]}: {r[1]}" for r in ROWS])
def test_contents(name: str, corruption: str, damage: Callable, message: str, tmp_path: Path):
    if getattr(damage, "of_cameras", False):
        write_index(tmp_path, cameras=damage())
    else:
        READERS[name].write(tmp_path, damage)
    error = refusal(name, tmp_path)
    assert re.search(message, str(error)), str(error)
    file = Path(READERS[name].file)
    stem = file.stem.removesuffix("_data").removesuffix("cameras")  # a fault may lie in its neighbour
    assert stem in str(error) or file.parent.name in str(error), str(error)
    assert not Path("made-by-a-pickle").exists()


def test_the_wrong_cameras_of_3dhp(tmp_path: Path):
    turned = {number: room_camera(f"{number}", around=0.4 * number + 0.2) for number in range(14)}
    stretched = {
        number: type(camera)(camera.K * [[1.3], [1.3], [1.0]], camera.distortion, camera.R, camera.t_mm)
        for number, camera in turned.items()
    }
    write_train(tmp_path, cameras=stretched)
    assert "projects onto the 2D labels" in str(refusal("3dhp calibration", tmp_path))


def test_there_are_enough_and_they_reach_every_reader():
    """The corruptions that the project promises to refuse, with every reader to which they can happen."""
    by_reader = {name: {row[1] for row in ROWS if row[0] == name} for name in READERS}
    assert len({row[1] for row in ROWS} | set(WHOLE_FILES)) >= 30
    assert "the wrong camera" in by_reader["h36m cameras"] & by_reader["h36m data"]
    annotations = ("lsp", "mpii bearpaw", "mpii hrnet", "coco", "h36m index", "h36m data", "h36m legacy", "3dhp test")
    for name in (*annotations, "3dhp train"):
        assert {"missing key", "NaN", "swapped left and right"} <= by_reader[name], name
        assert {"wrong shape", "axes in another order"} & by_reader[name], name
    for name in ("h36m data", "h36m legacy", "3dhp test", "3dhp train"):
        assert "metres for millimetres" in by_reader[name], name
    for name in ("mpii bearpaw", "mpii hrnet", "coco", "h36m index", "h36m data"):
        assert "a path that escapes" in by_reader[name], name
    assert all("a program in a pickle" in by_reader[name] for name in ("h36m index", "h36m cameras"))
