"""Configs as a person handles them."""

from __future__ import annotations

import pytest

from agent_workbench.errors import Ambiguous, InUse, InvalidYAML, NotFound, RevisionConflict, UsageError
from agent_workbench.services.shared import SharedContext

TEXT = """\
# mine
bundle:
  name: mine   # the name

providers:
  - module: provider-mock  # offline
"""


async def test_a_created_config_comes_back_byte_for_byte(bench: SharedContext):
    made = await bench.configs.create_config("mine", TEXT, "what it is", {"team": "a"})
    read = await bench.configs.get_config(made.config_id)
    assert read == made
    assert (made.yaml_content, made.revision, made.tags) == (TEXT, 1, {"team": "a"})


@pytest.mark.parametrize("bad", ["a: [", "a: 1\na: 2", "- just\n- a list", "\tx: 1"])
async def test_text_that_is_not_a_bundle_is_refused_with_a_place_and_nothing_is_stored(bench: SharedContext, bad: str):
    with pytest.raises(InvalidYAML) as caught:
        await bench.configs.create_config("bad", bad)
    assert caught.value.problems[0].line >= 1
    assert (await bench.configs.list_configs())[1] == 0


async def test_a_config_needs_a_name(bench: SharedContext):
    with pytest.raises(UsageError):
        await bench.configs.create_config("  ", TEXT)


async def test_adding_a_tool_keeps_every_other_byte(bench: SharedContext):
    made = await bench.configs.create_config("mine", TEXT)
    saved = await bench.configs.add_tool_to_config(
        made.config_id, "tool-filesystem", None, {"allowed_write_paths": ["src"]}
    )
    assert saved.yaml_content.startswith(TEXT)
    assert bench.configs.parse_yaml(saved.yaml_content)["tools"] == [
        {"module": "tool-filesystem", "config": {"allowed_write_paths": ["src"]}}
    ]
    assert saved.revision == 2


async def test_adding_the_same_provider_again_merges_and_never_duplicates(bench: SharedContext):
    made = await bench.configs.create_config("mine", TEXT)
    for value in (1, 2):
        saved = await bench.configs.add_provider_to_config(made.config_id, "provider-mock", None, {"priority": value})
    assert "# offline" in saved.yaml_content
    assert bench.configs.parse_yaml(saved.yaml_content)["providers"] == [
        {"module": "provider-mock", "config": {"priority": 2}}
    ]


async def test_merging_a_bundle_appends_to_includes(bench: SharedContext):
    made = await bench.configs.create_config("mine", TEXT)
    saved = await bench.configs.merge_bundle_into_config(made.config_id, "foundation")
    data = bench.configs.parse_yaml(saved.yaml_content)
    assert data["includes"] in ([{"bundle": "foundation"}], ["foundation"])
    plan = await bench.configs.plan(saved)
    assert plan.errors == ()


async def test_whoever_saves_second_is_told_and_nothing_is_lost(bench: SharedContext):
    made = await bench.configs.create_config("mine", TEXT)
    await bench.configs.update_config(made.config_id, yaml_content=TEXT + "# theirs\n", expected_revision=1)
    with pytest.raises(RevisionConflict) as caught:
        await bench.configs.update_config(made.config_id, yaml_content=TEXT + "# ours\n", expected_revision=1)
    assert (caught.value.expected, caught.value.actual) == (1, 2)
    now = await bench.configs.get_config(made.config_id)
    assert now is not None
    assert now.yaml_content.endswith("# theirs\n")


async def test_restoring_a_revision_is_a_new_revision(bench: SharedContext):
    made = await bench.configs.create_config("mine", TEXT)
    await bench.configs.update_config(made.config_id, yaml_content=TEXT + "# two\n", note="second")
    restored = await bench.configs.restore(made.config_id, 1)
    assert (restored.yaml_content, restored.revision) == (TEXT, 3)
    assert [one.revision for one in await bench.configs.revisions(made.config_id)] == [3, 2, 1]
    assert "-# two" in await bench.configs.diff(made.config_id, 2)


async def test_a_config_is_found_by_id_or_by_a_name_that_only_one_has(bench: SharedContext):
    one = await bench.configs.create_config("one", TEXT)
    assert (await bench.configs.find_config("one")).config_id == one.config_id
    assert (await bench.configs.find_config(one.config_id)).name == "one"
    await bench.configs.create_config("one", TEXT)
    with pytest.raises(Ambiguous):
        await bench.configs.find_config("one")
    with pytest.raises(NotFound):
        await bench.configs.find_config("none")


async def test_lists_are_pages_with_a_total(bench: SharedContext):
    for number in range(5):
        await bench.configs.create_config(f"c{number}", TEXT, tags={"odd": str(number % 2)})
    page, total = await bench.configs.list_configs(2, 1, sort="name")
    assert ([one.name for one in page], total) == (["c1", "c2"], 5)
    assert (await bench.configs.list_configs(tag="odd=1"))[1] == 2
    assert (await bench.configs.list_configs(q="c3"))[1] == 1


async def test_a_config_with_sessions_is_deleted_only_by_force(bench: SharedContext):
    made = await bench.configs.create_config("mine", TEXT)
    session = await bench.sessions.create_session(made.config_id)
    with pytest.raises(InUse):
        await bench.configs.delete_config(made.config_id)
    assert await bench.configs.delete_config(made.config_id, force=True)
    assert await bench.sessions.get_session(session.session_id) is None
    assert not await bench.configs.delete_config(made.config_id)
    assert await bench.configs.update_config(made.config_id, name="x") is None
