"""What is written for a person: as closed as they want their files, and conversations for nobody else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent_workbench.services.files import replace_file, write_file


@pytest.fixture(params=[0o022, 0o077, 0o002], ids=oct)
def mask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_new_file_is_as_closed_as_the_person_wants_theirs(tmp_path: Path, mask: int) -> None:
    replace_file(tmp_path / "a.yaml", None, "a: 1\n")
    assert mode(tmp_path / "a.yaml") == 0o666 & ~mask
    assert [path.name for path in tmp_path.iterdir()] == ["a.yaml"]


def test_a_new_file_with_a_conversation_in_it_is_the_person_s_alone(tmp_path: Path, mask: int) -> None:
    write_file(tmp_path / "talk.json", "{}", private=True)
    assert mode(tmp_path / "talk.json") == 0o600 & ~mask


@pytest.mark.parametrize("private", [False, True])
def test_a_file_that_is_there_keeps_its_mode(tmp_path: Path, mask: int, private: bool) -> None:
    (tmp_path / "a").write_text("old")
    (tmp_path / "a").chmod(0o640)
    write_file(tmp_path / "a", "new", private=private)
    assert ((tmp_path / "a").read_text(), mode(tmp_path / "a")) == ("new", 0o640)
