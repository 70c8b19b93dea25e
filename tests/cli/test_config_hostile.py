"""Files that are none, names that do not exist, disks that refuse: one clear line, the right code, nothing lost."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli_kit import Awb

GOOD = "# mine\nproviders: [{module: provider-mock}]\n"


def odd_files(folder: Path) -> None:
    (folder / "good.yaml").write_text(GOOD)
    (folder / "empty.yaml").touch()
    (folder / "bom.yaml").write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    (folder / "crlf.yaml").write_bytes(GOOD.replace("\n", "\r\n").encode())
    (folder / "big.yaml").write_bytes(b"x" * 2_000_000)
    (folder / "bytes.yaml").write_bytes(b"\xff\xfe\x00\x01")
    (folder / "nul.yaml").write_bytes(b'a: "\x00"\n')
    (folder / "cut.yaml").write_text("a: [\n")
    (folder / "deep.yaml").write_text("[" * 100_000)
    (folder / "list.yaml").write_text("- a\n")
    (folder / "two.yaml").write_text("a: 1\n---\nb: 1\n")
    (folder / "folder.yaml").mkdir()
    os.mkfifo(folder / "pipe.yaml")
    (folder / "loop.yaml").symlink_to("loop.yaml")
    (folder / "nowhere.yaml").symlink_to("gone.yaml")
    (folder / "endless.yaml").symlink_to("/dev/zero")


FILES = {
    "good": 0, "empty": 0, "bom": 0, "crlf": 0, "big": 3, "bytes": 3, "nul": 3, "cut": 3, "deep": 3, "list": 3,
    "two": 3, "folder": 4, "pipe": 4, "loop": 4, "nowhere": 4, "endless": 4, "absent": 4,
}  # fmt: skip


@pytest.mark.parametrize(("name", "code"), FILES.items())
def test_a_file_of_any_kind_is_read_or_refused_in_a_line(awb: Awb, folder: Path, name: str, code: int) -> None:
    odd_files(folder)
    path = f"{name}.yaml"
    for command in ("validate", "plan", "add-tool", "fix", "import", "env", "secrets"):
        more = ("tool-todo", "--dry-run") if command == "add-tool" else ()
        done = awb("config", command, path, *more, code=None)
        assert done.code == code, f"{command} {path}: {done.code} {done.err}"
        if code:
            assert done.err.strip()
            assert len(done.err) < 600


LINES = {
    ("show", "nope"): 4,
    ("copy", "nope", "x"): 4,
    ("copy", "hello", " "): 2,
    ("diff", "hello", "--from", "99"): 4,
    ("diff", "good.yaml"): 2,
    ("restore", "hello", "99"): 4,
    ("prune", "nope", "--keep", "1"): 4,
    ("tag", "hello", "x"): 2,
    ("link", "hello", "folder.yaml"): 4,
    ("link", "hello", "pipe.yaml"): 4,
    ("link", "hello", "loop.yaml"): 4,
    ("link", "hello", "bytes.yaml", "--use", "file"): 3,
    ("sync", "hello"): 2,
    ("export", "hello", "-o", "good.yaml"): 5,
    ("export", "hello", "-o", "folder.yaml", "--force"): 1,
    ("export", "hello", "-o", "no/such/folder"): 1,
    ("import", "git+https://"): 3,
    ("import", "https://localhost/x"): 3,
    ("secrets", "hello", "--move", "x"): 4,
    ("refresh", "nope"): 4,
    ("plan", "hello", "--explain", "zzz"): 4,
    ("edit", "-"): 2,
}


@pytest.mark.parametrize(
    ("words", "code"), LINES.items(), ids=lambda value: " ".join(value) if isinstance(value, tuple) else ""
)
def test_what_cannot_be_done_is_said_in_a_line(awb: Awb, folder: Path, words: tuple[str, ...], code: int) -> None:
    odd_files(folder)
    before = {path.name for path in folder.iterdir()}
    done = awb("config", *words, code=code)
    assert len(done.err.strip().splitlines()) <= 4
    assert {path.name for path in folder.iterdir()} == before
    assert (folder / "good.yaml").read_text() == GOOD


def test_an_export_can_go_to_a_device(awb: Awb, folder: Path) -> None:
    awb("config", "export", "hello", "-o", "/dev/null", "--force")


@pytest.mark.parametrize("where", ["mine", "mine.yaml"])
def test_of_many_processes_that_edit_at_once_each_is_kept_or_told(folder: Path, awb: Awb, where: str) -> None:
    (folder / "mine.yaml").write_text("tools: []\n")
    awb("config", "import", "mine.yaml", "--name", "mine")
    tools = ("tool-todo", "tool-search", "tool-bash", "tool-filesystem")
    running = {
        tool: subprocess.Popen(
            [sys.executable, "-m", "agent_workbench", "config", "add-tool", where, tool],
            cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for tool in tools
    }  # fmt: skip
    codes = {}
    for tool, process in running.items():
        _, said = process.communicate(timeout=60)
        codes[tool] = process.returncode
        assert process.returncode in (0, 5), said
    text = awb("config", "show", where).out
    assert {tool for tool in tools if tool in text} == {tool for tool, code in codes.items() if code == 0}
    assert 0 in codes.values()
