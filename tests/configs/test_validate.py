"""Validation: everything wrong in a text has a severity, a place, a hint, and where possible a fix that works."""

import time
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import AliasChoices, Field

from agent_workbench.configs.modules import Module, ModuleConfig, catalog
from agent_workbench.configs.problems import Problem
from agent_workbench.configs.validate import validate
from agent_workbench.services.sources import Sources


class Limits(ModuleConfig):
    per_minute: int = 60


class ProviderConfig(ModuleConfig):
    default_model: str = Field("m", validation_alias=AliasChoices("default_model", "model"))
    api_key: str = ""
    api_mode: Literal["chat", "responses"] = "chat"
    priority: int = 100
    limits: Limits = Limits()
    rates: dict[Literal["input", "output"], float] = {}


class NeedyConfig(ModuleConfig):
    folder: str
    """Where it works."""
    depth: int = 1


CATALOG = catalog(
    [
        Module("provider-real", "provider", "a provider", ProviderConfig),
        Module("tool-bash", "tool", "a shell", tools=("bash",)),
        Module("tool-needy", "tool", "needs a folder", NeedyConfig, tools=("needy_read",)),
        Module("tool-task", "tool", "delegates", tools=("task",)),
        Module("hooks-logging", "hook", "logs"),
        Module("hooks-streaming-ui", "hook", "another screen's", noted_only=True),
        Module("loop-basic", "orchestrator", "a loop"),
        Module("context-simple", "context", "a window"),
    ]
)


def check(text: str, **more: Any) -> tuple[Problem, ...]:
    return validate(text, CATALOG, env={}, **more)


def one(text: str, **more: Any) -> Problem:
    (problem,) = check(text, **more)
    return problem


