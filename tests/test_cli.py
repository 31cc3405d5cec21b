"""Dispatch of the command `wildpose`. What each command does is tested beside its module."""

import subprocess
import sys

import pytest

import wildpose
from wildpose import cli
from wildpose.errors import InputError


def stops(capsys, *args: str) -> tuple[int, str]:
    """Exit code and stderr of a call that stops."""
    with pytest.raises(SystemExit) as stopped:
        cli.main(list(args))
    return stopped.value.code, capsys.readouterr().err


def test_help_lists_every_command(capsys):
    for args in ([], ["--help"], ["-h"]):
        cli.main(args)
        out = capsys.readouterr().out
        assert all(f"  {name} " in out for name in cli.COMMANDS)


def test_version(capsys):
    cli.main(["--version"])
    assert capsys.readouterr().out == f"wildpose {wildpose.__version__}\n"


def test_an_unknown_command_gets_a_hint(capsys):
    assert stops(capsys, "predcit") == (
        2,
        "error: expected a command of wildpose, got 'predcit'; perhaps you meant `wildpose predict`\n",
    )
    assert "wildpose --help" in stops(capsys, "xyzzy")[1]


def test_an_unknown_option_is_refused(capsys):
    code, _ = stops(capsys, "weights", "--no-such-option")
    assert code == 2


def failing(error: BaseException):
    def command(x: int = 0) -> None:
        """Fail."""
        raise error

    return command


@pytest.fixture
def fail_with(monkeypatch):
    """Make `wildpose weights` raise."""
    import wildpose.cli.weights as module

    return lambda error: monkeypatch.setattr(module, "weights", failing(error))


def test_bad_input_is_one_line_and_code_2(capsys, fail_with):
    fail_with(InputError("a cat", "a dog", "bring a cat"))
    assert stops(capsys, "weights") == (2, "error: expected a cat, got a dog; bring a cat\n")


def test_debug_shows_the_traceback(fail_with):
    fail_with(InputError("a cat", "a dog", "bring a cat"))
    with pytest.raises(InputError):
        cli.main(["weights", "--debug"])


def test_missing_training_extra_is_said(capsys, fail_with):
    fail_with(ModuleNotFoundError("No module named 'torch'", name="torch"))
    assert stops(capsys, "weights") == (
        2,
        'error: no module named torch; this needs the training extra; run: pip install "wildpose[train]"\n',
    )


def test_our_own_missing_module_is_a_bug_not_a_hint(fail_with):
    fail_with(ModuleNotFoundError("No module named 'wildpose.nowhere'", name="wildpose.nowhere"))
    with pytest.raises(ModuleNotFoundError):
        cli.main(["weights"])


def test_interrupt_is_130(capsys, fail_with):
    fail_with(KeyboardInterrupt())
    assert stops(capsys, "weights") == (130, "stopped\n")


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from wildpose.cli import main; main(['--help']); "
        "heavy = {'torch', 'cv2', 'onnxruntime', 'numpy', 'tyro'} & set(sys.modules); assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_reader_that_leaves_early_gets_no_traceback():
    command = [sys.executable, "-c", "import wildpose.cli as c; c.main(['weights'])"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()  # as `head` does
        process.stdout = None
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (141, "")


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["bench", "smoothing", "--out", "{folder}"], "a file to write: {folder}, got a folder; name a file in it"),
        (["bench", "data", "--out", "{file}/a.json"], "a folder to write to: {file}, got a file at {file}"),
        (["evaluate", "--data", "lsp", "--root", ".", "--out", "{folder}"], "a file to write: {folder}"),
        (["detector", "merge", "{folder}", "{folder}", "--out", "{file}/mean"], "state.json"),
        (["refine", "default", "--out", "{file}", "--outdoor", "{folder}"], "{folder}"),
    ],
)
def test_places_that_can_t_be_written_are_said_before_the_work(args, says, tmp_path, capsys):
    where = {"folder": str(tmp_path / "folder"), "file": str(tmp_path / "file")}
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit, match="2"):
        cli.main([part.format(**where) for part in args])
    error = capsys.readouterr().err
    assert says.format(**where) in error and error.count("\n") == 1 and error.startswith("error: expected")
    assert [path.name for path in sorted(tmp_path.rglob("*"))] == ["file", "folder"]


def test_a_file_that_the_system_refuses_is_named(monkeypatch, capsys):
    def refuse(*_args):
        raise PermissionError(13, "Permission denied", "/etc/results.json")

    monkeypatch.setattr("wildpose.cli._run", refuse)
    with pytest.raises(SystemExit, match="2"):
        cli.main(["weights"])
    assert capsys.readouterr().err.startswith("error: expected to be able to read or write /etc/results.json, got Perm")
