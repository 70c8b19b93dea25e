"""The rules of the format, one small tree of files for each, and the plan that has to come of it.

Source of the rules: docs/configs.md. The bundles of other people are in `test_corpus.py`; these are for what those do
not reach.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agent_workbench.configs.plan import Plan
from agent_workbench.configs.resolve import resolve_bundle
from agent_workbench.services.sources import Sources

Tree = dict[str, str]


def planned(tree: Tree, folder: Path, top: str = "top.yaml") -> Plan:
    """Write a tree of files and resolve one of them."""
    for name, text in tree.items():
        path = folder / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    path = folder / "tree" / top
    sources = Sources(cache=folder / "cache", offline=True)
    return resolve_bundle(
        path.read_text("utf-8"),
        name=path.name,
        base=path.parent,
        root=folder / "tree",
        fetcher=sources,
        cache=None,
        env={},
    )


HELLO = "tools: [{module: t, config: {a: 1}}]\n"

RULES: dict[str, tuple[Tree, dict[str, Any]]] = {
    "includes from left to right, each already composed, the own content last": (
        {
            "top.yaml": "includes: [./a, ./b]\nhooks: [{module: h, config: {who: top}}]\n",
            "a.yaml": "includes: [./deep]\nhooks: [{module: h, config: {who: a, a: 1}}]\n",
            "b.yaml": "hooks: [{module: h, config: {who: b, b: 1}}]\n",
            "deep.yaml": "hooks: [{module: h, config: {who: deep, deep: 1}}]\n",
        },
        {"hooks": [{"module": "h", "config": {"who": "top", "deep": 1, "a": 1, "b": 1}}]},
    ),
    "an entry with an id is another than the entry of its module": (
        {
            "top.yaml": "includes: [./a]\nproviders:\n- {module: p, id: x, config: {b: 2}}\n"
            "- {module: p, config: {c: 3}}\n",
            "a.yaml": "providers: [{module: p, config: {a: 1}}, {module: p, id: x, config: {a: 2}}]\n",
        },
        {"providers": [
            {"module": "p", "config": {"a": 1, "c": 3}}, {"module": "p", "id": "x", "config": {"a": 2, "b": 2}},
        ]},
    ),
    "an id meets another module and keeps its place": (
        {
            "top.yaml": "includes: [./a]\ntools: [{module: other, id: x}]\n",
            "a.yaml": "tools: [{module: t, id: x}, {module: u}]\n",
        },
        {"tools": [{"module": "other", "id": "x"}, {"module": "u"}]},
    ),
    "lists join without duplicates, and null replaces": (
        {
            "top.yaml": "includes: [./a]\ntools: [{module: t, config: {l: [b, c], m: null, n: {o: 1}}}]\n",
            "a.yaml": "tools: [{module: t, config: {l: [a, b], m: {x: 1}, n: 5}}]\n",
        },
        {"tools": [{"module": "t", "config": {"l": ["a", "b", "c"], "m": None, "n": {"o": 1}}}]},
    ),
    "spawn and session merge deeply": (
        {
            "top.yaml": "includes: [./a]\nspawn: {exclude_tools: [y]}\n"
            "session: {context: {module: c, config: {n: 2}}}\n",
            "a.yaml": "spawn: {exclude_tools: [x]}\nsession: {orchestrator: o, context: {module: c, config: {m: 1}}}\n",
        },
        {
            "session": {"orchestrator": "o", "context": {"module": "c", "config": {"m": 1, "n": 2}}},
            "spawn": {"exclude_tools": ["x", "y"]},
        },
    ),
    "an agent is replaced whole": (
        {
            "top.yaml": "includes: [./a]\nagents: {one: {description: new}}\n",
            "a.yaml": "agents: {one: {description: old, tools: [{module: t}]}, two: {description: stays}}\n",
        },
        {"agents": {"one": {"description": "new"}, "two": {"description": "stays"}}},
    ),
    "the later version wins, the later description if it says something": (
        {
            "top.yaml": "includes: [./a]\nbundle: {name: top, description: ''}\n" + HELLO,
            "a.yaml": "bundle: {name: a, version: 2.0.0, description: from a}\n",
        },
        {"name": "top", "version": "1.0.0", "description": "from a"},
    ),
    "a later instruction that is not empty replaces": (
        {"top.yaml": "includes: [./a.md, ./b.md, ./c.md]\n", "a.md": "---\n{}\n---\nA\n", "b.md": "---\n{}\n---\nB\n",
         "c.md": "---\nbundle: {name: c}\n---\n\n"},
        {"instruction": "B"},
    ),
    "a body may hold dashes, and front matter counts only at the start": (
        {"top.yaml": "includes: [./a.md]\n", "a.md": "---\nbundle: {name: a}\n---\nOne\n\n---\nx: 1\n---\nTwo\n"},
        {"instruction": "One\n\n---\nx: 1\n---\nTwo"},
    ),
    "a folder means its bundle.md before its bundle.yaml": (
        {
            "top.yaml": "includes: [./d, ./e]\n",
            "d/bundle.md": "---\ntools: [{module: md}]\n---\n", "d/bundle.yaml": "tools: [{module: yaml}]\n",
            "e/bundle.yaml": "tools: [{module: e}]\n",
        },
        {"tools": [{"module": "md"}, {"module": "e"}]},
    ),
    "a path is tried as written, then with each ending, then as a folder": (
        {
            "top.yaml": "includes: [./x, ./y, ./z]\n",
            "x.yaml": "tools: [{module: yaml}]\n", "x.yml": "tools: [{module: yml}]\n", "x/bundle.md": "---\n{}\n---\n",
            "y.yml": "tools: [{module: yml}]\n", "y.md": "---\ntools: [{module: md}]\n---\n",
            "z.md": "---\ntools: [{module: md}]\n---\n", "z/bundle.yaml": "tools: [{module: folder}]\n",
        },
        {"tools": [{"module": "yaml"}, {"module": "yml"}, {"module": "md"}]},
    ),
    "empty sections are absent, and unknown keys no part of the plan": (
        {"top.yaml": "tools:\nhooks: []\nagents: {}\nspawn:\nsession: {}\nmine: {x: 1}\nproviders: [{module: p}]\n"},
        {"providers": [{"module": "p"}]},
    ),
    "anchors, aliases and merge keys are allowed": (
        {"top.yaml": "x: &x {a: 1, b: 2}\ntools: [{module: t, config: {<<: *x, b: 3}}, {module: u, config: *x}]\n"},
        {"tools": [{"module": "t", "config": {"a": 1, "b": 3}}, {"module": "u", "config": {"a": 1, "b": 2}}]},
    ),
    "yaml means what 1.1 means": (
        {"top.yaml": "tools: [{module: t, config: {a: on, b: 010, c: 12:30, d: 'no', e: ~}}]\n"},
        {"tools": [{"module": "t", "config": {"a": True, "b": 8, "c": 750, "d": "no", "e": None}}]},
    ),
    "references stay as they are written": (
        {"top.yaml": "tools: [{module: t, config: {a: '${A}', b: 'x${B:y:z}w', c: ['${C:}']}}]\n"},
        {"tools": [{"module": "t", "config": {"a": "${A}", "b": "x${B:y:z}w", "c": ["${C:}"]}}]},
    ),
    "includes are maps or words": (
        {
            "top.yaml": "includes:\n  - bundle: ./a\n  - ./b\n",
            "a.yaml": "tools: [{module: a}]\n", "b.yaml": "tools: [{module: b}]\n",
        },
        {"tools": [{"module": "a"}, {"module": "b"}]},
    ),
    "what is above may be included where it is in the tree": (
        {"sub/deep/top.yaml": "includes: [../../shared]\n", "shared.yaml": HELLO},
        {"tools": [{"module": "t", "config": {"a": 1}}]},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("tree", "expected"), RULES.values(), ids=RULES.keys())
def test_a_rule_of_the_format(tree: Tree, expected: dict[str, Any], tmp_path: Path) -> None:
    top = next((name for name in tree if name.endswith("top.yaml")), "top.yaml")
    plan = planned(tree, tmp_path, top)
    assert not [one for one in plan.errors if one.code != "unknown-key"], plan.errors
    heads = {
        key: getattr(plan, key).strip() for key in ("name", "version", "description", "instruction") if key in expected
    }
    mounted = {key: value for key, value in expected.items() if key not in heads}
    assert {**heads, **(plan.mount_plan if mounted else {})} == expected


def test_a_context_map_and_a_list_both_bring_files_under_the_namespace(tmp_path: Path) -> None:
    plan = planned(
        {
            "top.yaml": "bundle: {name: top}\nincludes: [./a]\n"
            "context: {include: [rules.md, a:more.md], mine: own.md}\n",
            "a.yaml": "bundle: {name: a}\ncontext: {include: [more.md]}\n",
            "rules.md": "rules\n", "own.md": "own\n", "more.md": "more\n",
        },
        tmp_path,
    )  # fmt: skip
    assert [text.strip() for _, text in plan.context_texts] == ["more", "rules", "own"]
    assert {name.partition(":")[0] for name in plan.context} >= {"a", "top"}