CASES: list[tuple[str, str, str, str, tuple[int, int], str]] = [
    ("unknown section", "tols: []\n", "unknown-key", "warning", (1, 1), "did you mean `tools`?"),
    ("unknown bundle key", "bundle:\n  nam: x\n", "unknown-key", "warning", (2, 3), "did you mean `name`?"),
    (
        "unknown entry key",
        "tools:\n  - module: tool-bash\n    confg: {}\n",
        "unknown-key",
        "warning",
        (3, 5),
        "did you mean `config`?",
    ),
    (
        "unknown slot",
        "session: {orchestrater: loop-basic}\n",
        "unknown-key",
        "warning",
        (1, 11),
        "did you mean `orchestrator`?",
    ),
    (
        "includes as text",
        "includes: foundation\n",
        "includes-kind",
        "error",
        (1, 11),
        "write below `includes:` the line `  - bundle: foundation`",
    ),
    (
        "includes as map",
        "includes:\n  bundle: foundation\n",
        "includes-kind",
        "error",
        (1, 1),
        "write below `includes:` the line `  - bundle: foundation`",
    ),
    (
        "includes nested",
        "bundle:\n  includes:\n    - foundation\n",
        "includes-nested",
        "error",
        (2, 3),
        "move it to the left edge: `includes:`",
    ),
    (
        "include by another key",
        "includes:\n  - source: foundation\n",
        "include-shape",
        "error",
        (2, 5),
        "write `- bundle: foundation`",
    ),
    ("include of a number", "includes:\n  - 7\n", "include-shape", "error", (2, 5), "write `- bundle: URI`"),
    (
        "section of the wrong kind",
        "tools: tool-bash\n",
        "section-kind",
        "error",
        (1, 8),
        "write below `tools:` the line `  - module: …`",
    ),
    ("entry as a word", "tools:\n  - tool-bash\n", "entry-kind", "error", (2, 5), "write `- module: tool-bash`"),
    (
        "entry without module",
        "tools:\n  - config: {}\n",
        "entry-without-module",
        "error",
        (2, 5),
        "add `module: …`; without it the entry is dropped",
    ),
    ("config as a list", "tools:\n  - module: tool-bash\n    config: [1]\n", "entry-value", "error", (3, 13), ""),
    (
        "two of one module",
        "tools:\n  - module: tool-bash\n  - module: tool-bash\n",
        "trap-twins",
        "warning",
        (3, 5),
        "give each its own `id`",
    ),
    ("unknown tool", "tools:\n  - module: tool-bsh\n", "unknown-tool", "warning", (2, 13), "did you mean `tool-bash`?"),
    (
        "a tool's name as module",
        "tools:\n  - module: needy_read\n",
        "unknown-tool",
        "warning",
        (2, 13),
        "`needy_read` is a tool of the module `tool-needy`",
    ),
    (
        "unknown hook",
        "hooks:\n  - module: hooks-loging\n",
        "unknown-hook",
        "warning",
        (2, 13),
        "did you mean `hooks-logging`?",
    ),
    (
        "unknown provider",
        "providers:\n  - module: provider-rael\n",
        "unknown-provider",
        "error",
        (2, 13),
        "did you mean `provider-real`?",
    ),
    (
        "unknown orchestrator",
        "session: {orchestrator: loop-basc}\n",
        "unknown-orchestrator",
        "error",
        (1, 25),
        "did you mean `loop-basic`?",
    ),
    (
        "unknown context",
        "session:\n  context:\n    module: context-smple\n",
        "unknown-context",
        "error",
        (3, 13),
        "did you mean `context-simple`?",
    ),
    (
        "wrong section",
        "hooks:\n  - module: tool-bash\n",
        "module-kind",
        "warning",
        (2, 13),
        "`tool-bash` is a tool: it belongs to `tools`",
    ),
    (
        "wrong slot",
        "session: {context: loop-basic}\n",
        "module-kind",
        "error",
        (1, 20),
        "`loop-basic` is an orchestrator: it belongs to `session.orchestrator`",
    ),
    ("not needed here", "hooks:\n  - module: hooks-streaming-ui\n", "module-noted", "info", (2, 13), ""),
    ("local module", "tools:\n  - {module: mine, source: /opt/mine}\n", "module-local", "info", (2, 14), ""),
    (
        "unknown config key",
        "providers:\n  - module: provider-real\n    config:\n      priorty: 1\n",
        "unknown-config-key",
        "warning",
        (4, 16),
        "did you mean `priority`?",
    ),
    (
        "unknown nested key",
        "providers:\n  - module: provider-real\n    config: {limits: {per_minut: 1}}\n",
        "unknown-config-key",
        "warning",
        (3, 34),
        "did you mean `per_minute`?",
    ),
    (
        "wrong type",
        "providers:\n  - module: provider-real\n    config:\n      priority: high\n",
        "config-value",
        "error",
        (4, 17),
        "",
    ),
    (
        "wrong nested type",
        "providers:\n  - module: provider-real\n    config: {limits: {per_minute: [1]}}\n",
        "config-value",
        "error",
        (3, 35),
        "",
    ),
    (
        "missing value",
        "tools:\n  - module: tool-needy\n    config: {depth: 2}\n",
        "config-missing",
        "error",
        (3, 13),
        "Where it works.",
    ),
    (
        "spawn with both",
        "spawn:\n  tools: [tool-bash]\n  exclude_tools: [tool-task]\n",
        "spawn-both",
        "error",
        (2, 10),
        "keep `exclude_tools` (all but these) or `tools` (only these)",
    ),
    ("tool name in spawn", "spawn:\n  exclude_tools: [bash]\n", "tool-name", "warning", (2, 19), "write `tool-bash`"),
    (
        "tool name for delegation",
        "tools:\n  - module: tool-task\n    config: {exclude_tools: [task]}\n",
        "tool-name",
        "warning",
        (3, 30),
        "write `tool-task`",
    ),
    ("context with @", "context:\n  include: ['@me:a.md']\n", "context-at", "warning", (2, 13), "write `me:a.md`"),
    ("context as a list", "context: [a.md]\n", "section-kind", "error", (1, 10), "write `context: {include: [path]}`"),
    (
        "agent as text",
        "agents:\n  a: b\n",
        "agent-kind",
        "error",
        (2, 6),
        "write `a: {description: …, instruction: …}`, or put the name in `include`",
    ),
    ("agents' include as text", "agents: {include: a}\n", "list-kind", "error", (1, 19), "write `include: [a]`"),
    (
        "literal secret",
        "providers:\n  - module: provider-real\n    config: {api_key: sk-abcdefghijklmnopqrstuv}\n",
        "literal-secret",
        "warning",
        (3, 23),
        "put it into the keyring or the environment, and write `${API_KEY}`",
    ),
    (
        "unset for a provider",
        "providers:\n  - module: provider-real\n    config:\n      api_key: ${NO_KEY}\n",
        "environment-unset",
        "error",
        (4, 16),
        "export NO_KEY=…, or `awb key set NO_KEY`",
    ),
    (
        "unset elsewhere",
        "tools:\n  - module: tool-bash\n    config: {where: '${NO_DIR}'}\n",
        "environment-unset",
        "warning",
        (3, 21),
        "export NO_DIR=…, or write `${NO_DIR:default}`",
    ),
]


