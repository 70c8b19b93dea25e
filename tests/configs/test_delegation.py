"""What an agent that works for another inherits, and what it does not."""

from __future__ import annotations

from typing import Any

import pytest

from agent_workbench.configs.delegation import agent_plan, preference
from agent_workbench.configs.plan import AgentSpec, Plan
from agent_workbench.errors import NotFound


def plan(agent: dict[str, Any], **mount: Any) -> Plan:
    spec = AgentSpec("helper", "Helps.", "You help.", agent, (("a.md", "A"),))
    return Plan(
        "team", "1.0.0", "A team.", mount, "You lead.", context_texts=(("b.md", "B"),), agents={"helper": spec},
        digest="d",
    )  # fmt: skip


def modules(one: Plan, section: str = "tools") -> list[str]:
    return [entry.get("id") or entry["module"] for entry in one.mount_plan.get(section, ())]


A, B, C = {"module": "a"}, {"module": "b"}, {"module": "c"}
TOOLS = {
    "all are inherited": ({}, {}, (), ["a", "b"]),
    "less the excluded": ({}, {"exclude_tools": ["a"]}, (), ["b"]),
    "only the named": ({}, {"tools": ["a"]}, (), ["a"]),
    "only none": ({}, {"tools": []}, (), []),
    "less what the tool's config excludes": ({}, {}, ("b",), ["a"]),
    "and its own": ({"tools": [C]}, {"exclude_tools": ["a"]}, (), ["b", "c"]),
    "its own though excluded": ({"tools": [A]}, {"exclude_tools": ["a"]}, (), ["b", "a"]),
    "an empty list adds nothing": ({"tools": None}, {}, (), ["a", "b"]),
}


@pytest.mark.parametrize(("agent", "spawn", "without", "wanted"), TOOLS.values(), ids=TOOLS.keys())
def test_tools_of_a_child(agent: dict[str, Any], spawn: dict[str, Any], without: tuple[str, ...], wanted: list[str]):
    assert modules(agent_plan(plan(agent, tools=[A, B], spawn=spawn), "helper", without)) == wanted


def test_an_entry_of_the_same_id_is_merged():
    own = {"module": "a", "config": {"deep": {"y": 2}, "list": [1, 2]}}
    inherited = {"module": "a", "config": {"deep": {"x": 1}, "list": [1], "kept": True}}
    (entry,) = agent_plan(plan({"tools": [own]}, tools=[inherited]), "helper").mount_plan["tools"]
    assert entry["config"] == {"deep": {"x": 1, "y": 2}, "list": [1, 2], "kept": True}


def test_an_agent_cannot_give_itself_permissions():
    agent = {"session": {"permissions": {"allow": ["bash"]}, "orchestrator": {"config": {"max_iterations": 3}}}}
    session = {"permissions": {"deny": ["bash"]}, "orchestrator": {"module": "loop-basic"}}
    child = agent_plan(plan(agent, session=session), "helper").mount_plan["session"]
    assert child["permissions"] == {"deny": ["bash"]}
    assert child["orchestrator"] == {"module": "loop-basic", "config": {"max_iterations": 3}}


def test_a_child_has_its_own_words_and_a_digest_of_its_own():
    parent = plan({}, tools=[A])
    child = agent_plan(parent, "helper")
    assert (child.instruction, child.context_texts) == ("You help.", (("a.md", "A"),))
    same = agent_plan(parent, "self")
    assert (same.instruction, same.context_texts) == ("You lead.", (("b.md", "B"),))
    assert len({parent.digest, child.digest, same.digest, agent_plan(parent, "helper", ("a",)).digest}) == 4


def test_an_unknown_agent_is_an_error_that_names_the_known():
    with pytest.raises(NotFound, match="it has helper"):
        agent_plan(plan({}), "nobody")


PREFERENCES = {
    "none": ({}, ("", "")),
    "the first that is there": (
        {"provider_preferences": [{"provider": "gone", "model": "x"}, {"provider": "one", "model": "m"}]},
        ("provider-one", "m"),
    ),
    "none of them there": ({"provider_preferences": [{"provider": "gone"}]}, ("", "")),
    "the provider that it lists": ({"providers": [{"module": "provider-one", "id": "mine"}]}, ("mine", "")),
    "a model alone": ({"model": "m"}, ("", "m")),
}


@pytest.mark.parametrize(("agent", "wanted"), PREFERENCES.values(), ids=PREFERENCES.keys())
def test_what_an_agent_prefers(agent: dict[str, Any], wanted: tuple[str, str]):
    assert preference(plan(agent, providers=[{"module": "provider-one"}]), "helper") == wanted
