"""What goes wrong where batches are made is said where they are asked for, and no process is left behind."""

import multiprocessing
import os
from contextlib import closing

import pytest
import torch
from fork_server import codes, start
from made_human36m import write_photo
from test_any_sources import TINY, quiet
from test_coco import write_coco

from wildpose.errors import InputError
from wildpose.studio.generate import generate
from wildpose.train.loader import load


class Damaged(torch.utils.data.Dataset):
    def __getitem__(self, k: int) -> int:
        if k == 3:
            raise InputError("a photo", "half of one", "fetch it again")
        return k * k


def test_bad_input_arrives_as_it_was_raised():
    with closing(load(Damaged(), range(6))) as batches:
        assert [next(batches) for _ in range(3)] == [0, 1, 4]
        with pytest.raises(InputError) as raised:
            next(batches)
    assert (raised.value.expected, raised.value.fix) == ("a photo", "fetch it again")
    assert not multiprocessing.active_children(), "though its traceback is still here"


def test_a_consumer_that_stops_takes_the_loader_along():
    with pytest.raises(ZeroDivisionError) as raised, closing(load(Damaged(), range(3))) as batches:
        1 / next(batches)
    assert raised.tb is not None and not multiprocessing.active_children()


def said_to(path: str, args: list[str]) -> None:
    with open(path, "wb") as file:
        os.dup2(file.fileno(), 2)
    quiet(args)


@pytest.mark.parametrize(
    "args",
    [
        ["train", "pretrain-2d", "--set", *TINY[:9]],
        ["refine", "default", "--studio", "studio", "--crops", "48"],
    ],
)
def test_a_damaged_photo_ends_a_run_with_one_line(tmp_path, args):
    """In time: it used to wait for its loader for ever."""
    write_coco(tmp_path / "coco", split="train")
    photo = tmp_path / "coco" / "train2017" / "000000000139.jpg"
    write_photo(photo, 200)
    photo.write_bytes(photo.read_bytes()[:60])
    generate("studio", tmp_path / "studio", 3, seed=3, progress=False)
    args = [str(tmp_path / "studio") if text == "studio" else text for text in args]
    args += ["--data-2d", f"coco={tmp_path / 'coco'}", "--out", str(tmp_path / "run")]
    said = tmp_path / "said.txt"
    assert codes([start(said_to, str(said), args)], timeout_s=120) == [2]
    last = said.read_text().splitlines()[-1]
    assert last.startswith("error: expected an image at") and "Traceback" not in said.read_text()
