"""Files are read where they are regular and not too large; nothing else hangs, or shows what the kernel knows."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agent_workbench.errors import InvalidYAML, NotFound, WorkbenchError
from agent_workbench.services.files import read_text
from agent_workbench.services.regular import MAX_BYTES, is_within


def made(folder: Path, kind: str) -> Path:
    path = folder / "config.yaml"
    match kind:
        case "a pipe":
            os.mkfifo(path)
        case "a folder":
            path.mkdir()
        case "a link to a kernel's file":
            path.symlink_to("/proc/self/environ")
        case "too large":
            path.write_bytes(b"#" * (MAX_BYTES + 1))
        case "no text":
            path.write_bytes(b"\xff")
    return path


REFUSED: dict[str, tuple[type[WorkbenchError], str]] = {
    "a pipe": (NotFound, "not a regular file"),
    "a folder": (NotFound, "Is a directory"),
    "a link to a kernel's file": (NotFound, "not a regular file"),
    "too large": (InvalidYAML, "1,000,001 bytes"),
    "no text": (InvalidYAML, "0xff is not UTF-8"),
    "missing": (NotFound, "No such file"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_file_of_a_config_is_refused_by_what_it_is(tmp_path: Path, kind: str):
    error, says = REFUSED[kind]
    with pytest.raises(error, match=says):
        read_text(made(tmp_path, kind))


def test_a_file_of_the_largest_size_is_read_whole(tmp_path: Path):
    path = tmp_path / "big.yaml"
    path.write_bytes(b"#" * MAX_BYTES)
    assert len(read_text(path)) == MAX_BYTES


@pytest.mark.parametrize(
    ("path", "folder", "inside"),
    [("/a", "/a", True), ("/a/b", "/a/", True), ("/ab", "/a", False), ("/a", "/", True), ("/b/a", "/a", False)],
)
def test_a_path_is_in_a_folder_by_whole_names(path: str, folder: str, inside: bool):
    assert is_within(path, folder) is inside
