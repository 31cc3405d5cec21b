"""README and docs name only commands, flags, presets and files that exist."""

import re
import shlex
from pathlib import Path

import pytest

from wildpose import cli
from wildpose.config import PRESETS
from wildpose.skeleton import MPII16

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def commands(text: str) -> list[list[str]]:
    """Every `wildpose ...` of indented or fenced code and of inline code, cut into words."""
    lines = [line.strip() for line in text.splitlines() if re.match(r"\s{4,}wildpose |wildpose \w", line)]
    inline = re.findall(r"`(wildpose [^`]+)`", text)
    return [shlex.split(line.split(" # ")[0]) for line in [*lines, *inline]]


def help_text(words: list[str], capsys: pytest.CaptureFixture) -> str:
    """What `--help` says of a command, with its subcommand if it has them."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as stopped:
        cli.main([*words, "--help"])
    assert stopped.value.code == 0, words
    return capsys.readouterr().out


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_flags_exist(page: Path, capsys: pytest.CaptureFixture):
    for _, name, *rest in commands(page.read_text()):
        if name.startswith("-") or name.isupper():
            continue
        assert name in cli.COMMANDS, f"{page.name}: wildpose {name}"
        nested = rest[:1] if name in ("data", "bench", "detector") and rest and not rest[0].isupper() else []
        text = help_text([name, *nested], capsys)
        for flag in (word.split("=")[0] for word in rest if word.startswith("--")):
            assert flag in text, f"{page.name}: wildpose {name} {' '.join(nested)} has no {flag}"


def test_readme_covers_every_command():
    said = {words[1] for page in PAGES for words in commands(page.read_text())}
    assert set(cli.COMMANDS) - said == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_presets_exist(page: Path):
    named = set(re.findall(r"--preset ([a-z0-9-]+)", page.read_text()))
    assert named <= set(PRESETS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_pictures_exist(page: Path):
    targets = re.findall(r"\]\((?!http)([^)#]+)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_make_targets_exist():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = (ROOT / "README.md").read_text()
    named = set(re.findall(r"(?:^    |`)make ([a-z]+)", text, re.MULTILINE))
    assert named and named <= targets


def test_json_page_names_the_joints_in_order():
    listed = re.search(r"in this order everywhere:\n((?:[a-z_, \n])+)\.", (ROOT / "docs" / "json.md").read_text())
    assert tuple(re.findall(r"[a-z_]+", listed[1])) == MPII16.joints
