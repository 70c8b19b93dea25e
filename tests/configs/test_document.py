"""The verbs of a document, by example: what is written where, which comments come along, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path as File
from typing import Any

import pytest

from agent_workbench.configs.document import Document
from agent_workbench.configs.document.splices import Splice
from agent_workbench.configs.document.work import Work
from agent_workbench.configs.edits import Edit
from agent_workbench.configs.problems import errors
from agent_workbench.configs.reader import decode, read
from agent_workbench.errors import EditRefused

ADDED = {
    "below the last entry": ("tools:\n  - module: a\n", "tools:\n  - module: a\n  - module: x\n"),
    "with dashes under the key": ("tools:\n- module: a\n", "tools:\n- module: a\n- module: x\n"),
    "with wide dashes": ("tools:\n-   module: a\n    id: b\n", "tools:\n-   module: a\n    id: b\n-   module: x\n"),
    "into an empty section": ("tools:\nhooks: []\n", "tools:\n  - module: x\nhooks: []\n"),
    "into an empty list": ("tools: [] # none\n", "tools: # none\n  - module: x\n"),
    "into an empty map": ("tools: {}\n", "tools:\n  - module: x\n"),
    "into a null": ("tools: ~\n", "tools:\n  - module: x\n"),
    "into a flow list": ("tools: [{module: a}]\n", "tools: [{module: a}, {module: x}]\n"),
    "behind a trailing comma": ("tools: [{module: a}, ]\n", "tools: [{module: a}, {module: x}, ]\n"),
    "into a flow list of many lines": (
        "tools: [\n  {module: a}, # a\n  {module: b} # b\n]\n",
        "tools: [\n  {module: a}, # a\n  {module: b}, # b\n  {module: x}\n]\n",
    ),
    "into an empty flow list with a comment": ("tools: [ # none\n  ]\n", "tools: [{module: x} # none\n  ]\n"),
    "into an empty text": ("", "tools:\n  - module: x\n"),
    "below a comment": ("# mine\n", "# mine\n\ntools:\n  - module: x\n"),
    "below a comment without a line end": ("# mine", "# mine\n\ntools:\n  - module: x"),
    "without a line end": ("a: 1\ntools: [b]", "a: 1\ntools: [b, {module: x}]"),
    "behind a byte order mark": ("\ufeffa: 1\n", "\ufeffa: 1\n\ntools:\n  - module: x\n"),
    "with CRLF": ("tools:\r\n  - module: a\r\n", "tools:\r\n  - module: a\r\n  - module: x\r\n"),
    "before the document's end mark": ("---\na: 1\n...\n", "---\na: 1\n\ntools:\n  - module: x\n...\n"),
    "into front matter": (
        "---\na: 1\nb: 2\n---\n# T\n---\n",
        "---\na: 1\nb: 2\ntools:\n  - module: x\n---\n# T\n---\n",
    ),
    "into empty front matter": ("---\n---\nbody\n", "---\ntools:\n  - module: x\n---\nbody\n"),
    "in its usual place": (
        "bundle:\n  name: n\n\n# why\nhooks:\n  - module: h\n",
        "bundle:\n  name: n\n\ntools:\n  - module: x\n\n# why\nhooks:\n  - module: h\n",
    ),
    "without blank lines where there are none": (
        "bundle: {}\nhooks: []\n",
        "bundle: {}\ntools:\n  - module: x\nhooks: []\n",
    ),
    "below the file's own comment": (
        "# file\n\nhooks: []\nspawn: {}\n",
        "# file\n\ntools:\n  - module: x\nhooks: []\nspawn: {}\n",
    ),
    "behind comments that are deeper": (
        "tools:\n  - module: a\n    # - of a\n  # - of tools\n# of hooks\nhooks: []\n",
        "tools:\n  - module: a\n    # - of a\n  # - of tools\n  - module: x\n# of hooks\nhooks: []\n",
    ),
    "before the comment that heads what follows": (
        "tools:\n- module: a\n# of hooks\nhooks: []\n",
        "tools:\n- module: a\n- module: x\n# of hooks\nhooks: []\n",
    ),
    "behind blank lines that a literal keeps": (
        "tools:\n  - t: |+\n      x\n\n\nhooks: []\n",
        "tools:\n  - t: |+\n      x\n\n\n  - module: x\nhooks: []\n",
    ),
    "behind a literal without a line end": ("tools:\n- t: |\n    x", "tools:\n- t: |-\n    x\n- module: x"),
    "into a flow document": ("{a: 1}\n", "{a: 1, tools: [{module: x}]}\n"),
    "behind a tab comment": ("tools:\n  - module: a\t# t\n", "tools:\n  - module: a\t# t\n  - module: x\n"),
}


@pytest.mark.parametrize(("before", "after"), ADDED.values(), ids=ADDED.keys())
def test_a_tool_is_added(before: str, after: str) -> None:
    document = Document(before)
    edit = document.add_tool("x")
    assert edit.apply(before) == after
    assert edit.inverse().apply(after) == before
    assert edit.summary == "add x to tools"
    assert document.apply(edit).add_tool("x").is_noop


LONG = """\
# file
bundle:
  name: x # n

