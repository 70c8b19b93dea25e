"""The edits that problems of a bundle's shape offer: each leaves a text without that problem."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent_workbench.configs.problems import Problem
from agent_workbench.configs.resolve import resolve_bundle
from agent_workbench.plugins import load_catalog
from agent_workbench.services.sources import Sources

#: The code of a problem, the text, and what its fix makes of that.
FIXED = {
    "a key with the same value": ("yaml-duplicate-key", "bundle:\n  name: x\n  name: x\n", "bundle:\n  name: x\n"),
    "an open map": ("yaml-syntax", "bundle: {name: x\ntools: []\n", "bundle: {name: x}\ntools: []\n"),
    "an open list before a comment": (
        "yaml-syntax",
        "spawn:\n  exclude_tools: [a, 'b]'  # so\ntools: []\n",
        "spawn:\n  exclude_tools: [a, 'b]']  # so\ntools: []\n",
    ),
    "an open list with a comma": (
        "yaml-syntax",
        "spawn:\n  tools: [a,\nhooks: []\n",
        "spawn:\n  tools: [a]\nhooks: []\n",
    ),
    "an open list at the end": ("yaml-syntax", "spawn:\n  tools: [a", "spawn:\n  tools: [a]"),
    "both lists of spawn": (
        "spawn-both",
        "spawn:\n  tools: [tool-bash, tool-web]\n  exclude_tools: [tool-web]\n",
        "spawn:\n  tools: [tool-bash]\n",
    ),
    "includes as a map": ("includes-kind", "includes:\n  bundle: a  # b\n", "includes:\n  - bundle: a  # b\n"),
    "includes as a map in braces": ("includes-kind", "includes: {bundle: a}\n", "includes: [{bundle: a}]\n"),
    "a hook among tools": (
        "module-kind",
        "tools:\n  - module: tool-bash\n  - module: hooks-logging\nhooks:\n  - module: hooks-redaction\n",
        "tools:\n  - module: tool-bash\nhooks:\n  - module: hooks-redaction\n  - module: hooks-logging\n",
    ),
}
NOT_FIXED = {
    "a key with another value": ("yaml-duplicate-key", "bundle:\n  name: x\n  name: y\n"),
    "a key with lines below it": ("yaml-duplicate-key", "bundle: {}\ntools:\n  - a\ntools:\n  - a\n"),
    "two open brackets": ("yaml-syntax", "bundle: {name: [x\ntools: []\n"),
    "lists of spawn that leave nothing": ("spawn-both", "spawn:\n  tools: [a]\n  exclude_tools: [a]\n"),
    "includes with two keys": ("includes-kind", "includes:\n  bundle: a\n  other: b\n"),
    "an entry with a comment": ("module-kind", "tools:\n  - module: hooks-logging  # why\n    config: {}\n"),
    "a loop where there is one": (
        "module-kind",
        "session:\n  orchestrator: loop-basic\ntools:\n  - module: loop-basic\n",
    ),
}


def problem(text: str, code: str) -> Problem | None:
    found = resolve_bundle(text, catalog=load_catalog()).problems
    return next((one for one in found if one.code == code), None)


@pytest.mark.parametrize("name", FIXED)
def test_a_problem_is_mended_by_its_fix(name: str):
    code, text, wanted = FIXED[name]
    found = problem(text, code)
    assert found is not None
    assert found.fix is not None
    assert found.fix.apply(text) == wanted
    assert problem(wanted, code) is None


@pytest.mark.parametrize("name", NOT_FIXED)
def test_what_is_not_sure_has_no_fix(name: str):
    code, text = NOT_FIXED[name]
    found = problem(text, code)
    assert found is not None
    assert found.fix is None


@pytest.mark.parametrize("text", ["spawn:\n  tools:\n", "spawn:\n  tools: [tool-bash]\n  exclude_tools:\n"])
def test_an_empty_list_of_spawn_is_absent(text: str):
    assert [one.code for one in resolve_bundle(text, catalog=load_catalog()).problems] == []


def test_an_agent_is_likened_to_those_that_an_include_brings(tmp_path: Path):
    (tmp_path / "base.yaml").write_text("agents:\n  explorer:\n    description: looks\n")
    text = "includes: [./base.yaml]\nagents:\n  include: [explorr]\n"
    plan = resolve_bundle(text, base=tmp_path, fetcher=Sources(cache=tmp_path / "cache", offline=True))
    found = next(one for one in plan.problems if one.code == "agent-missing")
    assert found.hint == "did you mean `explorer`?"
    assert found.fix is not None
    assert "include: [explorer]" in found.fix.apply(text)
