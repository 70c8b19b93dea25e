"""What is known before a person acts: what a save changes, where a value was set, which variables are missing."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from agent_workbench.services.effects import effect_of
from agent_workbench.services.origins import text_behind
from agent_workbench.services.preferences import described
from agent_workbench.services.shared import SharedContext, open_workbench
from agent_workbench.services.variables import unset_in

TEXT = "bundle:\n  name: x\nproviders:\n  - module: provider-mock\n    config:\n      delay: 1\n"


@pytest.fixture
async def shared(tmp_path: Path):
    made = open_workbench(tmp_path / "x.db", workspace=tmp_path, samples=False)
    yield made
    await made.close()


async def test_a_save_changes_something_for_those_that_follow_and_nothing_for_the_pinned(shared: SharedContext):
    config = await shared.configs.create_config("x", TEXT)
    for pinned in (None, None, 1):
        await shared.sessions.create_session(config.config_id, pinned_revision=pinned)
    effect = await effect_of(shared, config, TEXT.replace("delay: 1", "delay: 2"))
    assert [change.path for change in effect.changes] == ["providers[provider-mock].config.delay"]
    assert effect.when == "2 sessions take it at the next message; 1 session keeps to a pinned revision"
    comment = await effect_of(shared, config, TEXT + "# only words\n")
    assert comment.changes == ()
    assert comment.when.startswith("nothing changes for 2 sessions")


async def test_the_text_behind_an_origin_is_that_of_the_include(shared: SharedContext, tmp_path: Path):
    (tmp_path / "base.yaml").write_text("bundle:\n  name: base\ntools:\n  - module: tool-bash\n")
    text = "includes:\n  - bundle: ./base.yaml\n" + TEXT
    plan = await shared.configs.plan_text(text, name="x", base=tmp_path)
    origin = plan.origins["tools[tool-bash]"][-1]
    found = await asyncio.to_thread(text_behind, shared.bundles, text, origin.source, name="x", base=tmp_path)
    assert found is not None
    assert "tool-bash" in found.text.splitlines()[origin.line - 1]
    assert text_behind(shared.bundles, text, "nowhere", name="x", base=tmp_path) is None


@pytest.mark.parametrize(
    ("text", "unset"),
    [
        ("a: ${SURELY_NOT_SET}", ("SURELY_NOT_SET",)),
        ("a: ${SURELY_NOT_SET:x}", ()),
        ("# ${SURELY_NOT_SET}\na: b", ()),
        ("a: ${HOME}", ()),
        ("a: b", ()),
    ],
)
def test_only_variables_that_somebody_still_has_to_set_are_named(text: str, unset: tuple[str, ...]):
    assert unset_in(text) == unset


def test_every_setting_says_where_it_comes_from(tmp_path: Path):
    path = tmp_path / "settings.yaml"
    path.write_text("# mine\noffline: true\ntrusted: [~/src]\n")
    assert {one.key: (one.value, one.origin) for one in described(path)} == {
        "sources": ("none", "as shipped"),
        "trusted": ("1: ~/src", "settings.yaml:3"),
        "registered": ("none", "as shipped"),
        "offline": ("true", "settings.yaml:2"),
    }
