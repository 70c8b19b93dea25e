from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from agent_workbench.engine.ports import MountContext, ToolContext, ToolOutcome
from agent_workbench.engine.tools.filesystem import MODULE, FilesystemConfig


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


async def call(name: str, workspace: Path, config: dict[str, Any] | None = None, **arguments: object) -> ToolOutcome:
    assert MODULE.create is not None
    tools = MODULE.create(FilesystemConfig.model_validate(config or {}), MountContext({}, workspace))
    tool = next(tool for tool in tools if tool.spec.name == name)
    context = ToolContext("s1", workspace)
    try:
        tool.intent(arguments, context)
        return await tool.run(arguments, context)
    except PermissionError as error:
        return ToolOutcome(str(error), is_error=True)


async def test_reading_numbers_the_lines_and_pages(workspace):
    (workspace / "a.txt").write_text("".join(f"line {n}\n" for n in range(1, 11)))
    whole = await call("read_file", workspace, file_path="a.txt")
    assert whole.content.splitlines()[0] == "     1\tline 1"
    part = await call("read_file", workspace, file_path="a.txt", offset=4, limit=2)
    assert part.content == "     4\tline 4\n     5\tline 5\n[lines 4–5 of 10; go on with offset=6]"


async def test_long_lines_are_cut_and_bad_bytes_shown(workspace):
    (workspace / "a.txt").write_bytes(b"x" * 5000 + b"\n\xff\xfe ok\n")
    content = (await call("read_file", workspace, file_path="a.txt")).content
    assert len(content.splitlines()[0]) < 2100
    assert "\ufffd\ufffd ok" in content


UNREADABLE = {
    "missing": ("nope.txt", "No such file"),
    "folder": (".", "is a folder"),
    "binary": ("binary", "not a text file"),
    "pipe": ("pipe", "no regular file"),
    "NUL": ("a\0b", "NUL"),
    "circle": ("circle", "circle"),
}


@pytest.mark.parametrize(("path", "why"), UNREADABLE.values(), ids=UNREADABLE.keys())
async def test_what_is_no_text_file_is_refused(workspace, path, why):
    (workspace / "binary").write_bytes(b"\x00\x01")
    os.mkfifo(workspace / "pipe")
    (workspace / "circle").symlink_to("circle")
    outcome = await call("read_file", workspace, file_path=path)
    assert outcome.is_error
    assert why in outcome.content


async def test_an_empty_file_and_an_offset_past_the_end_are_said(workspace):
    (workspace / "empty").touch()
    (workspace / "one").write_text("1\n")
    assert "empty" in (await call("read_file", workspace, file_path="empty")).content
    assert "only 1 lines" in (await call("read_file", workspace, file_path="one", offset=9)).content


async def test_writing_makes_folders_and_shows_the_diff(workspace):
    outcome = await call("write_file", workspace, file_path="new/deep/a.txt", content="hello\n")
    assert (workspace / "new/deep/a.txt").read_text() == "hello\n"
    assert "+hello" in outcome.details["diff"]


async def test_replacing_keeps_the_mode_and_leaves_no_temporary_file(workspace):
    script = workspace / "run.sh"
    script.write_text("old\n")
    script.chmod(0o751)
    await call("write_file", workspace, file_path="run.sh", content="new\n")
    assert script.stat().st_mode & 0o777 == 0o751
    assert [path.name for path in workspace.iterdir()] == ["run.sh"]


async def test_a_file_that_nobody_may_write_is_not_replaced_either(workspace):
    (workspace / "a").write_text("old")
    (workspace / "a").chmod(0o444)
    for name, arguments in {
        "write_file": {"content": "x"},
        "edit_file": {"old_string": "o", "new_string": "x"},
    }.items():
        outcome = await call(name, workspace, file_path="a", **arguments)
        assert outcome.content == "a is read-only"
    assert (workspace / "a").read_text() == "old"


async def test_new_content_does_not_run_as_the_owner_of_the_old(workspace):
    (workspace / "a").write_text("old")
    (workspace / "a").chmod(0o6755)
    await call("write_file", workspace, file_path="a", content="new")
    assert stat.S_IMODE((workspace / "a").stat().st_mode) == 0o755


async def test_edits_of_one_file_at_once_all_count(workspace):
    (workspace / "a").write_text("".join(f"<{number}>\n" for number in range(20)))
    edits = [
        call("edit_file", workspace, file_path="a", old_string=f"<{number}>", new_string=f"{number}!")
        for number in range(20)
    ]
    outcomes = await asyncio.gather(*edits)
    assert [outcome.content for outcome in outcomes if outcome.is_error] == []
    assert (workspace / "a").read_text() == "".join(f"{number}!\n" for number in range(20))


async def test_lines_are_those_of_an_editor(workspace):
    (workspace / "a").write_bytes(b"one\x0cstill one\r\ntwo\xc2\x85still two\rthree\xe2\x80\xa8still three")
    outcome = await call("read_file", workspace, file_path="a")
    assert outcome.details["lines"] == 3


async def test_writing_over_a_pipe_or_folder_is_refused(workspace):
    os.mkfifo(workspace / "pipe")
    assert (await call("write_file", workspace, file_path="pipe", content="x")).is_error
    assert (await call("write_file", workspace, file_path=".", content="x")).is_error


async def test_text_that_is_not_valid_is_refused_and_the_file_untouched(workspace):
    (workspace / "a").write_text("old")
    assert (await call("write_file", workspace, file_path="a", content="\ud800")).is_error
    assert (workspace / "a").read_text() == "old"


