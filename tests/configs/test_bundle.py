"""Any shape of data: what is not a bundle is a problem with a place, never an exception."""

import json
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_workbench.configs.bundle import ENTRY_KEYS, META_KEYS, SPAWN_KEYS, TOP_KEYS, parse_bundle
from agent_workbench.configs.explain import diff_plans
from agent_workbench.configs.fetching import Failure, Fetched, Kind, Location, Nothing
from agent_workbench.configs.resolve import resolve_bundle
from agent_workbench.configs.validate import validate
from agent_workbench.plugins import load_catalog

words = st.sampled_from(
    [
        "tool-bash",
        "bash",
        "loop-basic",
        "provider-mock",
        "x",
        "",
        "@a",
        "ns:a",
        "./a",
        "${X}",
        "sk-abcdefghijklmnopqrst",
    ]
)
scalars = st.none() | st.booleans() | st.integers(-2, 2) | st.floats(width=16) | words | st.dates()
keys = st.sampled_from(
    [*ENTRY_KEYS, *META_KEYS, *SPAWN_KEYS, "include", "orchestrator", "context", "timeout", "meta", "a"]
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4), max_leaves=10
)
bundles = st.dictionaries(st.sampled_from([*TOP_KEYS, "meta", "tols"]), values, max_size=6)


class Echo(Nothing):
    """Fetches the same text for everything, and nothing for half of it."""

    def __init__(self, text: str) -> None:
        self.text = text

    def fetch(self, uri: str, at: Location, kind: Kind = "bundle") -> Fetched | Failure:
        if len(uri) % 2:
            return Failure("odd")
        return Fetched(self.text, uri, uri, Location(uri, "/x", "/x"))


@settings(max_examples=150, deadline=None)
@given(bundles, bundles)
def test_no_shape_of_data_is_an_exception(data: dict[str, Any], other: dict[str, Any]):
    text, included = yaml.safe_dump(data), yaml.safe_dump(other)
    alone = resolve_bundle(text, catalog=load_catalog(), env={}, cache=None)
    for fetcher in (Echo(included), Echo(f"---\n{included}---\n@a @ns:a\n")):
        plan = resolve_bundle(text, catalog=load_catalog(), fetcher=fetcher, env={}, cache=None)
        assert set(plan.mount_plan) <= {"session", "providers", "tools", "hooks", "agents", "spawn"}
        assert all(plan.mount_plan.values())
        json.dumps(plan.mount_plan)
        list(map(str, diff_plans(alone, plan)))
    for problem in (*plan.problems, *validate(text, load_catalog(), env={})):
        assert problem.message
        assert problem.to_json()
        if problem.fix is not None and not problem.source:
            problem.fix.apply(text)


@given(st.text(max_size=60) | st.text(":-[]{}#&*!|>'\"%@`\n a?", max_size=60))
def test_no_text_is_an_exception(text: str):
    resolve_bundle(text, catalog=load_catalog(), env={}, cache=None)


@pytest.mark.parametrize(
    ("label", "text", "name", "instruction"),
    [
        ("a.md", "---\nbundle: {name: n}\n---\n\nHi\n---\nmore\n", "n", "Hi\n---\nmore"),
        ("a.md", "Only words\n", "", "Only words"),
        ("a.yaml", "---\nbundle: {name: n}\n", "n", ""),
        ("config", "---\nbundle: {name: n}\n---\nHi", "n", "Hi"),
        ("config", "bundle: {name: n}\n", "n", ""),
    ],
)
def test_markdown_is_told_by_the_name_else_by_the_text(label: str, text: str, name: str, instruction: str):
    bundle = parse_bundle(text, Location(label))
    assert (bundle.problems, bundle.layer.name, bundle.layer.instruction) == ((), name, instruction)


def test_an_instructions_origin_is_its_first_line():
    plan = resolve_bundle("---\nbundle: {name: n}\n---\n\n\nHi\n", name="a.md", cache=None)
    assert str(plan.origins["instruction"][0]) == "a.md:6"
