"""Keys in words of the screen are those of the person's keymap, and are written one way."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import agent_workbench.frontends.tui as tui
from agent_workbench.frontends.tui.known_keys import known_keys
from agent_workbench.frontends.tui.widgets.footer import key_name, named
from agent_workbench.frontends.tui.widgets.tour import Tour
from agent_workbench.paths import config_dir

sys.path.insert(0, str(Path(__file__).parent))

from workbench import workbench

FOLDER = Path(tui.__file__).parent
PLACE = re.compile(r"\{([a-z_]+\.[a-z_]+)\|([^{}|]+)\}")
DOCS = sorted((Path(__file__).parents[2] / "docs").glob("*.md"))


def said(path: Path) -> Iterator[str]:
    """Yield the strings of a module that are no documentation."""
    tree = ast.parse(path.read_text("utf-8"))
    documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield node.value


@pytest.mark.parametrize(
    ("keys", "shown"),
    [
        ({}, "^n starts one"),
        ({"session.new": "alt+n,f9"}, "alt+n starts one"),
        ({"session.split": "f9"}, "^n starts one"),
    ],
    ids=["nobody has it", "moved", "another one moved"],
)
def test_a_key_in_words_is_the_first_that_works_now(keys: dict[str, str], shown: str):
    assert named("{session.new|^n} starts one", keys) == shown


def test_every_key_in_words_is_that_of_a_binding_as_it_is_at_first():
    known = known_keys()
    places = [found for path in FOLDER.rglob("*.py") for words in said(path) for found in PLACE.findall(words)]
    assert len(places) > 8
    assert [(id, shown) for id, shown in places if key_name(known[id]) != shown] == []


def test_words_of_the_screen_write_keys_as_the_footer_does():
    texts = [(path.name, words) for path in FOLDER.rglob("*.py") for words in said(path)]
    assert [one for one in texts if re.search(r"(?<!,)ctrl\+\w+ [a-z]", one[1])] == []


def test_the_guides_write_keys_out_and_never_as_the_screen_does():
    assert [(path.name, found) for path in DOCS for found in re.findall(r"`\^[a-z]`", path.read_text("utf-8"))] == []


async def test_the_tour_and_what_is_empty_name_the_keys_of_the_keymap(tmp_path: Path):
    config_dir().mkdir(parents=True, exist_ok=True)
    (config_dir() / "keymap.yaml").write_text("session.new: f10\nsession.split: alt+v\napp.end_tour: f11\n", "utf-8")
    async with workbench(tmp_path, (200, 50)) as bench:
        tour = bench.main.query_one(Tour)
        tour.begin()
        for done in ("said", "add", "save"):
            tour.did(done)
        await bench.settled()
        assert "F10    starts a session of it" in bench.shown
        assert "F10 starts one" in bench.shown
        assert "alt+v  splits" in bench.shown
        assert "alt+v opens a second session" in bench.shown
        assert "F11 ends this" in bench.shown


async def test_the_tour_leaves_whole_clauses_out_where_the_line_is_short(tmp_path: Path):
    async with workbench(tmp_path, (60, 20)) as bench:
        bench.main.query_one(Tour).begin()
        await bench.settled()
        assert "F5 starts a session  " in bench.shown
        assert "…" not in next(line for line in bench.shown.splitlines() if "ends this" in line)