KEPT = {
    "LF": (b"one\ntwo\n", b"one\n2\n"),
    "CRLF": (b"one\r\ntwo\r\n", b"one\r\n2\r\n"),
    "BOM": (b"\xef\xbb\xbfone\ntwo\n", b"\xef\xbb\xbfone\n2\n"),
    "bytes that are no UTF-8": (b"\xff one\ntwo\n", b"\xff one\n2\n"),
    "no newline at the end": (b"one\ntwo", b"one\n2"),
}


@pytest.mark.parametrize(("before", "after"), KEPT.values(), ids=KEPT.keys())
async def test_an_edit_keeps_every_other_byte(workspace, before, after):
    (workspace / "a").write_bytes(before)
    outcome = await call("edit_file", workspace, file_path="a", old_string="two", new_string="2")
    assert not outcome.is_error
    assert (workspace / "a").read_bytes() == after


async def test_an_edit_over_several_lines_fits_windows_line_ends(workspace):
    (workspace / "a").write_bytes(b"one\r\ntwo\r\nthree\r\n")
    await call("edit_file", workspace, file_path="a", old_string="one\ntwo", new_string="1\n2")
    assert (workspace / "a").read_bytes() == b"1\r\n2\r\nthree\r\n"


NOT_EDITED = {
    "absent": ({"old_string": "nope", "new_string": "x"}, "is not in the file"),
    "twice": ({"old_string": "a", "new_string": "x"}, "there 2 times"),
    "equal": ({"old_string": "b", "new_string": "b"}, "equal"),
}


@pytest.mark.parametrize(("arguments", "why"), NOT_EDITED.values(), ids=NOT_EDITED.keys())
async def test_an_edit_that_is_not_clear_is_refused(workspace, arguments, why):
    (workspace / "a").write_text("a b a")
    outcome = await call("edit_file", workspace, file_path="a", **arguments)
    assert why in outcome.content
    assert (workspace / "a").read_text() == "a b a"


async def test_replace_all_replaces_all(workspace):
    (workspace / "a").write_text("a b a")
    outcome = await call("edit_file", workspace, file_path="a", old_string="a", new_string="c", replace_all=True)
    assert "2 places" in outcome.content
    assert (workspace / "a").read_text() == "c b c"


CONFIGURED = {
    "outside the allowed": ({"allowed_write_paths": ["src"]}, "docs/a", True),
    "a sibling with the same beginning": ({"allowed_write_paths": ["src"]}, "src-evil/a", True),
    "inside the allowed": ({"allowed_write_paths": ["src"]}, "src/a", False),
    "one named file": ({"allowed_write_paths": [], "allowed_write_files": ["docs/a"]}, "docs/a", False),
    "below one named file": ({"allowed_write_paths": [], "allowed_write_files": ["docs"]}, "docs/a", True),
    "denied wins": ({"allowed_write_paths": ["."], "denied_write_paths": ["src"]}, "src/a", True),
}


@pytest.mark.parametrize(("config", "path", "refused"), CONFIGURED.values(), ids=CONFIGURED.keys())
async def test_configured_paths_hold(workspace, config, path, refused):
    outcome = await call("write_file", workspace, config, file_path=path, content="x")
    assert outcome.is_error is refused
    assert (workspace / path).exists() is not refused


async def test_denied_reading_holds_through_a_link(workspace):
    (workspace / "secret").mkdir()
    (workspace / "secret/a").write_text("hidden")
    (workspace / "door").symlink_to("secret")
    outcome = await call("read_file", workspace, {"denied_read_paths": ["secret"]}, file_path="door/a")
    assert outcome.is_error
    assert "hidden" not in outcome.content


async def test_a_link_swapped_in_after_resolving_is_not_followed(workspace, tmp_path):
    from agent_workbench.engine.tools.files import FileRefused, read_bytes, write_bytes

    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a").write_text("secret")
    (workspace / "sub").symlink_to(outside)
    (workspace / "file").symlink_to(outside / "a")
    for path in (workspace / "sub/a", workspace / "file"):
        with pytest.raises(FileRefused):
            read_bytes(path)
        with pytest.raises(FileRefused):
            write_bytes(path, b"x")
    assert (outside / "a").read_text() == "secret"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list every folder")
async def test_a_workspace_below_a_folder_that_cannot_be_listed_works(workspace):
    workspace.parent.chmod(0o311)
    try:
        await call("write_file", workspace, file_path="a", content="x")
        assert (await call("read_file", workspace, file_path="a")).content == "     1\tx"
    finally:
        workspace.parent.chmod(0o755)


async def test_a_write_that_fails_leaves_the_old_file_and_no_other(workspace, monkeypatch):
    (workspace / "a").write_text("old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    outcome = await call("write_file", workspace, file_path="a", content="new")
    assert outcome.content == "a: No space left on device"
    assert (workspace / "a").read_text() == "old"
    assert [path.name for path in workspace.iterdir()] == ["a"]


async def test_the_guard_stops_a_path_that_was_not_approved(workspace):
    assert MODULE.create is not None
    (workspace / "a").write_text("old")

    def guard(path: Path) -> None:
        raise PermissionError("not approved")

    for tool, arguments in zip(
        MODULE.create(FilesystemConfig(), MountContext({}, workspace)),
        ({}, {"content": "x"}, {"old_string": "old", "new_string": "x"}),
        strict=True,
    ):
        with pytest.raises(PermissionError):
            await tool.run({"file_path": "a", **arguments}, ToolContext("s1", workspace, guard=guard))
    assert (workspace / "a").read_text() == "old"


async def test_a_huge_file_is_refused(workspace):
    with open(workspace / "big", "wb") as file:
        file.truncate(30_000_000)
    assert "at most" in (await call("read_file", workspace, file_path="big")).content
