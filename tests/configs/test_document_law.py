"""The law of edits over generated documents: the data is exactly what was meant, or nothing happened.

The meaning is worked out here with PyYAML and plain Python, not with the code under test.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from document_texts import Texts, damaged
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent_workbench.configs.document import Document
from agent_workbench.configs.edits import Edit
from agent_workbench.configs.problems import errors
from agent_workbench.configs.reader import read
from agent_workbench.errors import EditRefused

VALUES: tuple[Any, ...] = (
    "word", "on", "010", "two\nlines", "end\n", "a: b", "# no", " x ", "", "日本 \u2028", "\x07", "'\"\\", "- x", "~",
    "x\n\n", " lead\nline", "tab\there", "a\r\nb", "2024-01-01", "=", "<<", "@ns:path", "{x", "1e5", "[", "!t", "a,b",
    True, None, 0, -12, 1.5, 1e20, float("inf"), {}, [], ["x", ["y"], {"z": 1}], {"a": {"b": [1, "no"]}, "c: d": "é"},
    {"text": "one\ntwo\n", "list": [{"deep": "a\nb"}]},
)  # fmt: skip


def meaning(text: str) -> Any:
    reading = read(text)
    return apart(yaml.load(text[reading.start : reading.end], Loader=yaml.CSafeLoader) or {})


def apart(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: apart(value) for key, value in data.items()}
    return [apart(item) for item in data] if isinstance(data, list) else data


def exact(data: Any) -> str:
    return json.dumps(data, sort_keys=True, default=repr)


def paths(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    pairs = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [found for key, value in pairs for found in [(*path, key), *paths(value, (*path, key))]]


def at(data: Any, path: tuple[Any, ...]) -> Any:
    for part in path:
        data = data[part]
    return data


def merge(old: Any, new: Any) -> Any:
    if isinstance(old, dict) and isinstance(new, dict):
        return {**old, **{key: merge(old[key], value) if key in old else value for key, value in new.items()}}
    if isinstance(old, list) and isinstance(new, list):
        known = {exact(item) for item in old}
        return old + [item for item in new if exact(item) not in known]
    return new


Verb = Callable[[Document, Any, random.Random], tuple[Edit, Any]]


def _add_module(verb: str, section: str) -> Verb:
    def add(document: Document, data: Any, chance: random.Random) -> tuple[Edit, Any]:
        module, config = f"tool-{chance.choice('abxy')}", {"k": chance.choice(VALUES), "l": ["new"]}
        edit = getattr(document, verb)(module, source="./here", config=config)
        entries = data.get(section) or []
        entry = {"module": module, "source": "./here", "config": config}
        for index, known in enumerate(entries):
            key = known.get("id") or known.get("module") if isinstance(known, dict) else known
            if key == module:
                mine = entry if not isinstance(known, dict) or known["module"] == module else {**entry, "module": None}
                mine = {name: value for name, value in mine.items() if value is not None}
                entries[index] = merge(known, mine)
                return edit, data
        data[section] = [*entries, entry]
        return edit, data

    return add


def _add_include(document: Document, data: Any, chance: random.Random) -> tuple[Edit, Any]:
    edit = document.add_include("foundation:new")
    entries = data.get("includes") or []
    bare = bool(entries) and all(isinstance(item, str) for item in entries)
    data["includes"] = [*entries, "foundation:new" if bare else {"bundle": "foundation:new"}]
    return edit, data


def _set(document: Document, data: Any, chance: random.Random) -> tuple[Edit, Any]:
    known = paths(data)
    path = chance.choice(known) if known else ("new",)
    value = chance.choice(VALUES)
    if not path[:-1] or chance.random() < 0.8:
        edit = document.set_value(path, value)
    else:
        path = (*path[:-1], "fresh") if isinstance(at(data, path[:-1]), dict) else path
        edit = document.set_value(path, value)
    at(data, path[:-1])[path[-1]] = value
    return edit, data


def _set_grown(document: Document, data: Any, chance: random.Random) -> tuple[Edit, Any]:
    """A form gives a whole map or list back, with some of it changed."""
    known = [path for path in paths(data) if isinstance(at(data, path), dict | list) and at(data, path)]
    if not known:
        return Edit(0, "", ""), data
    path = chance.choice(known)
    value = apart(at(data, path))
    for _ in range(chance.randint(1, 3)):
        if isinstance(value, list):
            index = chance.randint(0, len(value))
            value[index : index + chance.randint(0, 1)] = [chance.choice(VALUES)][: chance.randint(0, 1)]
        elif value and chance.random() < 0.5:
            value.pop(chance.choice(list(value)))
        else:
            value[chance.choice(("a", "b", "config", "fresh"))] = chance.choice(VALUES)
    edit = document.set_value(path, value)
    at(data, path[:-1])[path[-1]] = value
    return edit, data


def _append(document: Document, data: Any, chance: random.Random) -> tuple[Edit, Any]:
    known = [path for path in paths(data) if isinstance(at(data, path), list)]
    path = chance.choice(known) if known else ("tools",)
    value = chance.choice(VALUES)
    if not known:
        data["tools"] = data.get("tools") or []
        if not isinstance(data["tools"], list):
            return Edit(0, "", ""), meaning(document.text)
    edit = document.append_entry(path, value)
    at(data, path).append(value)
    return edit, data


def _remove(document: Document, data: Any, chance: random.Random) -> tuple[Edit, Any]:
    known = paths(data)
    if not known:
        return Edit(0, "", ""), data
    path = chance.choice(known)
    edit = document.remove_entry(path)
    del at(data, path[:-1])[path[-1]]
    return edit, data


def _rename(document: Document, data: Any, chance: random.Random) -> tuple[Edit, Any]:
    known = [path for path in paths(data) if isinstance(path[-1], str)]
    if not known:
        return Edit(0, "", ""), data
    path, new = chance.choice(known), chance.choice(("fresh", "on", "a: b", "ü", "1", "x\ny"))
    edit = document.rename_key(path, new)
    parent = at(data, path[:-1])
    parent[new] = parent.pop(path[-1])
    return edit, data


def _move(document: Document, data: Any, chance: random.Random) -> tuple[Edit, Any]:
    known = [path for path in paths(data) if isinstance(path[-1], int)]
    if not known:
        return Edit(0, "", ""), data
    path = chance.choice(known)
    parent = at(data, path[:-1])
    index = chance.randrange(len(parent))
    edit = document.move_entry(path, index)
    parent.insert(index, parent.pop(path[-1]))
    return edit, data


def _move_key(document: Document, data: Any, chance: random.Random) -> tuple[Edit, Any]:
    known = [path for path in paths(data) if isinstance(path[-1], str)]
    return (document.move_entry(chance.choice(known), 0) if known else Edit(0, "", "")), data


def _add_section(document: Document, data: Any, chance: random.Random) -> tuple[Edit, Any]:
    value = chance.choice([value for value in VALUES if isinstance(value, dict | list)])
    name = chance.choice(("spawn", "session", "fresh", "includes"))
    if data.get(name):
        return Edit(0, "", ""), data
    edit = document.add_section(name, value)
    data[name] = value
    return edit, data


VERBS: dict[str, Verb] = {
    "add_tool": _add_module("add_tool", "tools"),
    "add_provider": _add_module("add_provider", "providers"),
    "add_hook": _add_module("add_hook", "hooks"),
    "add_include": _add_include,
    "set_value": _set,
    "set_value of a whole": _set_grown,
    "append_entry": _append,
    "remove_entry": _remove,
    "rename_key": _rename,
    "move_entry": _move,
    "move_entry of a map": _move_key,
    "add_section": _add_section,
}
KEEPS_EVERY_COMMENT = {"append_entry", "rename_key", "move_entry", "move_entry of a map", "add_section", "add_include"}


def obeys(text: str, name: str, chance: random.Random, *, remarked: bool = True) -> bool:
    """Do one edit of one document and hold it against the law; `remarked` if its comments are numbered.

    False where the edit was refused.
    """
    document = Document(text)
    before = meaning(text)
    try:
        edit, meant = VERBS[name](document, before, chance)
    except EditRefused:
        assert document.text == text
        return False
    after = edit.apply(text)
    assert exact(meaning(after)) == exact(meant), f"{name}: {edit}\n{text}"
    reading = read(after)
    assert not errors(reading.problems)
    assert reading.body == document.reading.body
    assert after.startswith("\ufeff") == text.startswith("\ufeff")
    assert edit.inverse().apply(after) == text
    if "\r\n" in text and not re.search(r"(?<!\r)\n", text):
        assert not re.search(r"(?<!\r)\n", after), edit
    if remarked and name in KEEPS_EVERY_COMMENT:
        assert sorted(re.findall(r"#.?.?c\d+", after)) == sorted(re.findall(r"#.?.?c\d+", text)), (
            f"{name}: {edit}\n{text}"
        )
    return True


def run(seed: int, size: int, edits: int) -> None:
    text = Texts(seed, size).text()
    if errors(read(text).problems):
        return
    chance = random.Random(seed)
    for name in chance.sample(list(VERBS), edits):
        obeys(text, name, chance)


quiet = settings(database=None, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


@settings(quiet, max_examples=1_800)
@given(st.integers(0, 2**40), st.integers(1, 9))
def test_every_edit_of_any_document_is_exactly_what_was_meant_or_refused(seed: int, size: int) -> None:
    run(seed, size, edits=4)


@settings(quiet, max_examples=1_200)
@given(st.integers(0, 2**40), st.integers(1, 6))
def test_a_damaged_text_reads_as_pyyaml_reads_it_and_its_edits_obey_too(seed: int, size: int) -> None:
    text = damaged(seed, size)
    reading = read(text)
    wrong = errors(reading.problems)
    try:
        known = yaml.load(text[reading.start : reading.end], Loader=yaml.CSafeLoader) or {}
    except (yaml.YAMLError, ValueError, TypeError, UnicodeError):
        assert wrong
        return
    if wrong:
        assert wrong[0].code != "yaml-syntax"
        assert wrong[0].line
        with pytest.raises(EditRefused):
            Document(text).add_tool("x")
        return
    assert exact(reading.data) == exact(known)
    chance = random.Random(seed)
    for name in chance.sample(list(VERBS), 2):
        obeys(text, name, chance, remarked=False)


def alike(one: Any, other: Any) -> bool:
    """Compare, taking a section of which all is commented out for an empty one."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    return (one in (None, [], {}) and other in (None, [], {})) or exact(one) == exact(other)