@pytest.mark.parametrize(
    ("text", "code", "severity", "place", "hint"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_a_problem_has_its_severity_place_and_hint(
    text: str, code: str, severity: str, place: tuple[int, int], hint: str
):
    problem = one(text)
    assert (problem.code, problem.severity, (problem.line, problem.column), problem.hint) == (
        code,
        severity,
        place,
        hint,
    )


@pytest.mark.parametrize(
    "text",
    [
        "bundle: {name: a, version: 1.0, description: b}\n",
        "session: {orchestrator: loop-basic, context: {module: context-simple, config: {x: 1}}, raw: true}\n",
        "providers:\n  - module: provider-real\n    id: fast\n    config: {model: x, limits: {per_minute: 3}}\n",
        "tools:\n  - {module: tool-needy, config: {folder: '${A:b}', depth: '${DEPTH:2}'}}\n",
        "tools:\n  - {module: tool-bash, id: one}\n  - {module: tool-bash, id: two}\n",
        "providers:\n  - {module: provider-real, config: {api_key: '${KEY:}', priority: 5}}\n",
        "spawn: {exclude_tools: [tool-task]}\n",
    ],
)
def test_a_good_text_has_no_problems(text: str):
    assert check(text) == ()


FIXED = [
    ("tols: []\n", "tools: []\n"),
    ("tools:\n  - module: 'tool-bsh'\n", "tools:\n  - module: 'tool-bash'\n"),
    ("includes:\n  - source: foundation\n", "includes:\n  - bundle: foundation\n"),
    ("includes: foundation\n", "includes: [{bundle: foundation}]\n"),
    ("tools:\n  - tool-bash # why\n", "tools:\n  - module: tool-bash # why\n"),
    ("spawn:\n  exclude_tools: [bash]\n", "spawn:\n  exclude_tools: [tool-bash]\n"),
    ("context: {include: ['@a.md']}\n", "context: {include: ['a.md']}\n"),
    ("session: {orchestrator: loop-basc}\n", "session: {orchestrator: loop-basic}\n"),
    (
        "providers: [{module: provider-real, config: {api_key: sk-abcdefghijklmnopqrstuv}}]\n",
        'providers: [{module: provider-real, config: {api_key: "${API_KEY}"}}]\n',
    ),
    ("session:\n  orchestratr: loop-basic # why\n", "session:\n  orchestrator: loop-basic # why\n"),
    ("session:\n  permisions: {deny: [bash]}\n", "session:\n  permissions: {deny: [bash]}\n"),
    ("session: {'contxt': context-simple}\n", "session: {'context': context-simple}\n"),
    (
        "providers:\n  - module: provider-real\n    config: {limits: {per_minut: 3}}\n",
        "providers:\n  - module: provider-real\n    config: {limits: {per_minute: 3}}\n",
    ),
    (
        "providers:\n  - module: provider-real\n    config:\n      api_mode: respones\n",
        "providers:\n  - module: provider-real\n    config:\n      api_mode: responses\n",
    ),
    (
        "providers:\n  - module: provider-real\n    config: {rates: {inptu: 3}}\n",
        "providers:\n  - module: provider-real\n    config: {rates: {input: 3}}\n",
    ),
    ("spawn:\n  tools: [tool-tsk]\n", "spawn:\n  tools: [tool-task]\n"),
    ("spawn: {tools: tool-task}\n", "spawn: {tools: [tool-task]}\n"),
    ("tools: tool-bash\n", "tools: [{module: tool-bash}]\n"),
    ("tools:\n  - module: tool-bash\n    id: 7\n", 'tools:\n  - module: tool-bash\n    id: "7"\n'),
    ("bundle:\n  name: a\n  includes: []\n", "bundle:\n  name: a\n\nincludes: []\n"),
    ("context: {include: notes.md}\n", "context: {include: [notes.md]}\n"),
    (
        "tools:\n- module: tool-bash\n- module: tool-bash\n",
        "tools:\n- module: tool-bash\n- module: tool-bash\n  id: tool-bash-2\n",
    ),
    ("bundle: {name: !!python/name:os.system a}\n", "bundle: {name: a}\n"),
    ("tools:\n  - &shell {module: tool-bash}\n  - *shel\n", "tools:\n  - &shell {module: tool-bash}\n  - *shell\n"),
    ("bundle:\n  description: Reviews: all # why\n", 'bundle:\n  description: "Reviews: all" # why\n'),
    ("bundle:\n  description: @home\n", 'bundle:\n  description: "@home"\n'),
]


@pytest.mark.parametrize(("text", "fixed"), FIXED)
def test_a_fix_changes_exactly_what_is_wrong(text: str, fixed: str):
    problem = one(text)
    assert problem.fix is not None
    assert problem.fix.apply(text) == fixed
    assert problem.fix.inverse().apply(fixed) == text
    left = [p for p in validate(fixed, CATALOG, env={"API_KEY": "x"}) if p.code == problem.code]
    assert left == []


def test_a_list_that_holds_a_reference_is_judged_when_it_is_filled_in():
    assert check("providers:\n  - module: provider-real\n    config: {rates: {input: '${PRICE:3}'}}\n") == ()


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("bash", "tool-bash"),
        ("tol-bash", "tool-bash"),
        ("Tool-Bash", "tool-bash"),
        ("tool_bash", "tool-bash"),
        ("tool-delegate", ""),
    ],
)
def test_the_nearest_module_is_named_and_no_far_one(written: str, hint: str):
    problem = one(f"tools: [{{module: {written}}}]")
    assert hint in problem.hint
    assert (problem.fix is not None) is bool(hint)


