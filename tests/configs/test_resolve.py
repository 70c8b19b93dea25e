"""Resolution: from a folder of bundles to a plan, with problems where something is missing."""

import os
from pathlib import Path
from typing import Any

import pytest

from agent_workbench.configs.plan import Plan
from agent_workbench.configs.resolve import PlanCache, resolve_bundle
from agent_workbench.services.sources import Sources


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


class Bench:
    """A folder with bundles, and what a text in it resolves to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "work"
        self.folder.mkdir()
        self.shipped = folder / "shipped"
        self.shipped.mkdir()
        self.sources = self.make_sources()

    def make_sources(self, **more: Any) -> Sources:
        return Sources(cache=self.folder.parent / "cache", shipped=self.shipped, offline=True, **more)

    def files(self, **files: str) -> None:
        write(self.folder, {name.replace("__", "/"): text for name, text in files.items()})

    def plan(self, text: str, *, name: str = "config", **more: Any) -> Plan:
        more.setdefault("fetcher", self.sources)
        return resolve_bundle(text, name=name, base=self.folder, cache=None, **more)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


TOOL = "tools:\n  - module: tool-{0}\n"


def modules(plan: Plan, section: str = "tools") -> list[str]:
    return [entry["module"] for entry in plan.mount_plan.get(section, ())]


def codes(plan: Plan) -> list[str]:
    return [problem.code for problem in plan.problems]


# includes


@pytest.mark.parametrize(
    ("uri", "file"),
    [
        ("./a.yaml", "a.yaml"),
        ("./a", "a.yaml"),
        ("./a", "a.yml"),
        ("./a", "a.md"),
        ("./a", "a/bundle.md"),
        ("./a", "a/bundle.yaml"),
        ("./deep/../a", "a.yaml"),
        ("me:a", "a.yaml"),
        ("me:deep/a", "deep/a.md"),
        ("me:deep/a", "deep/a/bundle.yaml"),
    ],
)
def test_a_path_may_leave_out_its_ending_or_be_a_folder(bench: Bench, uri: str, file: str):
    text = TOOL.format("a")
    write(bench.folder, {file: f"---\n{text}---\nBody" if file.endswith(".md") else text})
    plan = bench.plan(f"bundle: {{name: me}}\nincludes: [{{bundle: '{uri}'}}]\n")
    assert (codes(plan), modules(plan)) == ([], ["tool-a"])
    assert plan.instruction == ("Body" if file.endswith(".md") else "")


@pytest.mark.parametrize("form", ["{}", "file://{}"])
def test_an_absolute_path_is_included(bench: Bench, form: str, tmp_path: Path):
    write(tmp_path, {"elsewhere/a.yaml": TOOL.format("a")})
    uri = form.format(tmp_path / "elsewhere" / "a.yaml")
    assert modules(bench.plan(f"includes: ['{uri}']")) == ["tool-a"]


def test_a_relative_include_starts_at_the_including_file(bench: Bench):
    bench.files(
        **{
            "one__a.yaml": "includes: [./b.yaml, ../c.yaml]",
            "one__b.yaml": TOOL.format("b"),
            "c.yaml": TOOL.format("c"),
        }
    )
    assert modules(bench.plan("includes: [./one/a.yaml]")) == ["tool-b", "tool-c"]


def test_an_include_that_leaves_its_base_is_refused_unless_that_folder_is_trusted(bench: Bench, tmp_path: Path):
    write(tmp_path, {"outside.yaml": TOOL.format("outside")})
    refused = bench.plan("includes:\n  - ../outside.yaml\n")
    assert (codes(refused), refused.problems[0].line, modules(refused)) == (["include-missing"], 2, [])
    assert "leads out of" in refused.problems[0].message
    trusting = bench.make_sources(trusted=[tmp_path])
    assert modules(bench.plan("includes: [../outside.yaml]", fetcher=trusting)) == ["tool-outside"]


def test_a_link_that_leaves_the_base_is_refused(bench: Bench, tmp_path: Path):
    write(tmp_path, {"outside.yaml": TOOL.format("outside")})
    (bench.folder / "inside.yaml").symlink_to(tmp_path / "outside.yaml")
    assert codes(bench.plan("includes: [./inside.yaml]")) == ["include-missing"]


def test_a_sibling_folder_with_the_same_beginning_is_outside(bench: Bench, tmp_path: Path):
    write(tmp_path, {"work-secret/a.yaml": TOOL.format("a")})
    assert codes(bench.plan("includes: [../work-secret/a.yaml]")) == ["include-missing"]


@pytest.mark.parametrize(
    "context", ["/etc/passwd", "../../../etc/passwd", "~/.ssh/id_rsa", "/proc/self/environ", "/dev/zero"]
)
def test_a_context_file_outside_the_base_is_refused(bench: Bench, context: str):
    plan = bench.plan(f"context: {{include: ['{context}']}}")
    assert (codes(plan), plan.context_texts) == (["context-missing"], ())


def test_devices_pipes_and_big_files_are_not_read(bench: Bench):
    os.mkfifo(bench.folder / "pipe.yaml")
    bench.files(**{"big.yaml": "#" * 1_000_001})
    for uri in ("./pipe.yaml", "./big.yaml", "/dev/zero"):
        assert codes(bench.plan(f"includes: [{uri}]")) == ["include-missing"], uri


def test_every_kind_of_missing_include_is_an_error_on_its_line_and_the_rest_is_shown(bench: Bench):
    plan = bench.plan(
        "includes:\n  - nobody\n  - ./gone.yaml\n  - nobody:here\n  - bundle: git+https://example.org/x@main\n"
        "  - https://example.org/x.yaml\n  - config:none\n  - behaviors/x.yaml\n" + TOOL.format("own")
    )
    assert [(p.line, p.severity, p.code) for p in plan.problems] == [
        (n, "error", "include-missing") for n in range(2, 9)
    ]
    assert modules(plan) == ["tool-own"]
    assert plan.errors


def test_a_misspelt_name_has_a_hint(bench: Bench):
    write(bench.shipped, {"foundation/bundle.yaml": TOOL.format("a")})
    (problem,) = bench.plan("includes: [foundatoin]").problems
    assert problem.hint == "did you mean `foundation`?"
    (problem,) = bench.plan("includes: [behaviors/x.yaml]").problems
    assert problem.hint == "write `./behaviors/x.yaml`"


def test_an_include_with_bad_yaml_names_its_own_line(bench: Bench):
    bench.files(**{"bad.yaml": "tools:\n  - module: a\n   bad: 1\n"})
    plan = bench.plan("includes: [./bad.yaml]")
    assert {problem.source for problem in plan.errors} == {"bad.yaml"}
    assert plan.errors[0].line == 3


# cycles, diamonds


def test_a_cycle_prints_the_real_chain_and_the_rest_composes(bench: Bench):
    bench.files(
        **{
            "a.yaml": "includes: [./b.yaml]\n" + TOOL.format("a"),
            "b.yaml": "includes:\n  - ./c.yaml\n" + TOOL.format("b"),
            "c.yaml": "includes:\n  - ./a.yaml\n" + TOOL.format("c"),
        }
    )
    plan = bench.plan("includes: [./a.yaml]")
    (problem,) = plan.problems
    assert (problem.code, problem.source, problem.line) == ("include-cycle", "c.yaml", 2)
    assert problem.message == "includes go in a circle: a.yaml → b.yaml → c.yaml → a.yaml"
    assert modules(plan) == ["tool-c", "tool-b", "tool-a"]


def test_a_bundle_that_includes_itself_is_a_cycle(bench: Bench):
    text = "includes:\n  - ./self.yaml\n"
    bench.files(**{"self.yaml": text})
    (problem,) = bench.plan(text, name="self.yaml").problems
    assert problem.message == "includes go in a circle: self.yaml → self.yaml"


def test_a_diamond_is_no_cycle_and_is_read_once(bench: Bench):
    bench.files(
        **{
            "a.yaml": "includes: [./base.yaml]\n" + TOOL.format("a"),
            "b.yaml": "includes: [./base.yaml]\n" + TOOL.format("b"),
            "base.yaml": TOOL.format("base"),
        }
    )
    plan = bench.plan("includes: [./a.yaml, ./b.yaml]")
    assert (codes(plan), modules(plan)) == ([], ["tool-base", "tool-a", "tool-b"])
    assert plan.includes.count("base.yaml") == 1


def test_a_net_of_includes_is_composed_in_no_time(bench: Bench):
    for n in range(40):
        bench.files(**{f"n{n}.yaml": f"includes: [./n{n + 1}.yaml, ./n{n + 2}.yaml]\ntools: [{{module: t, n: {n}}}]\n"})
    bench.files(**{"n40.yaml": TOOL.format("x"), "n41.yaml": ""})
    plan = bench.plan("includes: [./n0.yaml]")
    assert plan.errors == ()
    assert plan.mount_plan["tools"][1] == {"module": "t", "n": 0}
    assert max(len(origins) for origins in plan.origins.values()) == 40


def test_too_long_a_chain_is_one_error(bench: Bench):
    for n in range(70):
        bench.files(**{f"n{n}.yaml": f"includes: [./n{n + 1}.yaml, ./n{n + 2}.yaml]\n"})
    assert codes(bench.plan("includes: [./n0.yaml]")) == ["include-too-many"]


def test_including_twice_is_said(bench: Bench):
    bench.files(**{"a.yaml": TOOL.format("a")})
    plan = bench.plan("includes:\n  - ./a.yaml\n  - ./a.yaml\n")
    assert [(p.code, p.line) for p in plan.problems] == [("include-twice", 3)]
    assert modules(plan) == ["tool-a"]


# namespaces, names, overrides


def test_a_shipped_name_is_a_namespace_too(bench: Bench):
    write(
        bench.shipped, {"base/bundle.md": "---\nbundle: {name: base}\n---\nHello", "base/more/a.yaml": TOOL.format("a")}
    )
    plan = bench.plan("includes: [base, base:more/a]")
    assert (codes(plan), modules(plan), plan.instruction) == ([], ["tool-a"], "Hello")
    assert str(plan.origins["tools[tool-a]"][0]) == "base:more/a.yaml:2"


def test_a_namespace_of_one_include_serves_the_others_in_any_order(bench: Bench):
    bench.files(**{"lib__bundle.yaml": "bundle: {name: lib}", "lib__x__a.yaml": TOOL.format("a")})
    for order in ("[./lib, 'lib:x/a']", "['lib:x/a', ./lib]"):
        plan = bench.plan(f"includes: {order}")
        assert (codes(plan), modules(plan)) == ([], ["tool-a"]), order


def test_a_bundle_below_another_knows_the_name_at_the_top_of_its_tree(bench: Bench):
    bench.files(
        **{
            "lib__bundle.yaml": "bundle: {name: lib}",
            "lib__behaviors__a.yaml": "includes: ['lib:behaviors/b', ../tools.yaml]",
            "lib__behaviors__b.yaml": TOOL.format("b"),
            "lib__tools.yaml": TOOL.format("t"),
        }
    )
    plan = resolve_bundle(
        "includes: [./a.yaml]", base=bench.folder / "lib" / "behaviors", fetcher=bench.sources, cache=None
    )
    assert (codes(plan), modules(plan)) == ([], ["tool-b", "tool-t"])


def test_the_outcome_does_not_depend_on_what_was_resolved_before(bench: Bench):
    bench.files(**{"lib__bundle.yaml": "bundle: {name: lib}\n" + TOOL.format("l"), "user.yaml": "includes: [lib]\n"})
    fresh = bench.plan("includes: [./user.yaml]", fetcher=bench.make_sources())
    used = bench.make_sources()
    bench.plan("includes: [./lib]", fetcher=used)
    again = bench.plan("includes: [./user.yaml]", fetcher=used)
    assert (again.mount_plan, codes(again), again.digest) == (fresh.mount_plan, codes(fresh), fresh.digest)
    assert codes(fresh) == ["include-missing"]


def test_a_file_is_called_the_same_whatever_was_reached_through_its_folder_before(bench: Bench):
    bench.files(**{"a.yaml": TOOL.format("a"), "bundle.yaml": "bundle: {name: lib}"})
    sources = bench.make_sources(overrides={"other": str(bench.folder)})
    before = bench.plan("includes: [./a.yaml]", fetcher=sources)
    assert bench.plan("includes: ['other:a']", fetcher=sources).includes == ("other:a.yaml",)
    after = bench.plan("includes: [./a.yaml]", fetcher=sources)
    assert (after.includes, after.digest) == (before.includes, before.digest) == (("a.yaml",), before.digest)


def test_a_bundle_inside_a_bundle_may_still_use_what_is_beside_it(bench: Bench):
    bench.files(
        **{
            "lib__bundle.yaml": "bundle: {name: lib}",
            "lib__inner__bundle.yaml": "bundle: {name: inner}\nincludes: [../beside.yaml]",
            "lib__beside.yaml": TOOL.format("beside"),
        }
    )
    sources = bench.make_sources(overrides={"lib": str(bench.folder / "lib")})
    plan = bench.plan("includes: ['lib:inner']", fetcher=sources)
    assert (codes(plan), plan.includes) == ([], ("lib:inner/bundle.yaml", "lib:beside.yaml"))


@pytest.mark.parametrize(
    ("key", "uri"),
    [
        ("git+https://example.org/team/lib@main", "git+https://example.org/team/lib@main"),
        ("git+https://example.org/team/lib@main", "git+https://example.org/team/lib@main#subdirectory=a.yaml"),
        ("git+https://example.org/team/lib", "git+https://example.org/team/lib@v2#subdirectory=a"),
        ("git+https://example.org/team/", "git+https://example.org/team/folder@v2#subdirectory=a.yaml"),
        ("lib", "lib"),
        ("lib", "lib:a"),
    ],
)
def test_a_source_override_maps_a_uri_or_its_beginning_to_a_folder(bench: Bench, key: str, uri: str):
    there = "mine/folder/" if key.endswith("/") else "mine/"
    write(bench.folder, {f"{there}bundle.yaml": TOOL.format("a"), f"{there}a.yaml": TOOL.format("a")})
    sources = bench.make_sources(overrides={key: str(bench.folder / "mine"), "git+https://example.org/": "/nowhere"})
    plan = bench.plan(f"includes: ['{uri}']", fetcher=sources)
    assert (codes(plan), modules(plan)) == ([], ["tool-a"])


def test_overriding_the_address_of_a_shipped_bundle_overrides_its_name(bench: Bench):
    write(bench.shipped, {"foundation/bundle.yaml": TOOL.format("shipped")})
    bench.files(**{"mine__bundle.yaml": TOOL.format("mine")})
    address = "git+https://github.com/microsoft/amplifier-foundation@main"
    sources = bench.make_sources(overrides={address: str(bench.folder / "mine")})
    assert modules(bench.plan("includes: [foundation]")) == ["tool-shipped"]
    assert modules(bench.plan("includes: [foundation]", fetcher=sources)) == ["tool-mine"]


# composition through files


def test_the_own_content_wins_and_origins_tell_the_story(bench: Bench):
    bench.files(
        **{"base.yaml": "session:\n  context:\n    module: context-simple\n    config:\n      max_tokens: 100\n"}
    )
    plan = bench.plan(
        "includes: [./base.yaml]\nsession:\n  context:\n    config:\n      max_tokens: 200\n", name="mine"
    )
    assert plan.mount_plan["session"]["context"] == {"module": "context-simple", "config": {"max_tokens": 200}}
    origins = plan.origins["session.context.config.max_tokens"]
    assert [str(origin) for origin in origins] == ["base.yaml:5", "mine:5"]


def test_the_traps_are_warned_of_in_their_lines(bench: Bench):
    bench.files(**{"base.yaml": "session:\n  orchestrator: {module: loop-basic, source: x, config: {a: 1}}\n"})
    plan = bench.plan("includes: [./base.yaml]\nsession:\n  orchestrator: loop-streaming\n")
    assert [(p.code, p.severity, p.line) for p in plan.problems] == [("trap-slot-name", "warning", 3)]
    assert plan.mount_plan["session"] == {"orchestrator": "loop-streaming"}


def test_a_relative_source_keeps_its_meaning(bench: Bench):
    bench.files(**{"lib__a.yaml": "tools: [{module: t, source: ./modules/t}]"})
    plan = bench.plan("includes: [./lib/a.yaml]")
    assert plan.mount_plan["tools"][0]["source"] == str(bench.folder / "lib" / "modules" / "t")


def test_empty_sections_are_absent(bench: Bench):
    plan = bench.plan("bundle:\nincludes:\nsession:\nproviders:\ntools:\nhooks:\nagents:\ncontext:\nspawn:\n")
    assert (codes(plan), plan.mount_plan) == ([], {})


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n---\n# Title\n"])
def test_a_text_with_nothing_in_it_is_an_empty_plan(bench: Bench, text: str):
    plan = bench.plan(text)
    assert (plan.errors, plan.mount_plan) == ((), {})


# agents


AGENT = "---\nmeta:\n  name: x\n  description: From the file\nmodel_role: fast\ntools:\n  - module: t\n---\nDo it.\n"


def test_an_agents_file_gives_meta_siblings_and_instruction_and_inline_wins(bench: Bench):
    bench.files(**{"agents__helper.md": AGENT, "agents__mixed.md": AGENT})
    plan = bench.plan(
        "bundle: {name: me}\nagents:\n  include: ['me:helper']\n  mixed: {description: Inline, model_role: ''}\n"
        "  alone: {description: Alone, instruction: Be.}\n"
    )
    assert codes(plan) == []
    helper, mixed, alone = plan.agents.values()
    assert (helper.name, helper.description, helper.instruction) == ("me:helper", "From the file", "Do it.")
    assert helper.data == {"model_role": "fast", "tools": [{"module": "t"}]}
    assert (mixed.description, mixed.instruction, mixed.data["model_role"]) == ("Inline", "Do it.", "fast")
    assert plan.mount_plan["agents"]["alone"] == {"description": "Alone", "instruction": "Be."}
    assert str(plan.origins["agents.mixed.model_role"][0]) == "agents/mixed.md:5"
    assert alone.name == "alone"


def test_a_missing_agent_is_an_error_on_its_line(bench: Bench):
    plan = bench.plan("agents:\n  include:\n    - ghost\n")
    assert [(p.code, p.severity, p.line, p.column) for p in plan.problems] == [("agent-missing", "error", 3, 7)]


def test_a_later_agent_replaces_the_whole_of_an_earlier_one(bench: Bench):
    bench.files(**{"base.yaml": "agents: {a: {description: Old, model_role: fast}}"})
    plan = bench.plan("includes: [./base.yaml]\nagents: {a: {description: New}}")
    assert plan.mount_plan["agents"]["a"] == {"description": "New"}


# context and mentions


def test_context_files_accumulate_under_their_namespace(bench: Bench):
    bench.files(
        **{"lib__bundle.yaml": "bundle: {name: lib}\ncontext: {include: [one.md], two: ctx/two.md}\n",
           "lib__one.md": "One", "lib__ctx__two.md": "Two", "own.md": "Own"}
    )  # fmt: skip
    plan = bench.plan("bundle: {name: me}\nincludes: [./lib]\ncontext: {include: [own.md, 'lib:one.md']}\n")
    assert codes(plan) == []
    assert list(plan.context) == ["lib:one.md", "lib:two", "me:own.md"]
    assert [text for _, text in plan.context_texts] == ["One", "Two", "Own"]


def test_mentions_go_three_levels_deep_and_no_content_comes_twice(bench: Bench):
    bench.files(**{"a.md": "A @b.md", "b.md": "B @c.md", "c.md": "C @d.md", "d.md": "D", "copy.md": "A @b.md"})
    plan = bench.plan("---\nbundle: {name: me}\n---\nSee @a.md and @me:copy.md.\n", name="x.md")
    assert (codes(plan), [name for name, _ in plan.context_texts]) == ([], ["@a.md", "@b.md", "@c.md"])


def test_code_and_addresses_mention_nothing_and_a_missing_file_is_a_problem(bench: Bench):
    body = "Write to kim@example.org or @kim.\n`@gone.md`\n```\n@gone.md\n```\nBut @ns:gone.md and @here/gone.md\n"
    plan = bench.plan(f"---\nbundle: {{name: me}}\n---\n{body}", name="x.md")
    found = [(p.code, p.severity, p.line, p.column) for p in plan.problems]
    assert found == [("mention-missing", "warning", 9, 5), ("mention-missing", "warning", 9, 21)]


def test_an_agents_mentions_belong_to_the_agent(bench: Bench):
    bench.files(**{"agents__a.md": "---\nmeta: {description: D}\n---\nRead @notes.md", "notes.md": "Notes"})
    plan = bench.plan("agents: {include: [a]}")
    assert plan.agents["a"].context_texts == (("@notes.md", "Notes"),)
    assert plan.context_texts == ()


# caching


def test_a_cached_plan_is_the_same_object_until_any_of_its_files_changes(bench: Bench):
    bench.files(**{"a.yaml": "includes: [./b.yaml]\n", "b.yaml": TOOL.format("old")})
    cache = PlanCache()

    def plan() -> Plan:
        return resolve_bundle(
            "includes: [./a.yaml, ./late.yaml]", base=bench.folder, fetcher=bench.sources, cache=cache
        )

    first = plan()
    assert plan() is first
    bench.files(**{"b.yaml": TOOL.format("changed")})
    second = plan()
    assert modules(second) == ["tool-changed"]
    assert second.digest != first.digest
    bench.files(**{"late.yaml": TOOL.format("late")})
    assert modules(plan()) == ["tool-changed", "tool-late"]


def test_without_a_fetcher_the_text_is_looked_at_alone(bench: Bench):
    plan = bench.plan("includes: [anything]\nagents: {include: [x]}\n" + TOOL.format("a"), fetcher=None)
    assert (codes(plan), modules(plan)) == ([], ["tool-a"])
    assert plan.mount_plan["agents"] == {"x": {"name": "x"}}
