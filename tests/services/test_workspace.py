"""Files of a session's folder: what is offered, and what is sent along."""

import base64
import os
from pathlib import Path
from time import monotonic

import pytest

from agent_workbench.conversation.messages import Image, Text
from agent_workbench.services.workspace import MOST_TEXT, gather, list_files

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 20


def make(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")


def test_files_come_nearest_first_without_what_others_made(tmp_path: Path):
    make(tmp_path, "b.txt", "a/deep/one.py", "a/two.py", ".git/config", "node_modules/x.js", "a/__pycache__/y.pyc")
    assert list_files(tmp_path) == ["b.txt", "a/two.py", "a/deep/one.py"]


@pytest.mark.parametrize(
    ("ignore", "kept"),
    [
        ("*.log", ["a.py", "build/out.o", "src/build/x.py"]),
        ("build/", ["a.log", "a.py", "src/b.log"]),
        ("/build", ["a.log", "a.py", "src/b.log", "src/build/x.py"]),
        ("*.log\n!b.log", ["a.py", "build/out.o", "src/b.log", "src/build/x.py"]),
        ("src/**", ["a.log", "a.py", "build/out.o"]),
        ("# a.py\n\n", ["a.log", "a.py", "build/out.o", "src/b.log", "src/build/x.py"]),
    ],
)
def test_what_gitignore_names_is_not_offered(tmp_path: Path, ignore: str, kept: list[str]):
    make(tmp_path, "a.py", "a.log", "build/out.o", "src/b.log", "src/build/x.py")
    (tmp_path / ".gitignore").write_text(ignore)
    assert sorted(set(list_files(tmp_path)) - {".gitignore"}) == kept


def test_links_and_names_that_cannot_be_printed_are_not_offered(tmp_path: Path):
    make(tmp_path, "ok.txt", "bad\x1bname")
    (tmp_path / "link").symlink_to("/etc/passwd")
    (tmp_path / "loop").symlink_to(tmp_path)
    assert list_files(tmp_path) == ["ok.txt"]


def test_a_walk_ends_at_its_limit(tmp_path: Path):
    make(tmp_path, *(f"{n}.txt" for n in range(20)))
    assert len(list_files(tmp_path, most=5)) == 5


def test_named_files_go_along_and_the_words_stay_as_they_were(tmp_path: Path):
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "a b.png").write_bytes(PNG)
    said = gather('read @notes.txt, look at @"a b.png" and ask @nobody', tmp_path)
    words, file, picture = said.message.parts
    assert words == Text('read @notes.txt, look at @"a b.png" and ask @nobody')
    assert isinstance(file, Text)
    assert '<file path="notes.txt">\nhello\n</file>' in file.text
    assert picture == Image("image/png", base64.b64encode(PNG).decode(), "a b.png")
    assert said.left_out == ()


def test_a_picture_goes_along_by_its_path_alone(tmp_path: Path):
    (tmp_path / "shot.png").write_bytes(PNG)
    (tmp_path / "secret.txt").write_text("no")
    said = gather(f"{tmp_path}/shot.png what is this? {tmp_path}/secret.txt", tmp_path / "elsewhere")
    assert [type(part) for part in said.message.parts] == [Text, Image]


def test_a_picture_goes_along_as_the_file_address_that_a_terminal_pastes(tmp_path: Path):
    (tmp_path / "a shot.png").write_bytes(PNG)
    address = f"file://{tmp_path}/a%20shot.png"
    said = gather(f"look: {address} and file://elsewhere{tmp_path}/a%20shot.png", tmp_path / "elsewhere")
    assert [type(part) for part in said.message.parts] == [Text, Image]
    assert said.message.text.startswith(f"look: {address}")


def test_a_picture_that_stands_in_the_text_as_data_becomes_a_word_and_goes_along(tmp_path: Path):
    data = base64.b64encode(PNG).decode()
    said = gather(f"what is data:image/png;base64,{data} here?", tmp_path)
    assert said.message.parts == (Text("what is [pasted 1] here?"), Image("image/png", data, "pasted 1"))


@pytest.mark.parametrize("data", ["bm90IGEgcGljdHVyZSBhdCBhbGw=", "abc", "AAAAAAAAAAAAAAAAA", "!!!!" * 9])
def test_data_that_is_no_picture_stays_as_it_was_written(tmp_path: Path, data: str):
    text = f"what is data:image/png;base64,{data} here?"
    assert gather(text, tmp_path).message.parts == (Text(text),)


@pytest.mark.parametrize("name", ["../outside.txt", "/etc/passwd", "link"])
def test_nothing_outside_the_folder_goes_along_by_name(tmp_path: Path, name: str):
    folder = tmp_path / "work"
    folder.mkdir()
    (tmp_path / "outside.txt").write_text("secret")
    (folder / "link").symlink_to(tmp_path / "outside.txt")
    assert len(gather(f"read @{name}", folder).message.parts) == 1


def test_what_cannot_go_along_is_said(tmp_path: Path):
    (tmp_path / "big.txt").write_text("x" * (MOST_TEXT + 1))
    (tmp_path / "program").write_bytes(b"\x7fELF\xff\xfe")
    said = gather("@big.txt @program", tmp_path)
    assert len(said.message.parts) == 1
    assert [line.split(":")[0] for line in said.left_out] == [
        "big.txt is not sent along",
        "program is not sent along",
    ]


def test_a_walk_ends_in_time_whatever_is_to_be_ignored(tmp_path: Path):
    (tmp_path / ".gitignore").write_text("".join(f"*{n}*x*y*z\n" for n in range(7_000)))
    for name in range(1_000):
        (tmp_path / f"file{name}").touch()
    began = monotonic()
    list_files(tmp_path, seconds=0.2)
    assert monotonic() - began < 3


def test_a_folder_of_more_files_than_are_offered_is_not_read_to_its_end(tmp_path: Path):
    for name in range(300):
        (tmp_path / f"file{name:03}").touch()
    (tmp_path / "sub").mkdir()
    assert len(list_files(tmp_path, most=100)) == 100


def test_what_is_no_regular_file_is_not_offered(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "system").symlink_to("/proc")
    (tmp_path / "file").touch()
    assert list_files(tmp_path) == ["file"]
