"""What helps in a shell: completion of names, the nearest command, and a copy of everything."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_kit import Awb
from click.testing import CliRunner

from agent_workbench.frontends.cli.app import cli
from agent_workbench.frontends.cli.opening import Settings


def completed(words: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what bash would be offered for the last of the words."""
    monkeypatch.setenv("_AWB_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(words.count(" ")))
    found = CliRunner().invoke(cli, [], obj=Settings(), prog_name="awb").output.split()
    monkeypatch.delenv("_AWB_COMPLETE")
    return found


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("awb tem", ["plain,template"]),
        ("awb config show he", ["plain,hello"]),
        ("awb run hi -c wri", ["plain,writer"]),
        ("awb session show l", ["plain,last"]),
        ("awb run hi -c ./ag", ["file,./ag"]),
        ("awb config validate agent.ya", ["file,agent.ya"]),
    ],
)
def test_a_shell_is_offered_what_is_there(
    awb: Awb, monkeypatch: pytest.MonkeyPatch, words: str, offered: list[str]
) -> None:
    awb("config", "list")
    assert completed(words, monkeypatch) == offered


def test_completion_makes_no_database(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWB_DB", str(tmp_path / "none.db"))
    assert completed("awb config show ", monkeypatch) == []
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_for_a_shell_names_the_program(awb: Awb, shell: str) -> None:
    assert "_AWB_COMPLETE" in awb("completion", shell).out


@pytest.mark.parametrize(
    ("typed", "said"), [("confg", "did you mean `awb config`?"), ("what is this?", "awb run 'what is this?'")]
)
def test_an_unknown_command_is_told_with_a_way_on(awb: Awb, typed: str, said: str) -> None:
    assert said in awb(typed, code=2).err


def test_a_backup_is_a_database_of_its_own(awb: Awb, tmp_path: Path) -> None:
    awb("run", "my name is Ada")
    copy = tmp_path / "copy.db"
    assert awb("backup", str(copy), "--json").json == {"file": str(copy), "size": copy.stat().st_size}
    assert awb("session", "list", "--json", "--db", str(copy)).json["total"] == 1


def test_a_backup_replaces_nothing_unasked_and_never_the_database_itself(awb: Awb, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    awb("backup", str(copy))
    assert "--force" in awb("backup", str(copy), code=5).err
    awb("backup", str(copy), "--force")
    assert "itself" in awb("backup", str(copy), "--force", "--db", str(copy), code=2).err
    assert "folder" in awb("backup", str(tmp_path / "none" / "copy.db"), code=1).err
