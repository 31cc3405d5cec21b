"""`wildpose train` on files with the schema of the licensed sets: any 3D source beside any 2D sources, by ratio."""

import json

import pytest
from fork_server import codes, start
from made_3dhp import write_train
from made_human36m import write_index, write_photo
from made_mpii import write_bearpaw
from test_coco import write_coco

from wildpose.cli import main
from wildpose.data.human36m import load_human36m
from wildpose.data.mpi_inf_3dhp import load_mpi_inf_3dhp

TINY = (
    *("model.features=16", "model.input_px=32", "model.levels=2", "model.depth_stages=2", "batch=4"),
    *("pretrain_2d.steps=2", "pretrain_3d.steps=2", "pretrain_3d.batch_3d=2", "adversarial.batch_3d=2"),
    *("pretrain_3d.mix=coco:3", "log_every=1"),
)


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    root = tmp_path_factory.mktemp("sets")
    for split in ("train", "test"):
        write_index(root / "human36m", split=split)
    for name in ("coco", "mpii", "3dhp"):
        (root / name).mkdir()
    write_coco(root / "coco", split="train")
    write_bearpaw(root / "mpii")
    write_train(root / "3dhp")
    people = load_human36m(root / "human36m", "train+test"), load_mpi_inf_3dhp(root / "3dhp", "train")
    paths = [some.path(i) for some in people for i in range(len(some))]
    paths += [root / "mpii" / "images" / f"{person:09d}.jpg" for person in range(3)]
    for path in [*paths, root / "coco" / "train2017" / "000000000139.jpg"]:
        write_photo(path, 200)
    return root


def quiet(args: list[str]) -> None:
    import torch

    from wildpose.train import loop

    torch.set_num_threads(1)
    loop.draw_curves = lambda folder: folder  # takes longer than all else here
    main(args)


@pytest.mark.parametrize("with_3d", [("human36m",), ("human36m", "3dhp")])
def test_any_3d_source_beside_coco_and_mpii(sets, with_3d, tmp_path):
    names = {"human36m": "human36m", "3dhp": "mpi_inf_3dhp"}
    shares = [f"{names[name]}={sets / name}:{share}" for share, name in enumerate(with_3d, 1)]
    args = ["--data-2d", f"coco={sets / 'coco'}:1", f"mpii={sets / 'mpii'}:2"]
    args += [word for share in shares for word in ("--data-3d", share)]  # several after a flag, or the flag again
    for phase in ("pretrain-2d", "pretrain-3d"):
        command = ["train", phase, "--preset", "smoke", "--out", str(tmp_path), *args, "--set", *TINY]
        assert codes([start(quiet, command)]) == [0]
    state = json.loads((tmp_path / "pretrain-3d" / "step-000002" / "state.json").read_text())
    titles = {"human36m": "Human3.6M train", "3dhp": "MPI-INF-3DHP train"}
    assert [entry["name"] for entry in state["data"]] == ["COCO train2017", "MPII train", *(titles[n] for n in with_3d)]


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["--data-2d", "vgg=X"], "--data-2d NAME=PATH[:RATIO] with NAME one of lsp, lspet, outdoor, mpii, coco"),
        (["--data-3d", "h36m=X"], "with NAME one of studio, outdoor, human36m, mpi_inf_3dhp"),
        (["--data-2d", "coco=nowhere"], "person_keypoints_train2017.json, got no such file"),
        (["--data-3d", "human36m=nowhere", "--data-2d", "coco={sets}/coco"], "Human3.6M in nowhere"),
        (["--data-3d", "mpi_inf_3dhp=nowhere", "--data-2d", "coco={sets}/coco"], "annot.mat in nowhere/S1/Seq1"),
    ],
)
def test_refusals_are_one_line_and_exit_code_2(sets, args, says, tmp_path, capsys):
    args = [arg.format(sets=sets) for arg in args]
    with pytest.raises(SystemExit) as stopped:
        main(["train", "pretrain-2d", *args, "--out", str(tmp_path / "run")])
    assert stopped.value.code == 2
    error = capsys.readouterr().err
    assert says in error and error.count("\n") == 1
    assert not (tmp_path / "run").exists()
