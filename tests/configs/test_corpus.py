"""The bundles that other people wrote: every file loads, every plan is what their own program makes of it."""

import difflib
import json
import time
from pathlib import Path
from typing import Any

import pytest

from agent_workbench.configs.bundle import parse_bundle
from agent_workbench.configs.fetching import Location
from agent_workbench.configs.plan import Plan
from agent_workbench.configs.problems import errors
from agent_workbench.configs.reader import read
from agent_workbench.configs.resolve import PlanCache, resolve_bundle
from agent_workbench.services.sources import Sources

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus" / "amplifier-foundation"
FOUNDATION = "git+https://github.com/microsoft/amplifier-foundation@main"
TEXTS = sorted(p for p in CORPUS.rglob("*") if p.suffix in (".md", ".yaml") and "context" not in p.parts)
EXPECTED = sorted((CORPUS / "expected").glob("*.json"))

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus is not on this machine")


def resolve(path: Path, sources: Sources, **more: Any) -> Plan:
    return resolve_bundle(path.read_text(encoding="utf-8"), name=path.name, base=path.parent, fetcher=sources, **more)


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    return Sources(overrides={FOUNDATION: str(CORPUS)}, cache=tmp_path, offline=True)


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(CORPUS)))
def test_every_file_loads_without_an_error(path: Path):
    text = path.read_text(encoding="utf-8")
    assert not errors(read(text, source=path.name).problems)
    bundle = parse_bundle(text, Location(path.name, str(path.parent)))
    assert not errors(bundle.problems)


def show(value: Any) -> list[str]:
    return json.dumps(value, indent=1, sort_keys=True).splitlines()


@pytest.mark.parametrize("path", EXPECTED, ids=lambda path: path.stem)
def test_every_plan_is_what_the_original_makes(path: Path, sources: Sources):
    expected = json.loads(path.read_text(encoding="utf-8"))
    plan = resolve(CORPUS / expected["bundle"], sources)
    ours = {
        "name": plan.name,
        "mount_plan": plan.mount_plan,
        "context": {name: file.replace(str(CORPUS), "<foundation>") for name, file in plan.context.items()},
        "instruction_chars": len(plan.instruction),
    }
    theirs = {key: expected[key] for key in ours}
    diff = "\n".join(difflib.unified_diff(show(theirs), show(ours), "expected", "ours", n=4, lineterm=""))
    assert not diff, f"{expected['bundle']} composes differently:\n{diff}"


def test_every_missing_include_is_an_error_on_its_line(sources: Sources):
    plan = resolve(CORPUS / "bundle.md", sources)
    missing = {p.message.split("`")[1] for p in plan.problems if p.code == "include-missing"}
    assert missing == set(json.loads((CORPUS / "expected" / "bundle.json").read_text())["missing_includes"])
    lines = (CORPUS / "bundle.md").read_text(encoding="utf-8").split("\n")
    own = [problem for problem in plan.problems if problem.code == "include-missing" and not problem.source]
    assert len(own) == len(missing) - 1
    assert all(problem.message.split("`")[1] in lines[problem.line - 1] for problem in own)
    (nested,) = (p for p in plan.problems if p.code == "include-missing" and p.source)
    assert (nested.source, nested.line) == ("behaviors/redaction.yaml", 7)


def test_every_value_of_the_plan_has_an_origin(sources: Sources):
    plan = resolve(CORPUS / "bundles" / "with-anthropic.yaml", sources)

    def paths(value: Any, path: str) -> list[str]:
        if isinstance(value, dict):
            return [path, *(p for key, item in value.items() for p in paths(item, f"{path}.{key}"))]
        if isinstance(value, list):
            return [path, *(p for index, item in enumerate(value) for p in paths(item, f"{path}[{index}]"))]
        return [path]

    for section in ("providers", "tools", "hooks"):
        for entry in plan.mount_plan[section]:
            for path in paths(entry, f"{section}[{entry['module']}]"):
                assert plan.origins[path], path
    (origin,) = plan.origins["providers[provider-anthropic].config.default_model"]
    assert str(origin) == "providers/anthropic-opus.yaml:10"


def test_the_tree_resolves_within_the_promised_times(sources: Sources):
    path, cache = CORPUS / "bundle.md", PlanCache()
    started = time.perf_counter()
    resolve(path, sources, cache=cache)
    cold = time.perf_counter() - started
    warm = min(_timed(lambda: resolve(path, sources, cache=cache)) for _ in range(5))
    # The promise is 150 ms and 1 ms; shared machines get three times as much.
    assert cold < 0.45, f"{cold * 1000:.0f} ms"
    assert warm < 0.003, f"{warm * 1000:.2f} ms"


def _timed(call: Any) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started