# of tools
tools:
  # about a
  - module: a # aa
    config:
      x: 1
      # y!
      y: 2
    # deep in a

  # about b
  - module: b
    deep: [a, b]
"""
A = LONG[LONG.index("  # about a") : LONG.index("\n  # about b")]
B = LONG[LONG.index("  # about b") :]

DONE: dict[str, tuple[Callable[[Document], Edit], str, str]] = {
    "an entry is removed with its comments": (lambda d: d.remove_entry(("tools", 0)), A + "\n", ""),
    "the last entry is removed with the blank line before it": (lambda d: d.remove_entry(("tools", 1)), "\n" + B, ""),
    "a section is removed with its heading": (
        lambda d: d.remove_entry(("tools",)),
        LONG[LONG.index("\n# of tools") :],
        "",
    ),
    "the file's own comment stays": (lambda d: d.remove_entry(("bundle",)), "bundle:\n  name: x # n\n", ""),
    "the only entry leaves an empty map": (
        lambda d: d.remove_entry(("bundle", "name")),
        "bundle:\n  name: x # n\n",
        "bundle: {}\n",
    ),
    "the first key behind a dash": (
        lambda d: d.remove_entry(("tools", 0, "module")),
        "- module: a # aa\n    config",
        "- config",
    ),
    "an item of a flow list": (lambda d: d.remove_entry(("tools", 1, "deep", 0)), "[a, b]", "[b]"),
    "a value, its comment staying": (lambda d: d.set_value(("bundle", "name"), "y"), "name: x # n", "name: y # n"),
    "text of many lines": (
        lambda d: d.set_value(("bundle", "name"), "a\nb"),
        "name: x # n",
        "name: |- # n\n    a\n    b",
    ),
    "text that looks like something else": (lambda d: d.set_value(("bundle", "name"), "on"), "name: x", 'name: "on"'),
    "a map for a word": (lambda d: d.set_value(("bundle", "name"), {"a": 1}), "name: x # n", "name: # n\n    a: 1"),
    "a word for a map": (
        lambda d: d.set_value(("tools", 0, "config"), 5),
        "config:\n      x: 1\n      # y!\n      y: 2\n",
        "config: 5\n",
    ),
    "only what differs in a map": (
        lambda d: d.set_value(("tools", 0, "config"), {"x": 1, "y": 3, "z": None}),
        "y: 2\n",
        "y: 3\n      z: null\n",
    ),
    "only what differs in a list": (
        lambda d: d.set_value(("tools", 1, "deep"), ["a", "c", "b"]),
        "[a, b]",
        "[a, c, b]",
    ),
    "what has no parent yet": (
        lambda d: d.set_value(("session", "orchestrator", "module"), "loop"),
        "# n\n",
        "# n\n\nsession:\n  orchestrator:\n    module: loop\n",
    ),
    "a key renamed": (lambda d: d.rename_key(("tools", 0, "config", "x"), "z: w"), "x: 1", '"z: w": 1'),
    "the same module again merges": (
        lambda d: d.add_tool("b", config={"deep": True}),
        "deep: [a, b]\n",
        "deep: [a, b]\n    config:\n      deep: true\n",
    ),
    "a config merged by key": (lambda d: d.merge_entry("tools", "a", {"y": 9}), "y: 2", "y: 9"),
    "an entry moved with its comments": (lambda d: d.move_entry(("tools", 1), 0), f"{A}\n{B}", f"{B}\n{A}"),
    "an entry commented out": (
        lambda d: d.comment_out(("tools", 1)),
        "- module: b\n    deep: [a, b]",
        "# - module: b\n  #   deep: [a, b]",
    ),
    "a hook": (lambda d: d.add_hook("h"), "deep: [a, b]\n", "deep: [a, b]\n\nhooks:\n  - module: h\n"),
    "an include": (lambda d: d.add_include("foundation"), "# n\n", "# n\n\nincludes:\n  - bundle: foundation\n"),
    "an agent of its own file": (
        lambda d: d.add_agent("ns:scout"),
        "deep: [a, b]\n",
        "deep: [a, b]\n\nagents:\n  include:\n    - ns:scout\n",
    ),
    "an agent written inline": (
        lambda d: d.add_agent("scout", {"description": "d"}),
        "deep: [a, b]\n",
        "deep: [a, b]\n\nagents:\n  scout:\n    description: d\n",
    ),
    "a known entry is left alone": (lambda d: d.set_value(("tools", 1), d.data["tools"][1]), "# file", "# file"),
    "the same key is left alone": (lambda d: d.rename_key(("bundle",), "bundle"), "# file", "# file"),
    "the same place is left alone": (lambda d: d.move_entry(("tools", 1), 1), "# file", "# file"),
    "the item behind the last": (lambda d: d.set_value(("tools", 1, "deep", 2), "c"), "[a, b]", "[a, b, c]"),
    "everything at once": (
        lambda d: d.set_value((), {**d.data, "bundle": {"name": "z"}, "spawn": None}),
        LONG,
        LONG.replace("name: x", "name: z") + "\nspawn: null\n",
    ),
    "a date and a number that is none": (
        lambda d: d.set_value(("bundle", "name"), [datetime(2024, 1, 2, 3, 4), float("nan"), "2024-13-45", "9" * 500]),
        "name: x # n",
        f'name: # n\n    - 2024-01-02 03:04:00\n    - .nan\n    - "2024-13-45"\n    - "{"9" * 500}"',
    ),
    "lists of a config are joined": (
        lambda d: d.add_tool("b", config=None) if d.data["tools"][1].get("config") else d.merge_entry("tools", "b", {}),
        "deep: [a, b]\n",
        "deep: [a, b]\n    config: {}\n",
    ),
    "a section": (
        lambda d: d.add_section("spawn", {"tools": ["a"]}),
        "deep: [a, b]\n",
        "deep: [a, b]\n\nspawn:\n  tools:\n    - a\n",
    ),
}


@pytest.mark.parametrize(("verb", "old", "new"), DONE.values(), ids=DONE.keys())
def test_a_verb_writes(verb: Callable[[Document], Edit], old: str, new: str) -> None:
    assert LONG.count(old) == 1
    edit = verb(Document(LONG))
    assert edit.apply(LONG) == LONG.replace(old, new)
    assert edit.summary


CHANGED: dict[str, tuple[str, Callable[[Document], Edit], str]] = {
    "the comment behind a literal's mark stays": ("t: | # c\n  x\n", lambda d: d.set_value(("t",), "y"), "t: y # c\n"),
    "a literal is written anew": ("t: |\n  x\n", lambda d: d.set_value(("t",), "a\nb\n"), "t: |\n  a\n  b\n"),
    "quotes stay quotes": ("t: 'x'\n", lambda d: d.set_value(("t",), "y"), "t: 'y'\n"),
    "an alignment stays": ("t:     x\n", lambda d: d.set_value(("t",), 1), "t:     1\n"),
    "an anchor nobody uses stays": ("t: &a x\n", lambda d: d.set_value(("t",), "y"), "t: &a y\n"),
    "a tag goes": ("t: !!str 1\n", lambda d: d.set_value(("t",), 2), "t: 2\n"),
    "an alias is written out": ("a: &a x\nb: *a\n", lambda d: d.set_value(("b",), "y"), "a: &a x\nb: y\n"),
    "an item becomes a map": ("a:\n  - x # c\n", lambda d: d.set_value(("a", 0), {"k": 1}), "a:\n  - k: 1 # c\n"),
    "a map behind a dash becomes a word": (
        "a:\n  - k: 1 # c\n", lambda d: d.set_value(("a", 0), "x"), "a:\n  - x # c\n",
    ),
    "a flow list stays in flow": ("a: [x]\n", lambda d: d.set_value(("a",), {"k": [1]}), "a: {k: [1]}\n"),
    "a value in flow": ("a: {b: , c: x}\n", lambda d: d.set_value(("a", "b"), "q, r"), 'a: {b: "q, r" , c: x}\n'),
    "a list from its first item": ("a: 1\n", lambda d: d.set_value(("b", 0), "x"), "a: 1\n\nb:\n  - x\n"),
    "the last of a flow list, not the comment before it": (
        "a: [x, # of x\n  y]\n", lambda d: d.remove_entry(("a", 1)), "a: [x, # of x\n  ]\n",
    ),
    "the last of a flow list": ("a: [x, y ]\n", lambda d: d.remove_entry(("a", 1)), "a: [x ]\n"),
    "the only one of a flow list": ("a: [ x, ]\n", lambda d: d.remove_entry(("a", 0)), "a: [  ]\n"),
    "a line of a flow list": (
        "a: [\n  x, # of x\n  y\n]\n", lambda d: d.remove_entry(("a", 0)), "a: [\n  y\n]\n",
    ),
    "a flow list that closes on its last line": (
        "a: [x,\n  y]\n", lambda d: d.append_entry("a", "z"), "a: [x,\n  y, z]\n",
    ),
    "the only item behind a dash": ("a:\n  - - x\n", lambda d: d.remove_entry(("a", 0, 0)), "a:\n  - []\n"),
    "a key with a comment between": (
        "a:\n  - k: 1 # k\n    # of l\n    l: 2\n", lambda d: d.remove_entry(("a", 0, "k")),
        "a:\n  - \n    # of l\n    l: 2\n",
    ),
    "the last line without its end": ("a: 1\nb: 2", lambda d: d.remove_entry(("b",)), "a: 1"),
    "the only section": ("a: 1\n", lambda d: d.remove_entry(("a",)), ""),
    "one blank line of two": ("a: 1\n\nb: 2\n\nc: 3\n", lambda d: d.remove_entry(("b",)), "a: 1\n\nc: 3\n"),
    "wide dashes stay wide": (
        "a:\n-   k: 1\n", lambda d: d.append_entry("a", {"k": 2}), "a:\n-   k: 1\n-   k: 2\n",
    ),
    "a moved key takes its comment": (
        "# of a file\n\n# of a\na: 1\n\n# of b\nb: 2\n", lambda d: d.move_entry(("b",), 0),
        "# of a file\n\n# of b\nb: 2\n\n# of a\na: 1\n",
    ),
    "items moved in flow": ("a: [x, y, z]\n", lambda d: d.move_entry(("a", 2), 0), "a: [z, x, y]\n"),
    "a flow item on its own line": (
        "a: [\n  x,\n  y\n]\n", lambda d: d.comment_out(("a", 0)), "a: [\n  # x,\n  y\n]\n",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("before", "verb", "after"), CHANGED.values(), ids=CHANGED.keys())
def test_a_change_keeps_what_it_is_not_about(before: str, verb: Callable[[Document], Edit], after: str) -> None:
    assert verb(Document(before)).apply(before) == after
    windows = before.replace("\n", "\r\n")
    assert verb(Document(windows)).apply(windows).replace("\r\n", "\n") == after


def test_comments_become_entries_of_what_stands_above_them() -> None:
    for text, data in {
        "a:\n#   - b\n#   - c\n": {"a": ["b", "c"]},
        "a:\n  - b\n  # - c\n": {"a": ["b", "c"]},
        "a:\n  # b: 1\n  c: 2\n": {"a": {"b": 1, "c": 2}},
        "# a:\n# - b\n# and words\n": {"a": ["b"]},
    }.items():
        document = Document(text)
        line = next(n for n, words in enumerate(text.split("\n"), 1) if "#" in words)
        assert document.apply(document.uncomment(line)).data == data


def test_lists_are_joined_and_agents_come_once() -> None:
    text = "tools:\n  - module: a\n    config: {dirs: [x, y]}\nagents:\n  include: [n]\n"
    document = Document.of(read(text))
    assert document.add_tool("a", config={"dirs": ["y", "z"]}).apply(text) == text.replace("[x, y]", "[x, y, z]")
    assert document.add_agent("n").is_noop


def test_an_item_goes_before_the_first_also_where_that_stands_behind_a_dash() -> None:
    text = "a:\n  - - x\n    - y\n"
    assert Document(text).set_value(("a", 0), ["n", "x", "y"]).apply(text) == "a:\n  - - n\n    - x\n    - y\n"


def test_the_style_shows_early_in_a_long_document() -> None:
    text = "tools:\n" + "".join(f"-   module: m{n}\n    config:\n        n: {n}\n" for n in range(200))
    edit = Document(text).add_hook("h", config={"a": {"b": 1}})
    assert edit.new == "\n\nhooks:\n-   module: h\n    config:\n        a:\n            b: 1"


def test_a_plan_that_breaks_the_law_is_refused_whatever_made_it() -> None:
    text = "---\na: 1\n---\nbody\n"
    work = Work(read(text))
    with pytest.raises(EditRefused, match="markdown below"):
        work.do([[Splice(0, 0, "---\na: 1\n---\n")]], {"a": 1})
    with pytest.raises(EditRefused, match="no way"):
        work.do([], {"a": 1})
    assert work.edit("nothing").is_noop


def test_what_was_commented_out_comes_back_byte_by_byte() -> None:
    for path in (("tools", 0), ("tools", 1), ("tools",), ("bundle", "name"), ("tools", 0, "config", "x")):
        hidden = Document(LONG).apply(Document(LONG).comment_out(path))
        line = next(
            n
            for n, (old, new) in enumerate(zip(LONG.split("\n"), hidden.text.split("\n"), strict=True), 1)
            if old != new
        )
        assert hidden.apply(hidden.uncomment(line)).text == LONG


def test_an_include_takes_the_form_of_the_others_and_comes_once() -> None:
    bare = Document("includes:\n  - one\n")
    assert bare.add_include("two").apply(bare.text) == "includes:\n  - one\n  - two\n"
    assert bare.add_include("one").is_noop
    assert Document("includes:\n  - bundle: one\n").add_include("one").is_noop


def test_an_entry_is_known_by_its_id_before_its_module() -> None:
    text = "providers:\n  - module: p\n    id: fast\n"
    document = Document(text)
    assert document.add_provider("p", id="fast", config={"a": 1}).apply(text) == text + "    config:\n      a: 1\n"
    assert document.add_provider("p").apply(text) == text + "  - module: p\n"
    bare = "tools:\n  - x\n"
    assert Document(bare).add_tool("x").is_noop
    assert (
        Document(bare).add_tool("x", config={"a": 1}).apply(bare) == "tools:\n  - module: x\n    config:\n      a: 1\n"
    )


REFUSED: dict[str, tuple[str, Callable[[Document], Edit], str]] = {
    "a text with an error": ("a: [\n", lambda d: d.add_tool("x"), "has an error"),
    "an alias": ("a: &t [b]\ntools: *t\n", lambda d: d.append_entry("tools", "x"), r"alias `\*t`"),
    "a place behind an alias": ("a: &t {b: 1}\nc: *t\n", lambda d: d.set_value(("c", "b"), 2), "line 2"),
    "an anchor that is used": ("a: &t [b]\nc: *t\n", lambda d: d.append_entry("a", "x"), "shared through an alias"),
    "an inherited key": ("a: &t {b: 1}\nc:\n  <<: *t\n", lambda d: d.remove_entry(("c", "b")), "merge key"),
    "what is not there": ("a: 1\n", lambda d: d.remove_entry(("b",)), "`b` is not in the document"),
    "everything": ("a: 1\n", lambda d: d.remove_entry(()), "not in the document"),
    "a key that is taken": ("a: 1\nb: 2\n", lambda d: d.rename_key(("a",), "b"), "`b` already"),
    "the key of an item": ("a: [b]\n", lambda d: d.rename_key(("a", 0), "b"), "no key"),
    "no such place": ("a: [b]\n", lambda d: d.move_entry(("a", 0), 3), "no place 3"),
    "a section that is there": ("tools: [a]\n", lambda d: d.add_section("tools", []), "already"),
    "a word instead of a list": ("tools: x\n", lambda d: d.add_tool("y"), "not a list"),
    "a path through a word": ("a: x\n", lambda d: d.set_value(("a", "b"), 1), "cannot hold"),
    "half a surrogate pair": ("a: x\n", lambda d: d.set_value(("a",), "\ud800"), "surrogate"),
    "bytes": ("a: x\n", lambda d: d.set_value(("a",), b"x"), "bytes"),
    "a number as key": ("a: x\n", lambda d: d.set_value(("a",), {1: 2}), "not text"),
    "an endless value": ("a: x\n", lambda d: d.set_value(("a",), _nested(200)), "levels"),
    "a list on top": ("a: x\n", lambda d: d.set_value((), [1]), "top level"),
    "a line that is no comment": ("a: x\n", lambda d: d.uncomment(1), "not a comment"),
    "a comment that would change another value": ("a: x\n#   b\n", lambda d: d.uncomment(2), "change too"),
    "a comment with two keys": ("a: {b: 1}\n#   c: 1\n", lambda d: d.uncomment(2), "error|change"),
    "an item of an inherited list": (
        "a: &t {b: [1]}\nc:\n  <<: *t\n",
        lambda d: d.set_value(("c", "b", 0), 2),
        "merge key",
    ),
    "words that are no entry": ("# just words\na: x\n", lambda d: d.uncomment(1), "error"),
    "an entry that shares its line": ("a: [b, c]\n", lambda d: d.comment_out(("a", 0)), "other things"),
}


def _nested(depth: int) -> Any:
    return [_nested(depth - 1)] if depth else 1


@pytest.mark.parametrize(("text", "verb", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_an_edit_is_refused_with_its_reason(text: str, verb: Callable[[Document], Edit], words: str) -> None:
    with pytest.raises(EditRefused, match=words):
        verb(Document(text))


def test_a_key_inherited_by_a_merge_is_overridden_in_the_map_itself() -> None:
    text = "a: &t {b: 1}\nc:\n  <<: *t\n"
    assert Document(text).set_value(("c", "b"), 2).apply(text) == text + "  b: 2\n"


@pytest.fixture(scope="module")
def files(corpus: File) -> list[tuple[str, Document]]:
    samples = File(__file__).resolve().parents[2] / "sample_configs"
    found = [
        file for folder in (corpus, samples) for file in sorted(folder.rglob("*")) if file.suffix in (".md", ".yaml")
    ]
    return [(file.name, Document(decode(file.read_bytes()), source=file.name)) for file in found]


def paths(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    pairs = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [found for key, value in pairs for found in [(*path, key), *paths(value, (*path, key))]]


def test_adding_to_every_real_file_is_an_insertion_and_never_refused(files: list[tuple[str, Document]]) -> None:
    config = {"a": 1, "b": ["x", "yes"], "c": "two\nlines\n"}
    for name, document in files:
        for edit in (
            document.add_tool("tool-new", source="git+https://x/y@main", config=config),
            document.add_provider("provider-new", config=config),
            document.add_include("foundation:new"),
            document.add_hook("hooks-new"),
            document.add_agent("ns:new"),
        ):
            assert edit.old == "" or document.text[: edit.start].endswith((":", "]", "}")), (name, edit)
            after = document.apply(edit)
            assert not errors(after.reading.problems)
            assert after.reading.body == document.reading.body or not document.reading.root


def test_every_verb_holds_for_every_entry_of_every_real_file(files: list[tuple[str, Document]]) -> None:
    edits = 0
    for name, document in files:
        for path in paths(document.data):
            for verb in (
                lambda d, p: d.set_value(p, "new: value"),
                lambda d, p: d.set_value(p, {"x": [1, {"y": None}]}),
                lambda d, p: d.remove_entry(p),
                lambda d, p: d.move_entry(p, 0),
                lambda d, p: d.rename_key(p, "renamed") if isinstance(p[-1], str) else Edit(0, "", ""),
            ):
                edit = verb(document, path)
                assert document.text[edit.start : edit.end] == edit.old, (name, path)
                edits += 1
    assert edits > 4_000
