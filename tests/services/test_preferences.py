"""The person's settings: what they do, and what a mistake in them says."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent_workbench import paths
from agent_workbench.errors import ConfigError
from agent_workbench.services.preferences import Preferences, load_preferences, preferences_path
from agent_workbench.services.shared import open_workbench

HELPER = "tools:\n  - module: tool-todo\n"


def settle(text: str) -> Path:
    path = preferences_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "sources:\ntrusted:\nregistered:\noffline:\n"])
def test_settings_that_say_nothing_are_as_good_as_none(text: str) -> None:
    assert load_preferences() == Preferences()
    settle(text)
    assert load_preferences() == Preferences()


def test_paths_are_meant_from_the_home_folder_or_from_the_folder_of_the_file() -> None:
    settle("sources: {acme: ~/acme}\ntrusted: [parts, /srv]\nregistered: {b: 'git+https://h/b'}\noffline: yes\n")
    assert load_preferences() == Preferences(
        sources={"acme": str(Path.home() / "acme")},
        trusted=(paths.config_dir() / "parts", Path("/srv")),
        registered={"b": "git+https://h/b"},
        offline=True,
    )


@pytest.mark.parametrize(
    ("text", "message", "line", "hint"),
    [
        ("offline: true\nsorces: {}\n", "unknown setting `sorces`", 2, "did you mean `sources`?"),
        ("zzz: 1\n", "unknown setting `zzz`", 1, "the keys are sources, trusted, registered, offline"),
        ("trusted: /srv\n", "`trusted` is a list of folders", 1, "write `trusted: [~/src]`"),
        ("trusted: [1]\n", "`trusted` is a list of folders", 1, "write `trusted: [~/src]`"),
        ("sources: [a]\n", "`sources` is a map", 1, "write each on a line of its own, as `name: a folder`"),
        ("registered:\n  a: b\n  c: [d]\n", "`c` needs a URI, as text", 3, ""),
        ("offline: maybe\n", "`offline` is true or false", 1, ""),
    ],
)
def test_a_mistake_is_named_with_its_line_and_a_way_out(text: str, message: str, line: int, hint: str) -> None:
    settle(text)
    with pytest.raises(ConfigError) as caught:
        load_preferences()
    (problem,) = caught.value.problems
    assert (problem.message, problem.line, problem.hint) == (message, line, hint)


def test_settings_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_preferences(tmp_path)
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="UTF-8"):
        load_preferences(tmp_path / "bytes.yaml")


async def test_the_workbench_includes_by_the_settings_and_its_own_overrides_win(tmp_path: Path) -> None:
    for name in ("mine", "other", "given"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "bundle.yaml").write_text(
            f"bundle: {{name: x}}\nhooks:\n  - module: hook-shell\n    id: {name}\n"
        )
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "link.yaml").symlink_to(tmp_path / "other" / "bundle.yaml")
    settle(
        f"sources: {{acme: {tmp_path}/mine}}\ntrusted: [{tmp_path}/other]\nregistered: {{team: '{tmp_path}/given'}}\n"
    )
    text = "includes: [acme, team, ../other, ./link]\n"

    async def ids(**overrides: str) -> list[str]:
        bench = open_workbench(
            tmp_path / "b.db", workspace=tmp_path / "work", source_overrides=overrides, samples=False
        )
        plan = await bench.configs.plan_text(text, base=bench.workspace)
        await bench.close()
        assert not [one for one in plan.problems if one.code == "include-missing"]
        return [entry["id"] for entry in plan.mount_plan["hooks"]]

    assert await ids() == ["mine", "given", "other"]
    assert await ids(acme=str(tmp_path / "given")) == ["given", "other"]


async def test_includes_stay_in_the_workspace_unless_a_folder_is_trusted(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "outside.yaml").write_text(HELPER)
    bench = open_workbench(tmp_path / "b.db", workspace=tmp_path / "work", samples=False)
    plan = await bench.configs.plan_text("includes: [../outside.yaml]\n", base=bench.workspace)
    await bench.close()
    assert [one.code for one in plan.errors] == ["include-missing"]
