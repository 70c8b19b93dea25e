"""The guide to the format names every section, every kind of include, and every problem."""

import re
from pathlib import Path

import agent_workbench.configs
from agent_workbench.configs.bundle import TOP_KEYS
from agent_workbench.configs.resolve import resolve_bundle

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "configs.md").read_text(encoding="utf-8")
SOURCES = Path(agent_workbench.configs.__file__).parent


def test_every_section_is_in_the_guide():
    assert [key for key in TOP_KEYS if f"`{key}`" not in GUIDE] == []


def test_every_problem_code_of_bundles_is_in_the_guide():
    files = ("bundle", "checks", "compose", "references", "resolve")
    text = "".join((SOURCES / f"{name}.py").read_text() for name in files)
    words = (
        "agent|config|context|entry|environment|include|includes|list|literal|mention|meta|module|section|slot|spawn"
        "|tool|trap|unknown"
    )
    codes = set(re.findall(rf'"((?:{words})-[a-z]+(?:-[a-z]+)*)"', text))
    modules = {code for code in codes if code.startswith(("tool-task", "tool-delegate"))}
    assert len(codes) > 30
    assert sorted(code for code in codes - modules if f"`{code}`" not in GUIDE) == []


def test_the_first_example_is_a_bundle():
    example = GUIDE.partition("```yaml\n")[2].partition("```")[0]
    plan = resolve_bundle(example, env={"ANTHROPIC_API_KEY": "x"}, cache=None)
    assert (plan.problems, plan.name) == ((), "reviewer")
