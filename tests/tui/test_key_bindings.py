"""A keymap file changes keys by id, and what cannot be used is refused by name."""

from __future__ import annotations

import importlib
import pkgutil

import pytest
from textual.binding import Binding

import agent_workbench.frontends.tui as tui
from agent_workbench.frontends.tui.keys import keymap_path, load_keymap, read_keymap
from agent_workbench.frontends.tui.known_keys import known_keys

KNOWN = {"editor.save": "ctrl+s", "editor.find": "ctrl+f", "app.quit": "ctrl+q"}


def test_keys_are_changed_by_id():
    assert read_keymap("editor.save: f2, ctrl+x\n", KNOWN) == ({"editor.save": "f2, ctrl+x"}, ())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("editor.sav: f2", "editor.sav"),
        ("editor.save: ctrl+m", "enter"),
        ("editor.save: hyperspace", "'hyperspace' is not a key"),
        ("editor.save: cmd+s", "'cmd+s' is not a key"),
        ("editor.save: ctrl+f", "editor.save and editor.find would both be ctrl+f"),
        ("editor.save: 3", "as text"),
        ("- editor.save", "must map"),
        ("a: [", "not valid YAML"),
    ],
)
def test_what_cannot_be_used_is_named_and_left_out(text: str, said: str):
    keymap, problems = read_keymap(text, KNOWN)
    assert keymap == {}
    assert len(problems) == 1
    assert said in problems[0].message


def test_one_key_may_serve_two_places():
    assert read_keymap("app.quit: ctrl+s", KNOWN) == ({"app.quit": "ctrl+s"}, ())


def test_two_ids_may_swap_their_keys():
    assert read_keymap("editor.save: ctrl+f\neditor.find: ctrl+s", KNOWN)[1] == ()


def test_without_a_file_nothing_changes_and_an_unreadable_one_is_a_problem():
    assert load_keymap(KNOWN) == ({}, ())
    keymap_path().parent.mkdir(parents=True)
    keymap_path().write_bytes(b"\xff")
    assert len(load_keymap(KNOWN)[1]) == 1


def test_a_keymap_file_may_name_the_id_of_every_key_there_is():
    known = set(known_keys())
    for package in (tui.widgets, tui.screens):
        for info in pkgutil.iter_modules(package.__path__):
            module = importlib.import_module(f"{package.__name__}.{info.name}")
            for kind in vars(module).values():
                own = kind.__dict__.get("BINDINGS", ()) if isinstance(kind, type) else ()
                ids = {one.id for one in own if isinstance(one, Binding) and one.id}
                assert ids <= known, f"{kind.__name__} is missing in known_keys"
