"""A keymap file changes keys by id, and what cannot be used is refused by name."""

from __future__ import annotations

import importlib
import os
import pkgutil

import pytest
from textual.binding import Binding

import agent_workbench.frontends.tui as tui
from agent_workbench.frontends.tui.keys import PRESETS, keymap_path, load_keymap, read_keymap
from agent_workbench.frontends.tui.known_keys import command_ids, known_keys

KNOWN = {"editor.save": "ctrl+s", "editor.find": "ctrl+f", "app.quit": "ctrl+q"}


def test_keys_are_changed_by_id():
    assert read_keymap("editor.save: f2, ctrl+x\n", KNOWN) == ({"editor.save": "f2, ctrl+x"}, ())


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("# mine\neditor.sav: f2", 2, "no binding has the id 'editor.sav' (did you mean editor.save?)"),
        ("nonsense: f2", 1, "no binding has the id 'nonsense' (F1 lists them)"),
        ("preset: vin", 1, "there is no preset 'vin'; there are vim and emacs (did you mean vim?)"),
        ("preset: [vim]", 1, "there is no preset ['vim']"),
        ("editor.save: ctrl+m", 1, "terminals cannot tell ctrl+m from enter"),
        ("editor.save: hyperspace", 1, "'hyperspace' is not a key"),
        ("editor.save: pageupp", 1, "'pageupp' is not a key (did you mean pageup?)"),
        ("editor.save: cmd+s", 1, "'cmd+s' is not a key"),
        ("\neditor.save: ctrl+f", 2, "editor.save and editor.find would both be ctrl+f"),
        ("editor.save: s", 1, "'s' would be taken from what you write (put a ctrl+ or alt+ before it)"),
        ("app.quit: Q", 1, "'Q' would be taken from what you write"),
        ("editor.save: 3", 1, "as text"),
        ("- editor.save", 1, "must map"),
        ("just words", 1, "must map"),
        ("a: [", 1, "not used at all: did not find expected node content"),
        ("editor.save: f2\neditor.save: f3", 2, "the key `editor.save` is here twice"),
        ("a: &a [*a]", 1, "not used at all"),
    ],
)
def test_what_cannot_be_used_is_named_with_its_line_and_left_out(text: str, line: int, said: str):
    keymap, problems = read_keymap(text, KNOWN, {"app.quit"})
    assert keymap == {}
    assert len(problems) == 1
    assert problems[0].line == line
    assert said in str(problems[0])


@pytest.mark.parametrize("text", ["", "\n", "# nothing yet\n", "---\n", "preset:\n"])
def test_an_empty_file_is_as_good_as_none(text: str):
    assert read_keymap(text, KNOWN) == ({}, ())


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_names_what_there_is_and_clashes_with_nothing(preset: str):
    keymap, problems = read_keymap(f"preset: {preset}\n", known_keys(), command_ids())
    assert (keymap, problems) == (dict(PRESETS[preset]), ())
    written = "".join(f"{id}: {keys}\n" for id, keys in PRESETS[preset].items())
    assert read_keymap(written, known_keys(), command_ids()) == (keymap, ())


def test_the_lines_of_the_file_win_over_the_preset():
    keymap, problems = read_keymap("preset: vim\nlist.first: k\n", known_keys(), command_ids())
    assert problems == ()
    assert keymap["list.first"] == "k"
    assert keymap["list.up"] == "up"
    assert keymap["list.down"] == PRESETS["vim"]["list.down"]


def test_a_key_that_the_preset_freed_may_be_taken():
    keymap, problems = read_keymap("preset: emacs\nsession.split: ctrl+n\n", known_keys(), command_ids())
    assert problems == ()
    assert keymap["session.split"] == "ctrl+n"
    assert "ctrl+n" not in keymap["list.down"]


def test_one_key_may_serve_two_places():
    assert read_keymap("app.quit: ctrl+s", KNOWN) == ({"app.quit": "ctrl+s"}, ())


def test_two_ids_may_swap_their_keys():
    assert read_keymap("editor.save: ctrl+f\neditor.find: ctrl+s", KNOWN)[1] == ()


def test_without_a_file_nothing_changes():
    assert load_keymap(KNOWN) == ({}, ())


@pytest.mark.parametrize("kind", ["bytes", "folder", "pipe", "huge"])
def test_a_file_that_cannot_be_read_is_a_problem_and_hangs_nothing(kind: str):
    path = keymap_path()
    path.parent.mkdir(parents=True)
    match kind:
        case "bytes":
            path.write_bytes(b"\xff")
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case _:
            path.write_bytes(b"# " + b"x" * 2_000_000)
    keymap, problems = load_keymap(KNOWN)
    assert (keymap, len(problems)) == ({}, 1)
    assert "the keymap cannot be read" in problems[0].message


def test_a_keymap_file_may_name_the_id_of_every_key_there_is():
    known = set(known_keys())
    for package in (tui.widgets, tui.screens):
        for info in pkgutil.iter_modules(package.__path__):
            module = importlib.import_module(f"{package.__name__}.{info.name}")
            for kind in vars(module).values():
                own = kind.__dict__.get("BINDINGS", ()) if isinstance(kind, type) else ()
                ids = {one.id for one in own if isinstance(one, Binding) and one.id}
                assert ids <= known, f"{kind.__name__} is missing in known_keys"
