"""Panoramas: what the pack keeps of one, the pack that ships, and every file that is not a panorama."""

import cv2
import numpy as np
import pytest

from wildpose.cli import main
from wildpose.errors import InputError
from wildpose.studio.panoramas import PACK, pack, panorama_files, read_panorama
from wildpose.studio.scene import load_panoramas, prepare_panorama
from wildpose.studio.shots import make_world


def scenery(width: int = 512, seed: int = 0) -> np.ndarray:
    """A smooth sky over ground with one sun of 2 x 2 px, thousands of times as bright."""
    rng = np.random.default_rng(seed)
    rough = rng.uniform(0.05, 2.0, (8, 16, 3)).astype(np.float32)
    picture = cv2.resize(rough, (width, width // 2), interpolation=cv2.INTER_CUBIC).clip(0.01)
    picture[40:42, 100:102] = 5000.0
    return picture


def write(path, radiance):
    np.savez(path, radiance_bgr=radiance[..., ::-1].astype(np.float16))


def test_a_packed_panorama_keeps_its_picture_and_its_light(tmp_path):
    radiance = scenery()
    (tmp_path / "a.npz").write_bytes(pack(radiance))
    assert (tmp_path / "a.npz").stat().st_size < 60_000 < radiance.nbytes / 20
    back = read_panorama(tmp_path / "a.npz")
    wanted = radiance / np.median(radiance) * 0.35
    seen = wanted < 6
    assert back.shape == (256, 512, 3)
    assert np.abs(back[seen] / wanted[seen] - 1).mean() < 0.03
    assert back[40:42, 100:102].sum() == pytest.approx(wanted[40:42, 100:102].sum(), rel=0.01)  # the sun, in its place
    before, after = (prepare_panorama("a", picture).light for picture in (radiance, back))
    np.testing.assert_allclose(after.sun_dir, before.sun_dir, atol=1e-6)
    np.testing.assert_allclose(after.sun_color, before.sun_color, rtol=0.03)
    np.testing.assert_allclose(after.sh, before.sh, atol=0.02 * np.abs(before.sh).max())


def test_rings_around_lamps_are_filled_and_lamps_are_kept(tmp_path):
    radiance = scenery()
    ringed = radiance.copy()
    ringed[60, 50:60] = -1.0
    ringed[70, 50] = 900.0, 300.0, 0.0  # a lamp without blue
    (tmp_path / "a.npz").write_bytes(pack(ringed))
    back, scale = read_panorama(tmp_path / "a.npz"), 0.35 / np.median(ringed)
    np.testing.assert_allclose(back[60, 52:58], scale * radiance[60, 52:58], atol=0.03)
    assert back[70, 50, 0] == pytest.approx(900 * scale, rel=0.05)


def test_the_same_panorama_packs_to_the_same_bytes():
    assert pack(scenery()) == pack(scenery()) != pack(scenery(seed=1))


def test_hdr_files_are_read_as_rgb_and_wide_ones_reduced(tmp_path):
    radiance = np.zeros((600, 1200, 3), np.float32) + [4.0, 2.0, 1.0]
    cv2.imwrite(str(tmp_path / "a.hdr"), radiance[..., ::-1].astype(np.float32))
    back = read_panorama(tmp_path / "a.hdr")
    assert back.shape == (512, 1024, 3)
    np.testing.assert_allclose(back[100, 100], [4.0, 2.0, 1.0], rtol=0.01)


def test_the_pack_is_small_and_has_places_of_both_kinds_for_either_split():
    files = panorama_files(PACK)
    assert len(files) == 17 and sum(path.stat().st_size for path in files) < 2.5e6
    assert "CC0-1.0" in (PACK / "README.md").read_text()
    everything = load_panoramas(PACK)
    used = {split: make_world("outdoor", split, 1, 64, [], everything).panoramas for split in ("train", "test")}
    names = {split: {panorama.name for panorama in panoramas} for split, panoramas in used.items()}
    assert not names["train"] & names["test"] and len(names["train"] | names["test"]) == 17
    assert names["test"] == {"bl_forest", "city", "lobby", "warehouse"}  # as its README says
    for panoramas in used.values():
        assert {panorama.indoor for panorama in panoramas} == {True, False}


def test_the_command_packs_what_is_named(tmp_path, capsys):
    for name in ("beach", "attic"):
        write(tmp_path / f"{name}.npz", scenery(128))
    main(["data", "panoramas", "--source", str(tmp_path), "--out", str(tmp_path / "pack"), "--names", "attic"])
    assert "1 panoramas" in capsys.readouterr().out
    assert [path.name for path in panorama_files(tmp_path / "pack")] == ["attic.npz"]
    with pytest.raises(SystemExit) as stopped:
        main(["data", "panoramas", "--source", str(tmp_path), "--out", str(tmp_path / "pack"), "--names", "cellar"])
    assert stopped.value.code == 2 and "cellar" in capsys.readouterr().err


def jpeg(path):
    cv2.imwrite(str(path.with_suffix(".jpg")), np.full((128, 256, 3), 99, np.uint8))
    path.with_suffix(".jpg").rename(path)


def flipped(path):
    write(path, scenery(128))
    content = bytearray(path.read_bytes())
    content[3000:3100] = bytes(100)
    path.write_bytes(content)


def test_a_panorama_of_any_width_packs(tmp_path):
    (tmp_path / "a.npz").write_bytes(pack(scenery(300)))
    assert read_panorama(tmp_path / "a.npz").shape == (148, 296, 3)


@pytest.mark.parametrize(
    ("name", "make", "said"),
    [
        ("square.npz", lambda path: write(path, np.ones((256, 256, 3))), "equirectangular"),
        ("tiny.npz", lambda path: write(path, np.ones((32, 64, 3))), "at least 128 px"),
        ("black.npz", lambda path: write(path, np.zeros((64, 128, 3))), "a black picture"),
        ("grey.npz", lambda path: np.savez(path, radiance_bgr=np.ones((64, 128), np.float16)), "equirectangular"),
        ("other.npz", lambda path: np.savez(path, holiday=np.ones(3)), "KeyError"),
        ("pickled.npz", lambda path: np.savez(path, radiance_bgr=np.array([{}])), "ValueError"),
        ("half.npz", lambda path: np.savez(path, jpeg=np.zeros(9, np.uint8), excess=np.ones((4, 8, 3))), "read"),
        ("text.npz", lambda path: path.write_text("hello"), "read"),
        ("number.npz", lambda path: np.savez(path, radiance_bgr=np.float32(3)), "read"),
        ("cut.npz", lambda path: (write(path, scenery(128)), path.write_bytes(path.read_bytes()[:5000])), "read"),
        ("flipped.npz", flipped, "read"),
        ("text.hdr", lambda path: path.write_text("hello"), "no picture"),
        ("photo.hdr", jpeg, "8 bits"),
    ],
)
def test_what_is_no_panorama_is_named_with_its_fault(tmp_path, name, make, said):
    make(tmp_path / name)
    with pytest.raises(InputError, match=said) as error:
        load_panoramas(tmp_path)
    assert name in str(error.value) and "\n" not in str(error.value)


def test_a_folder_without_panoramas(tmp_path):
    with pytest.raises(InputError, match="an empty folder"):
        panorama_files(tmp_path)
    (tmp_path / "photo.jpg").write_text("")
    with pytest.raises(InputError, match="none there"):
        panorama_files(tmp_path)
    with pytest.raises(InputError, match="no folder"):
        panorama_files(tmp_path / "missing")
