"""`wildpose data studio` killed, on a full disk, and with numbers out of range: what is left, what is said."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from wildpose.cli import main
from wildpose.data.studio import StudioSet
from wildpose.studio import generate as module
from wildpose.studio.check import check_set

IMAGES, SHARD = 18, 3
COMMAND = ["data", "studio", "--images", str(IMAGES), "--seed", "3", "--size-px", "64", "--out"]
IN_SMALL_SHARDS = f"""
import sys
from wildpose.studio import generate
generate.SHARD_IMAGES = {SHARD}
from wildpose.cli import main
main(sys.argv[1:])
"""


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    monkeypatch.setattr(module, "SHARD_IMAGES", SHARD)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> dict[str, bytes]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "SHARD_IMAGES", SHARD)
        folder = tmp_path_factory.mktemp("undisturbed") / "set"
        main([*COMMAND, str(folder)])
        return contents(folder)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_after_a_sigkill_the_same_command_ends_in_the_same_bytes(undisturbed, tmp_path, capsys):
    folder = tmp_path / "set"
    run = subprocess.Popen([sys.executable, "-c", IN_SMALL_SHARDS, *COMMAND, str(folder)], stderr=subprocess.DEVNULL)
    try:
        limit = time.monotonic() + 120
        while not (folder / "shard-00001.npz").exists() and run.poll() is None and time.monotonic() < limit:
            time.sleep(0.005)
    finally:
        run.kill()
    assert run.wait() == -signal.SIGKILL
    main(["data", "check", str(folder)])
    assert f"partial, {IMAGES} planned" in capsys.readouterr().out
    left = len(StudioSet(folder, partial=True))
    assert SHARD <= left < IMAGES and left % SHARD == 0
    (folder / ".shard-00005.npz.99999.part").write_bytes(b"half a shard")  # as a kill in mid-write leaves it
    main([*COMMAND, str(folder)])
    assert "complete" in capsys.readouterr().out
    assert contents(folder) == undisturbed


def test_ctrl_c_ends_all_workers_with_one_word(undisturbed, tmp_path):
    """As a terminal sends it: to the process that writes and to its workers alike."""
    folder, said = tmp_path / "set", tmp_path / "said.txt"
    # a run in the background of a shell begins with the signal ignored
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n" + IN_SMALL_SHARDS
    with said.open("wb") as err:
        run = subprocess.Popen([sys.executable, "-c", code, *COMMAND, str(folder), "--workers", "2"], stderr=err,
                               start_new_session=True)  # fmt: skip
    limit = time.monotonic() + 120
    while not (folder / "shard-00000.npz").exists() and run.poll() is None and time.monotonic() < limit:
        time.sleep(0.005)
    os.killpg(run.pid, signal.SIGINT)
    assert run.wait(60) == 130
    lines = said.read_text().replace("\r", "\n").splitlines()
    assert lines[-1] == "stopped"
    assert not any("Process" in line or "Traceback" in line for line in lines)
    assert "partial" in check_set(folder)
    main([*COMMAND, str(folder)])
    assert contents(folder) == undisturbed


def test_a_set_killed_before_its_first_shard_is_partial_too(undisturbed, tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "_records", interrupted)
        with pytest.raises(SystemExit):
            main([*COMMAND, str(tmp_path / "set")])
    assert f"0 pictures, partial, {IMAGES} planned" in check_set(tmp_path / "set")
    main([*COMMAND, str(tmp_path / "set")])
    assert contents(tmp_path / "set") == undisturbed


def test_a_disk_that_fills_up_is_said_and_the_command_goes_on_later(undisturbed, tmp_path, monkeypatch, capsys):
    real = Path.write_bytes

    def full(path: Path, data: bytes) -> int:
        if "shard-00002" in path.name:
            real(path, data[: len(data) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return real(path, data)

    folder = tmp_path / "set"
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(SystemExit) as stopped:
            main([*COMMAND, str(folder)])
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert stopped.value.code == 2
    assert said.startswith("error: ") and "No space left" in said and "run the same command again" in said
    assert sorted(path.name for path in folder.iterdir()) == ["manifest.json", "shard-00000.npz", "shard-00001.npz"]
    assert "6 pictures, partial" in check_set(folder)
    main([*COMMAND, str(folder)])
    assert contents(folder) == undisturbed


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--seed", "-1"),
        ("--seed", str(2**32)),
        ("--images", "0"),
        ("--images", "10000001"),
        ("--workers", "0"),
        ("--size-px", "63"),
    ],
)
def test_numbers_out_of_range_are_said_in_one_line(tmp_path, capsys, option, value):
    options = {"--images": "5", "--seed": "3", "--workers": "1", "--size-px": "64", "--out": str(tmp_path / "set")}
    command = ["data", "studio", *(word for pair in (options | {option: value}).items() for word in pair)]
    with pytest.raises(SystemExit) as stopped:
        main(command)
    said = capsys.readouterr().err
    assert stopped.value.code == 2 and said.count("\n") == 1
    assert option.strip("-").replace("-", "_") in said and value in said
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize("place", ["file", "file/inside"])
def test_a_place_that_can_not_be_written_to_is_said(tmp_path, capsys, place):
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit) as stopped:
        main([*COMMAND, str(tmp_path / place)])
    assert stopped.value.code == 2 and "error: expected" in capsys.readouterr().err
