"""Completion and help know where a cursor stands, also in a text that does not parse."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_workbench.configs.complete import completions, describe, help_at
from agent_workbench.configs.known import Known
from agent_workbench.configs.modules import Module, ModuleConfig, catalog
from agent_workbench.configs.place import place_at


class Web(ModuleConfig):
    timeout: int = 10
    """Seconds to wait."""
    engine: Literal["duck", "brave"] | None = None
    """Which search engine."""
    domains: list[str] = []
    """Hosts that may be read."""
    follow: bool = True
    hear: dict[Literal["start", "stop"], str] = {}


KNOWN = catalog(
    [
        Module("tool-web", "tool", "fetch pages", Web, tools=("web_fetch",)),
        Module("tool-bash", "tool", "run commands"),
        Module("provider-mock", "provider", "offline"),
        Module("tool-task", "tool", "hand work on"),
        Module("loop-basic", "orchestrator", "the loop"),
    ]
)


AROUND = Known(
    includes=(("foundation", ""), ("foundation:behaviors/shell", ""), ("config:mine", "")),
    agents=(("helper", ""), ("foundation:explorer", "")),
    files=(("notes.md", ""), ("docs/rules.md", "")),
    modes=(("ask", ""), ("fast-edit", "")),
    models={"provider-mock": ("mock-1",)},
)
WEB = "tools:\n  - module: tool-web\n    config:\n      "
LOOP = "session:\n  orchestrator:\n    module: loop-basic\n    config:\n      "


def at(marked: str) -> tuple[str, int, int]:
    """Split a text at its `^` into the text, the line and the column."""
    before, _, after = marked.partition("^")
    return before + after, before.count("\n"), len(before) - before.rfind("\n") - 1


def labels(marked: str) -> list[str]:
    return [one.label for one in completions(*at(marked), KNOWN, AROUND)]


@pytest.mark.parametrize(
    ("marked", "path", "key", "module"),
    [
        ("^", (), "", ""),
        ("tools:\n- module: tool-web\n  config:\n    time^", ("tools", "-", "config"), "", "tool-web"),
        (WEB + "timeout: ^", ("tools", "-", "config"), "timeout", "tool-web"),
        (
            "tools:\n  - config:\n      timeout: 1^\n    module: tool-web\n",
            ("tools", "-", "config"),
            "timeout",
            "tool-web",
        ),
        ("tools:\n  - module: tool-bash\n  - module: ^", ("tools", "-"), "module", ""),
        ("tools:\n  - module: tool-bash\n  - ^", ("tools", "-"), "", ""),
        (LOOP + "^", ("session", "orchestrator", "config"), "", "loop-basic"),
        ("includes:\n- bundle: foundation\nspawn:\n  exclude_tools:\n    - ^", ("spawn", "exclude_tools", "-"), "", ""),
        (
            "providers:\n  # mine\n\n  - module: provider-mock  # offline\n    ^",
            ("providers", "-"),
            "",
            "provider-mock",
        ),
    ],
)
def test_the_place_of_a_cursor(marked: str, path: tuple[str, ...], key: str, module: str):
    place = place_at(*at(marked))
    assert (place.path, place.key, place.module, place.opaque) == (path, key, module, False)


@pytest.mark.parametrize(
    "marked",
    [
        "tools: # t^",
        "agents:\n  one:\n    instruction: |\n      to^",
        "---\nbundle:\n  name: x\n---\nto^",
    ],
)
def test_comments_block_texts_and_a_markdown_body_offer_nothing(marked: str):
    assert labels(marked) == []
    assert help_at(*at(marked), KNOWN) is None


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        ("to^", ["tools"]),
        ("tools:\n  - module: tool-^", ["tool-bash", "tool-task", "tool-web"]),
        ("tools:\n  - module: w^", ["tool-web"]),
        ("tools:\n  - module: tool-web\n    ^", ["source", "config", "id"]),
        (WEB + "follow: false\n      ^", ["timeout", "engine", "domains", "hear"]),
        (WEB + "engine: ^", ["duck", "brave"]),
        (WEB + "follow: f^", ["false"]),
        (WEB + "timeout: ^", ["10"]),
        ("session:\n  orchestrator: ^", ["loop-basic"]),
        ("spawn:\n  tools:\n  - tool-w^", ["tool-web"]),
        ("includes:\n  - bundle: fo^", ["foundation", "foundation:behaviors/shell"]),
        ("tools:\n  - module: tool-nope\n    config:\n      ^", []),
        ("includes:\n  - foundation:b^", ["foundation:behaviors/shell"]),
        ("includes: [con^", ["config:mine"]),
        ("includes:\n  - bu^", ["bundle"]),
        ("agents:\n  include:\n    - ^", ["helper", "foundation:explorer"]),
        ("agents:\n  include: [foundation:a, he^", ["helper"]),
        ("agents:\n  one:\n    tools:\n      - module: ba^", ["tool-bash"]),
        ("context:\n  include:\n  - n^", ["notes.md"]),
        ("context:\n  rules: n^", ["notes.md"]),
        ("session:\n  ^", ["orchestrator", "context", "permissions"]),
        ("session:\n  permissions:\n    mode: f^", ["fast-edit"]),
        ("session:\n  permissions:\n    allow:\n      - web^", ["web_fetch"]),
        ("session: {permissions: {deny: [web^", ["web_fetch"]),
        ("providers:\n  - module: provider-mock\n    config:\n      default_model: ^", ["mock-1"]),
        ("tools:\n  - module: tool-task\n    config: {exclude_tools: [bash^", ["tool-bash"]),
        ("tools:\n  - {module: tool-web, config: {timeout: 3, en^", ["engine"]),
        ("tools: [{module: tool-w^", ["tool-web"]),
        ("tools:\n  - {module: tool-web, config: {engine: b^", ["brave"]),
        ("tools:\n  - module: tool-web\n    source: g^", ["git+https://"]),
        (WEB + "hear:\n        ^", ["start", "stop"]),
        ("tools: [a]^", []),
    ],
)
def test_what_is_offered(marked: str, expected: list[str]):
    assert labels(marked) == expected


def test_a_completion_replaces_what_was_typed_and_no_more():
    text, line, column = at("tools:\n  - module: w^")
    one = completions(text, line, column, KNOWN)[0]
    assert text.split("\n")[line][: one.start] + one.insert == "  - module: tool-web"


def test_a_key_that_opens_a_list_gets_no_space_and_one_with_a_value_does():
    marked = WEB + "^"
    inserts = {one.label: one.insert for one in completions(*at(marked), KNOWN)}
    assert inserts["domains"] == "domains:"
    assert inserts["timeout"] == "timeout: "


@pytest.mark.parametrize(
    ("marked", "path", "said"),
    [
        ("too^ls:\n", "tools", "what the model may use"),
        ("tools:\n  - mod^ule: tool-web\n", "tool-web", "fetch pages (built in)"),
        (WEB + "timeout: 2^0\n", "tools[].config.timeout", "Seconds to wait · whole number · default 10"),
        (WEB + "eng^ine: x\n", "tools[].config.engine", "Which search engine · duck | brave"),
    ],
)
def test_help_says_what_the_thing_under_the_cursor_is(marked: str, path: str, said: str):
    found = help_at(*at(marked), KNOWN)
    assert found is not None
    assert (found.path, found.text) == (path, said)


@given(st.text(alphabet="tools:-module \n#|>{}[]'\"\t\r\u2028x", max_size=80), st.integers(0, 9), st.integers(0, 40))
def test_no_text_and_no_cursor_make_it_fail(text: str, line: int, column: int):
    completions(text, line, column, KNOWN)
    help_at(text, line, column, KNOWN)


def test_the_choices_of_a_setting_are_told_without_the_empty_one():
    setting = {"description": "What to do.", "enum": ["", "auto", "off"], "default": ""}
    assert describe(setting) == "What to do · auto | off"
