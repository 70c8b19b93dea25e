"""What the thing under a cursor names, and the parts of a text."""

from __future__ import annotations

import pytest

from agent_workbench.configs.targets import Target, parts_of, target_at

#: The cursor is where the bar stands.
NAMED = {
    "an include": ("includes:\n  - bundle: ./ba|se.yaml\n", "include", "./base.yaml"),
    "an include without its key": ("includes:\n  - foun|dation\n", "include", "foundation"),
    "an include from its key": ("includes:\n  - bun|dle: foundation\n", "include", "foundation"),
    "an include in brackets": ("includes: [foundation, ./ot|her]\n", "include", "./other"),
    "an include in quotes": ("includes:\n  - bundle: 'a b|c.yaml'\n", "include", "a bc.yaml"),
    "an agent": ("agents:\n  include:\n    - expl|orer\n", "agent", "explorer"),
    "an agent in brackets": ("agents:\n  include: [explorer, lib:wri|ter]\n", "agent", "lib:writer"),
    "an inline agent": ("agents:\n  wri|ter:\n    description: x\n", "agent", "writer"),
    "a context file": ("context:\n  include:\n    - docs/a|.md\n", "file", "docs/a.md"),
    "a context file with a name": ("context:\n  rules: docs/a|.md\n", "file", "docs/a.md"),
    "a mention": ("---\nbundle: {}\n---\nRead @docs/st|yle.md.\n", "file", "docs/style.md"),
    "a module": ("tools:\n  - module: tool-|bash\n    config: {}\n", "module", "tool-bash"),
    "a module in braces": ("tools:\n  - {module: tool-|bash, config: {}}\n", "module", "tool-bash"),
    "a slot": ("session:\n  orchestrator: loop-b|asic\n", "module", "loop-basic"),
    "a module that is left out": ("spawn:\n  exclude_tools: [tool-t|ask]\n", "module", "tool-task"),
    "a variable": ("providers:\n  - module: p\n    config:\n      api_key: ${MY_|KEY}\n", "variable", "MY_KEY"),
    "a variable with a default": ("providers:\n  - {config: {url: '${U|RL:http://x}'}}\n", "variable", "URL"),
    "a text that does not parse": ("tools: [\nincludes:\n  - bundle: ./b|.yaml\n", "include", "./b.yaml"),
}
NOTHING = {
    "a section": "to|ols:\n  - module: tool-bash\n",
    "a setting": "tools:\n  - module: tool-bash\n    config:\n      time|out: 4\n",
    "a comment": "tools:\n  # - module: tool-|bash\n",
    "an empty line": "tools:\n|\n",
    "prose": "---\nbundle: {}\n---\nWrite to kim@exam|ple.org.\n",
    "an empty text": "|",
}


def cursor(marked: str) -> tuple[str, int, int]:
    before = marked[: marked.index("|")]
    return marked.replace("|", "", 1), before.count("\n"), len(before) - before.rfind("\n") - 1


@pytest.mark.parametrize("name", NAMED)
def test_a_cursor_is_on_what_is_named_there(name: str):
    marked, kind, named = NAMED[name]
    assert target_at(*cursor(marked)) == Target(kind, named)


@pytest.mark.parametrize("name", NOTHING)
def test_a_cursor_is_on_nothing_to_go_to(name: str):
    assert target_at(*cursor(NOTHING[name])) is None


def test_the_parts_of_a_text_are_its_sections_and_what_stands_directly_in_them():
    text = (
        "# about\nbundle:\n  name: x  # here\n  description: |\n    tools:\n      - none\n\ntools:\n- module: a\n"
        "  config:\n    deep: 1\n- module: b\nhooks: []\n"
    )
    found = [(part.line, part.depth, part.words) for part in parts_of(text)]
    assert found == [
        (2, 0, "bundle:"), (3, 1, "name: x"), (4, 1, "description: |"), (8, 0, "tools:"), (9, 1, "- module: a"),
        (12, 1, "- module: b"), (13, 0, "hooks: []"),
    ]  # fmt: skip


def test_the_parts_of_markdown_are_those_of_its_front_matter_and_its_headings():
    text = "---\r\nbundle:\r\n  name: x\r\n---\r\n# Role\r\n```\r\n# no heading\r\n```\r\n## How\r\n"
    found = [(part.line, part.depth, part.words) for part in parts_of(text)]
    assert found == [(2, 0, "bundle:"), (3, 1, "name: x"), (5, 0, "# Role"), (9, 1, "## How")]


@pytest.mark.parametrize("text", ["", "---", "---\n---", "x", "- a\n- b\n", "tools: [\n"])
def test_odd_texts_have_parts_or_none(text: str):
    assert all(1 <= part.line <= text.count("\n") + 1 for part in parts_of(text))
