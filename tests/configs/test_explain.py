"""Explaining a plan: where a value comes from, and what a change of the text means for a session."""

from pathlib import Path

import pytest

from agent_workbench.configs.explain import diff_plans, explain
from agent_workbench.configs.plan import Plan
from agent_workbench.configs.resolve import resolve_bundle
from agent_workbench.errors import NotFound
from agent_workbench.services.sources import Sources

BASE = """\
session:
  context:
    module: context-simple
    config: {max_tokens: 30}
tools:
  - module: tool-filesystem
    config:
      allowed_write_paths: [.]
"""


@pytest.fixture
def plan(tmp_path: Path):
    (tmp_path / "base.yaml").write_text(BASE)
    sources = Sources(cache=tmp_path / "cache", offline=True)

    def make(text: str) -> Plan:
        return resolve_bundle(f"includes: [./base.yaml]\n{text}", name="mine", base=tmp_path, fetcher=sources)

    return make


def test_a_value_names_who_set_it_and_whom_it_replaced(plan):
    found = explain(plan("session: {context: {config: {max_tokens: 8}}}\n"), "session.context.config.max_tokens")
    assert str(found) == "session.context.config.max_tokens is 8 because mine:2, over base.yaml:4"


def test_a_joined_list_names_all_who_contributed(plan):
    text = "tools: [{module: tool-filesystem, config: {allowed_write_paths: [src]}}]\n"
    found = explain(plan(text), "tools[tool-filesystem].config.allowed_write_paths")
    assert str(found).endswith("is [., src], joined from base.yaml:8 + mine:2")
    assert str(explain(plan(text), "tools[tool-filesystem].config.allowed_write_paths[1]")).endswith("because mine:2")


def test_an_unknown_path_has_a_hint(plan):
    with pytest.raises(NotFound, match=r"did you mean `session\.context\.config\.max_tokens`"):
        explain(plan(""), "session.context.config.max_token")


def test_a_secret_is_dots(plan):
    found = explain(plan("providers: [{module: p, config: {api_key: abc}}]\n"), "providers[p].config.api_key")
    assert "abc" not in str(found)


def test_equal_plans_do_not_differ_whatever_the_text_looks_like(plan):
    assert diff_plans(plan("# one\ntools: []\n"), plan("# two\n")) == ()


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ("", "tools: [{module: tool-bash}]\n", ["+ tools[tool-bash]: {module: tool-bash}   mine:2"]),
        ("tools: [{module: tool-bash}]\n", "", ["- tools[tool-bash]: {module: tool-bash}   mine:2"]),
        (
            "",
            "session: {context: {config: {max_tokens: 8}}}\n",
            ["~ session.context.config.max_tokens: 30 → 8   mine:2"],
        ),
        (
            "",
            "tools: [{module: tool-filesystem, config: {allowed_write_paths: [src]}}]\n",
            ["~ tools[tool-filesystem].config.allowed_write_paths: [.] → [., src]   mine:2"],
        ),
        ("hooks: [{module: a}, {module: b}]\n", "hooks: [{module: b}, {module: a}]\n", ["~ hooks: [a, b] → [b, a]"]),
        (
            "agents: {a: {description: x}}\n",
            "agents: {a: {description: y}}\n",
            ["~ agents.a.description: x → y   mine:2"],
        ),
        ("spawn: {tools: [a]}\n", "", ["- spawn: {tools: [a]}   mine:2"]),
        ("spawn: {tools: [{a: 1}]}\n", "spawn: {tools: [{a: true}]}\n", ["~ spawn.tools[0].a: 1 → true   mine:2"]),
    ],
)
def test_a_difference_is_told_once_and_in_one_line(plan, old: str, new: str, changes: list[str]):
    assert [str(change) for change in diff_plans(plan(old), plan(new))] == changes


def test_prose_and_context_files_count_too(tmp_path: Path):
    (tmp_path / "a.md").write_text("one")
    sources = Sources(cache=tmp_path / "cache", offline=True)

    def make(body: str) -> Plan:
        return resolve_bundle(f"---\nbundle:\n---\n{body}", name="x.md", base=tmp_path, fetcher=sources)

    found = [str(change) for change in diff_plans(make("Be kind."), make("Be brief.\n@a.md"))]
    assert found == ["~ instruction: 1 lines → 2 lines   x.md:4", "+ context[@a.md]: 3 characters"]


def test_a_list_is_explained_by_its_entries(plan):
    with pytest.raises(NotFound, match=r"name one of its entries, as `tools\[tool-filesystem\]`"):
        explain(plan("tools: [{module: tool-bash}]\n"), "tools")
