"""The bundle that ships with us: complete, offline, and in the wheel."""

from pathlib import Path

import pytest

from agent_workbench import paths
from agent_workbench.configs.resolve import resolve_bundle
from agent_workbench.plugins import load_catalog
from agent_workbench.services.sources import Sources

FOUNDATION = paths.shipped("sample_configs") / "shipped" / "foundation"
PARTS = sorted(path.relative_to(FOUNDATION).with_suffix("") for path in FOUNDATION.glob("*/*.yaml"))
KEYS = {"ANTHROPIC_API_KEY": "x", "OPENAI_API_KEY": "x"}


def plan(text: str, tmp_path: Path):
    sources = Sources(cache=tmp_path, offline=True)
    return resolve_bundle(text, base=tmp_path, fetcher=sources, catalog=load_catalog(), env=KEYS)


def test_it_resolves_by_name_offline_without_a_problem(tmp_path: Path):
    found = plan("includes: [foundation]\n", tmp_path)
    assert found.problems == ()
    assert found.mount_plan["session"]["orchestrator"]["module"] == "loop-streaming"
    assert list(found.agents) == ["foundation:explorer", "foundation:reviewer"]
    assert all(agent.description and agent.instruction for agent in found.agents.values())
    assert [name for name, _ in found.context_texts] == ["foundation:context/working.md"]
    assert str(found.origins["session.context.config.max_tokens"][0]) == "foundation:24"


@pytest.mark.parametrize("part", PARTS, ids=str)
def test_every_part_can_be_laid_over_it(part: Path, tmp_path: Path):
    found = plan(f"includes: [foundation, 'foundation:{part}']\n", tmp_path)
    assert found.problems == ()


def test_it_is_no_sample_of_its_own():
    assert not any(path.is_file() and path.stem == "foundation" for path in FOUNDATION.parent.parent.iterdir())