def test_everything_wrong_is_reported_worst_first():
    found = check("tols: []\nincludes: x\ntools:\n  - module: tool-bsh\nproviders:\n  - module: nothing-like-it\n")
    assert [p.severity for p in found] == ["error", "error", "warning", "warning"]


def test_bad_yaml_is_an_error_and_nothing_else_is_guessed():
    found = check("tools:\n\t- module: tool-bash\n")
    assert [p.code for p in found] == ["yaml-tab"]


def test_a_secret_is_never_repeated_in_a_problem():
    secret = "sk-abcdefghijklmnopqrstuv"
    found = check(f"providers: [{{module: provider-real, config: {{api_key: {secret}, priority: {secret}}}}}]\n")
    assert found
    assert all(secret not in str(p) and secret not in str(p.to_json()) for p in found)


def test_a_broken_plugin_says_why():
    broken = type(CATALOG)(CATALOG.modules, {"tool-broken": "broken.py: ImportError: no gl"})
    (problem,) = validate("tools: [{module: tool-broken}]", broken)
    assert (problem.severity, "no gl" in problem.message) == ("warning", True)


def test_a_value_that_an_include_set_is_named_in_its_file(tmp_path: Path):
    (tmp_path / "a.yaml").write_text("providers:\n  - module: provider-real\n    config:\n      priority: high\n")
    sources = Sources(cache=tmp_path / "cache", offline=True)
    text = "includes: [./a.yaml]\nproviders:\n  - module: provider-real\n    config: {model: x}\n"
    problem = one(text, base=tmp_path, fetcher=sources)
    assert (problem.source, problem.line, problem.path) == ("a.yaml", 4, "providers[0].config.priority")


