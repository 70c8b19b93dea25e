"""Where new sections and entries go: no comment is parted from the line below that it is about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from itertools import pairwise

import pytest
from document_texts import Texts
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wild_texts import Wild

from agent_workbench.configs.document import Document
from agent_workbench.configs.edits import Edit
from agent_workbench.configs.problems import errors
from agent_workbench.configs.reader import read
from agent_workbench.errors import EditRefused

ADDITIONS: Mapping[str, Callable[[Document], Edit]] = {
    "bundle": lambda d: d.set_value(("bundle", "name"), "new"),
    "includes": lambda d: d.add_include("new"),
    "session": lambda d: d.set_value(("session", "permissions", "allow"), ["bash: make"]),
    "providers": lambda d: d.add_provider("provider-new"),
    "tools": lambda d: d.add_tool("tool-new", config={"a": 1}),
    "hooks": lambda d: d.add_hook("hook-new"),
    "agents": lambda d: d.add_agent("new", {"description": "new"}),
    "spawn": lambda d: d.set_value(("spawn", "tools"), ["tool-new"]),
    "others": lambda d: d.set_value(("others",), "new"),
}


def headed(text: str) -> Counter[tuple[str, str]]:
    """Count each comment line that stands directly above a line as deep as it or deeper, with how that one begins."""
    reading = read(text)
    words = [(place.start, place.end) for path, place in reading.values.items() if _is_scalar(reading.data, path)]
    found: Counter[tuple[str, str]] = Counter()
    at = 0
    for line, below in pairwise([*text.splitlines(keepends=True), ""]):
        start, at = at, at + len(line)
        indent = _indent(line)
        if start < reading.start or at >= reading.end or line[indent : indent + 1] != "#":
            continue
        inside = any(low < start + indent < high for low, high in words)
        if not inside and below.strip() and indent <= _indent(below) and not below.startswith("..."):
            found[line.rstrip(), below.strip()[:3]] += 1
    return found


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _is_scalar(data: object, path: tuple[str | int, ...]) -> bool:
    for part in path:
        if isinstance(data, dict | list):
            data = data[part] if not isinstance(data, dict) or part in data else None  # type: ignore[index]
    return not isinstance(data, dict | list)


@settings(database=None, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, max_examples=300)
@given(st.sampled_from((Texts, Wild)), st.integers(0, 2**40), st.integers(1, 7))
def test_what_is_added_goes_between_no_comment_and_the_line_below_it(
    make: type[Texts] | type[Wild], seed: int, size: int
) -> None:
    text = make(seed, size).text()
    reading = read(text)
    if errors(reading.problems):
        return
    before = headed(text)
    for name, add in ADDITIONS.items():
        if reading.data.get(name) is not None and not isinstance(reading.data[name], list):
            continue  # something else is replaced, with its lines
        try:
            after = add(Document.of(reading)).apply(text)
        except EditRefused:
            continue
        assert not before - headed(after), name


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(
            "# Answers questions.\nproviders:\n  - module: provider-mock\n",
            "# Answers questions.\nproviders:\n  - module: provider-mock\n\nsession:\n  a: 1\n",
            id="the comment that opens the file, directly over the first section: behind that",
        ),
        pytest.param(
            "# Answers questions.\n\n# Cheapest first.\nproviders: []\n",
            "# Answers questions.\n\nsession:\n  a: 1\n\n# Cheapest first.\nproviders: []\n",
            id="a description of the file apart from the comment of a section: between the two",
        ),
        pytest.param(
            "bundle:\n  name: a\n  description: b\n# Cheapest first.\nproviders: []\n",
            "bundle:\n  name: a\n  description: b\nsession:\n  a: 1\n# Cheapest first.\nproviders: []\n",
            id="a comment that touches what is above and below it: belongs to what is below",
        ),
        pytest.param(
            "bundle:\n  name: a\n  # version: 2\nproviders: []\n",
            "bundle:\n  name: a\n  # version: 2\nsession:\n  a: 1\nproviders: []\n",
            id="a comment deeper than what is below it: belongs to what is above",
        ),
        pytest.param(
            "bundle:\n  name: a\n# version: 2\n\nproviders: []\n",
            "bundle:\n  name: a\n# version: 2\n\nsession:\n  a: 1\n\nproviders: []\n",
            id="a comment that touches only what is above it: belongs to that",
        ),
        pytest.param(
            "bundle: {name: a}\n\n# --- models ---\n\n# Cheapest first.\nproviders: []\n",
            "bundle: {name: a}\n\nsession:\n  a: 1\n\n# --- models ---\n\n# Cheapest first.\nproviders: []\n",
            id="a comment that touches nothing: stays over what follows",
        ),
        pytest.param(
            "---\n# Answers questions.\nproviders: []\n---\nBe kind.\n",
            "---\n# Answers questions.\nproviders: []\n\nsession:\n  a: 1\n---\nBe kind.\n",
            id="the comment that opens the front matter",
        ),
    ],
)
def test_a_new_section_goes_before_or_behind_the_comments_around_it(before: str, after: str) -> None:
    assert Document(before).set_value(("session",), {"a": 1}).apply(before) == after