@settings(quiet, max_examples=400)
@given(st.integers(0, 2**40), st.integers(1, 9))
def test_what_is_commented_out_comes_back_as_it_was(seed: int, size: int) -> None:
    text = Texts(seed, size).text()
    document = Document(text)
    known = [] if errors(document.reading.problems) else paths(meaning(text))
    for path in random.Random(seed).sample(known, min(3, len(known))):
        try:
            edit = document.comment_out(path)
        except EditRefused:
            continue
        meant = meaning(text)
        del at(meant, path[:-1])[path[-1]]
        hidden = document.apply(edit)
        assert alike(meaning(hidden.text), meant)
        line = text.count("\n", 0, edit.start) + 1
        try:
            back = hidden.uncomment(line)
        except EditRefused:
            continue
        assert exact(meaning(back.apply(hidden.text))) == exact(meaning(text))


@pytest.mark.parametrize("name", ["add_tool", "add_provider", "add_include"])
def test_additions_to_ordinary_documents_are_seldom_refused(name: str) -> None:
    texts = [text for seed in range(150) if not errors(read(text := Texts(seed, 1 + seed % 9).text()).problems)]
    made = [obeys(text, name, random.Random(number)) for number, text in enumerate(texts)]
    assert len(made) > 100
    assert made.count(False) < len(made) / 10


@pytest.mark.slow
@pytest.mark.timeout(0)  # four minutes on an idle machine
@settings(quiet, max_examples=12_000)
@given(st.integers(0, 2**60), st.integers(1, 11))
def test_a_hundred_thousand_edits_obey_the_law(seed: int, size: int) -> None:
    run(seed, size, edits=9)
