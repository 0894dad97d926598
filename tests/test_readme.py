"""The README's commands work as they stand there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from flows.cli import jiexu
from tests.parts import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
BIN = Path(sys.executable).parent
FENCED = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
BLOCKS = [text for language, text in FENCED if language == "sh"]


def _lines(block: str, program: str) -> list[str]:
    return [line for line in block.splitlines() if line.startswith(f"{program} ")]


RUNNABLE = [block for block in BLOCKS if _lines(block, "jiexu")]


def test_every_block_for_the_shell_is_of_a_known_kind() -> None:
    """Each line of an `sh` block calls make or jiexu, so that none goes unproved here."""
    assert RUNNABLE
    strange = [line for block in BLOCKS for line in block.splitlines() if not re.match(r"(make|jiexu) ", line)]
    assert strange == []


def test_every_make_target_is_in_the_makefile() -> None:
    """Each `make TARGET` of the README, in blocks and in prose, is a target of the Makefile that says what it does."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):.*##", makefile, re.MULTILINE))
    named = {line.split()[1] for block in BLOCKS for line in _lines(block, "make")}
    named |= set(re.findall(r"`make ([a-z]+)`", README))
    assert named
    assert named <= targets


@pytest.mark.parametrize("block", RUNNABLE, ids=range(len(RUNNABLE)))
def test_the_commands_of_a_block_work_in_order(block: str, tmp_path: Path) -> None:
    """`bash -e` runs all commands of the block in one fresh folder to the end, and nothing fails."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("JIEXU_", "PREFECT_"))}
    environ |= {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "HOME": str(tmp_path)}
    script = "\n".join(_lines(block, "jiexu"))
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    assert "error" not in done.stderr


def _command(words: list[str]) -> click.Command | None:
    """The command that these words begin with, as far as they name one."""
    found: click.Command = jiexu
    for word in words:
        if not isinstance(found, click.Group):
            break
        if word not in found.commands:
            return None
        found = found.commands[word]
    return found


def _mentioned() -> list[str]:
    """`jiexu …` in blocks without a language (first column) and in prose, each alternative of `a | b` by itself."""
    plain = [text for language, text in FENCED if not language]
    lines = [line.split("   ")[0] for block in plain for line in _lines(block, "jiexu")]
    lines += re.findall(r"`(jiexu [^`]*)`", README)
    mentioned = []
    for line in lines:
        first, *others = (part.split() for part in line.split("|"))
        kept = first[:-1] if others else first
        mentioned += [" ".join(first), *(" ".join([*kept, *other]) for other in others)]
    return mentioned


def test_every_command_that_the_readme_names_exists() -> None:
    """Each `jiexu …` in the README's text and lists is a command of this program."""
    mentioned = _mentioned()
    assert len(mentioned) > 20
    assert [
        line for line in mentioned if _command([word for word in line.split()[1:] if word[0].islower()]) is None
    ] == []


def test_every_option_that_the_readme_names_exists() -> None:
    """Each `--option` on a line that calls jiexu belongs to the command of that line."""
    for line in [line for block in RUNNABLE for line in _lines(block, "jiexu")] + _mentioned():
        words = re.sub(r"\$\(.*?\)", "", line).replace("[", " ").replace("]", " ").split()[1:]
        words = words[2:] if words[0] == "-C" else words
        command = _command([word for word in words if re.fullmatch(r"[a-z]+", word)])
        if command is None or isinstance(command, click.Group):
            continue
        options = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options, line