def test_what_an_include_may_still_bring_is_not_missing(tmp_path: Path):
    sources = Sources(cache=tmp_path / "cache", offline=True)
    text = "includes: [./gone.yaml]\ntools:\n  - module: tool-needy\n    config: {depth: 2}\n"
    assert [p.code for p in check(text, base=tmp_path, fetcher=sources)] == ["include-missing"]
    assert check(text) == ()


def long_text(entries: int) -> str:
    entry = "  # why\n  - module: tool-needy\n    id: n{0}\n    config:\n      folder: /x/{0}\n      depth: {0}\n\n"
    return "bundle:\n  name: long\nincludes: [./inc.yaml]\ntools:\n" + "".join(entry.format(n) for n in range(entries))


def test_a_thousand_lines_are_validated_while_typing(tmp_path: Path):
    (tmp_path / "inc.yaml").write_text("hooks: [{module: hooks-logging}]")
    sources = Sources(cache=tmp_path / "cache", offline=True)
    text = long_text(142)
    assert text.count("\n") >= 998
    times = []
    for number in range(8):
        edited = text + f"# {number}\n"
        started = time.perf_counter()
        assert check(edited, base=tmp_path, fetcher=sources) == ()
        times.append(time.perf_counter() - started)
    # The promise is 30 ms; shared machines get three times as much.
    assert min(times) < 0.09, f"{min(times) * 1000:.1f} ms"


MEANT = [
    ("includes:\n  - bundle: ./bese\n", "includes:\n  - bundle: ./base\n"),
    (
        "includes: [./base, 'mien:part']\nbundle: {name: mine}\n",
        "includes: [./base, 'mine:part']\nbundle: {name: mine}\n",
    ),
    ("agents:\n  include: [helpr]\n", "agents:\n  include: [helper]\n"),
    ("context:\n  include:\n    - note.md # why\n", "context:\n  include:\n    - notes.md # why\n"),
    ("includes:\n  - ./base\n  - ./part\n  - ./base\n", "includes:\n  - ./base\n  - ./part\n"),
    (
        "includes: [./part]\nsession:\n  orchestrator: loop-basic\n",
        "includes: [./part]\nsession:\n  orchestrator: {module: loop-basic}\n",
    ),
]


@pytest.mark.parametrize(("text", "fixed"), MEANT)
def test_a_reference_is_corrected_to_the_name_beside_it(text: str, fixed: str, tmp_path: Path):
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents" / "helper.md").write_text("---\nmeta: {name: helper}\n---\nHelp.\n")
    (tmp_path / "base.yaml").write_text("bundle: {name: base}\n")
    (tmp_path / "part.yaml").write_text("session: {orchestrator: {module: loop-basic, config: {max_iterations: 3}}}\n")
    (tmp_path / "notes.md").write_text("Notes.\n")
    sources = Sources(cache=tmp_path / "cache", offline=True)
    problem = one(text, base=tmp_path, fetcher=sources)
    assert problem.fix is not None
    assert problem.fix.apply(text) == fixed
    assert [one.code for one in check(fixed, base=tmp_path, fetcher=sources)] == []
