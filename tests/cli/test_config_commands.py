"""`awb config`: stored texts, edits, checks, history."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_kit import Awb

from agent_workbench import paths

COMMENTED = "# mine\r\ntools:\r\n  - module: tool-todo   # keep\r\nproviders: [ {module: provider-mock} ]\r\n"


def stored(awb: Awb, text: str | bytes, name: str = "mine") -> str:
    return str(awb("config", "import", "-", "--name", name, "--json", stdin=text).json["config_id"])


# --- stored texts


def test_a_new_database_lists_the_samples_with_hello_first(awb: Awb) -> None:
    listed = awb("config", "list", "--json").json
    assert listed["configs"][0]["name"] == "hello"
    assert listed["total"] == len(listed["configs"]) >= 6
    assert "yaml_content" not in listed["configs"][0]


def test_the_list_is_a_table_for_people(awb: Awb) -> None:
    done = awb("config", "list", "--limit", "2", "--sort", "name")
    assert [line.split()[0] for line in done.out.splitlines()] == ["NAME", "anthropic", "coding"]
    assert "2 of" in done.err


@pytest.mark.parametrize(("options", "found"), [(("-q", "delegates"), ["team"]), (("-t", "folder=nowhere"), [])])
def test_the_list_can_be_narrowed(awb: Awb, options: Any, found: list[str]) -> None:
    assert [one["name"] for one in awb("config", "list", *options, "--json").json["configs"]] == found


def test_import_then_export_is_byte_for_byte(awb: Awb, folder: Path) -> None:
    for number, text in enumerate((COMMENTED, "\ufeffbundle: {name: b}\n", "---\nbundle: {name: m}\n---\nBe kind.\n")):
        name = f"c{number}"
        stored(awb, text.encode(), name)
        assert awb("config", "export", name).out.encode() == text.encode()
        awb("config", "export", name, "-o", f"{name}.out")
        assert (folder / f"{name}.out").read_bytes() == text.encode()


def test_import_says_id_name_and_problems(awb: Awb, folder: Path) -> None:
    (folder / "x.yaml").write_text("bundle: {name: from-the-text}\nincludes: [nowhere]\n")
    said = awb("config", "import", "x.yaml", "--json").json
    assert set(said) == {"config_id", "name", "problems"}
    assert said["name"] == "from-the-text"
    assert said["problems"][0]["line"] == 2


def test_import_takes_a_folder_by_its_bundle_file(awb: Awb, folder: Path) -> None:
    (folder / "kit").mkdir()
    (folder / "kit/bundle.md").write_text("---\nproviders: [{module: provider-mock}]\n---\nBe brief.\n")
    assert awb("config", "import", "kit", "--json").json["name"] == "kit"


def test_export_leaves_secrets_out_unless_asked(awb: Awb) -> None:
    secret = "sk-" + "a1b2c3d4" * 4
    text = f'providers:\n  - module: provider-openai\n    config: {{api_key: "{secret}", max_tokens: 5}}  # mine\n'
    stored(awb, text)
    left_out = awb("config", "export", "mine")
    assert secret not in left_out.out + left_out.err
    assert '{api_key: "${OPENAI_API_KEY}", max_tokens: 5}  # mine' in left_out.out
    assert awb("config", "export", "mine", "--with-secrets").out == text
    assert secret not in awb("config", "show", "mine").out
    assert secret not in awb("config", "show", "mine", "--json").out
    assert secret not in awb("config", "plan", "mine", "--json", code=None).out


def test_export_does_not_replace_a_file_unless_forced(awb: Awb, folder: Path) -> None:
    (folder / "kept.yaml").write_text("old")
    assert "--force" in awb("config", "export", "hello", "-o", "kept.yaml", code=5).err
    awb("config", "export", "hello", "-o", "kept.yaml", "--force")
    assert "provider-mock" in (folder / "kept.yaml").read_text()


def test_new_starts_from_nothing_a_template_or_another_config(awb: Awb) -> None:
    awb("config", "new", "bare")
    assert awb("run", "hi", "-c", "bare").out
    awb("config", "new", "mine", "--template", "hello", "-t", "team=a", "-d", "about it")
    shown = awb("config", "show", "mine", "--json").json
    assert "name: mine" in shown["yaml_content"]
    assert (shown["tags"], shown["description"]) == ({"team": "a"}, "about it")
    original = paths.shipped("sample_configs").joinpath("hello.yaml").read_text("utf-8")
    assert shown["yaml_content"] == original.replace("name: hello", "name: mine")
    awb("config", "new", "copy", "--from", "mine")
    assert awb("config", "show", "copy").out == shown["yaml_content"]


@pytest.mark.parametrize("name", ["a: b", "# x", "- y", "1", "yes", "naïve 名前", "team/reviewer", "x.yaml"])
@pytest.mark.parametrize("options", [(), ("--template", "hello")])
def test_a_new_config_may_have_any_name(awb: Awb, name: str, options: tuple[str, ...]) -> None:
    awb("config", "new", "--json", *options, "--", name)
    assert awb("config", "plan", "--json", "--", name).json["name"] == name


def test_a_name_that_is_taken_is_given_again_only_by_force(awb: Awb) -> None:
    assert "'hello' already" in awb("config", "new", "hello", code=5).err
    assert awb("run", "hi", "-c", "hello").out
    awb("config", "new", "hello", "--force")
    assert "more than one" in awb("config", "show", "hello", code=2).err.lower()


def test_delete_removes_a_config_and_refuses_while_sessions_use_it(awb: Awb) -> None:
    awb("config", "new", "mine")
    awb("run", "hi", "-c", "mine")
    assert "still in use" in awb("config", "delete", "mine", code=5).err.lower()
    assert awb("config", "delete", "mine", "--force", "--json").json["deleted"] is True
    awb("config", "show", "mine", code=4)


def test_one_name_for_two_configs_is_said_with_their_ids(awb: Awb) -> None:
    ids = [stored(awb, "bundle: {name: x}\n") for _ in range(2)]
    said = awb("config", "show", "mine", code=2).err
    assert all(one in said for one in ids)
    assert awb("config", "show", ids[0]).out == "bundle: {name: x}\n"


# --- edits


@pytest.mark.parametrize(
    ("command", "added"),
    [
        (("add-tool", "tool-search"), "  - module: tool-search\r\n"),
        (("add-include", "foundation"), "includes:\r\n  - bundle: foundation\r\n"),
    ],
)
def test_an_edit_adds_its_lines_and_changes_no_other_byte(awb: Awb, command: tuple[str, str], added: str) -> None:
    stored(awb, COMMENTED.encode())
    verb, what = command
    said = awb("config", verb, "mine", what, "--json").json
    after = awb("config", "export", "mine").out
    assert said["saved"] is True
    assert said["revision"] == 2
    assert added in after
    assert [line for line in after.splitlines() if line not in added.splitlines() and line] == COMMENTED.splitlines()


def test_settings_are_read_by_the_modules_own_types(awb: Awb) -> None:
    stored(awb, "tools: []\n")
    awb("config", "add-tool", "mine", "tool-bash", "--set", "timeout=5", "--set", "denied_commands=rm *, dd")
    entry = awb("config", "plan", "mine", "--json").json["mount_plan"]["tools"][0]
    assert entry["config"] == {"timeout": 5, "denied_commands": ["rm *", "dd"]}


def test_adding_the_same_module_again_merges(awb: Awb) -> None:
    stored(awb, COMMENTED)
    awb("config", "add-provider", "mine", "provider-mock", "--set", "delay=0")
    awb("config", "add-provider", "mine", "provider-mock", "--set", "loop=true")
    plan = awb("config", "plan", "mine", "--json").json["mount_plan"]
    assert plan["providers"] == [{"module": "provider-mock", "config": {"delay": 0, "loop": True}}]
    again = awb("config", "add-provider", "mine", "provider-mock", "--set", "loop=true", "--json").json
    assert (again["changed"], again["revision"]) == (False, 3)


def test_a_dry_run_prints_the_diff_and_changes_nothing(awb: Awb) -> None:
    awb("config", "new", "mine")
    before = awb("config", "show", "mine").out
    done = awb("config", "add-tool", "mine", "tool-search", "--dry-run")
    assert "+  - module: tool-search" in done.out
    assert awb("config", "show", "mine").out == before


def test_a_bundle_file_is_edited_in_place_with_its_mode_kept(awb: Awb, scripted: Callable[..., str]) -> None:
    path = Path(scripted("one"))
    path.chmod(0o640)
    before = path.read_text()
    awb("config", "add-tool", "./scripted.yaml", "tool-todo")
    assert path.read_text() == before + "tools:\n  - module: tool-todo\n"
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (("add-tool", "hello", "tool-bsh"), 4, "did you mean tool-bash?"),
        (("add-tool", "hello", "provider-mock"), 2, "is a provider module"),
        (("add-tool", "hello", "tool-bash", "--set", "timeout=soon"), 2, "timeout"),
        (("add-tool", "hello", "tool-bash", "--set", "timeout"), 2, "key=value"),
        (("add-tool", "nope", "tool-bash"), 4, "nope"),
        (("add-tool", "broken.yaml", "tool-bash"), 3, "broken.yaml:2:1"),
        (("new", "x", "--template", "helo"), 4, "did you mean hello?"),
        (("new", "x", "--template", "hello", "--from", "hello"), 2, "choose one"),
        (("new", " "), 2, "a name"),
        (("new", "x", "--tag", "t"), 2, "key=value"),
        (("import", "broken.yaml"), 3, "2:1"),
        (("import", "latin.yaml"), 3, "UTF-8"),
        (("show", "."), 4, "bundle.md"),
        (("edit", "-"), 2, "cannot be edited"),
        (("diff", "hello", "local", "--from", "1"), 2, "--from"),
        (("restore", "hello", "99"), 4, "no revision 99"),
        (("frob",), 2, "No such command"),
        (("validate", "hello", "--source", "x"), 2, "URI=PATH"),
    ],
)
def test_what_cannot_be_done_is_one_clear_line_and_an_exit_code(
    awb: Awb, folder: Path, args: Any, code: int, words: str
) -> None:
    (folder / "broken.yaml").write_text("tools: [broken\n")
    (folder / "latin.yaml").write_bytes(b"bundle: {name: caf\xe9}\n")
    done = awb("config", *args, code=code)
    assert words in done.err
    assert "Traceback" not in done.err


# --- the editor


def editor(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    program = folder / "editor.sh"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", str(program))


def test_edit_saves_what_the_editor_leaves_behind(
    awb: Awb, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    stored(awb, COMMENTED.encode())
    editor(folder, monkeypatch, 'printf "# more\\n" >> "$1"')
    done = awb("config", "edit", "mine", "--note", "add a line")
    assert "revision 2" in done.err
    assert awb("config", "export", "mine").out == COMMENTED + "# more\n"
    assert awb("config", "history", "mine", "--json").json["revisions"][0]["note"] == "add a line"
    assert not list(tmp_path.glob("mine-*"))


def test_edit_without_a_change_saves_nothing(awb: Awb, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    awb("config", "new", "mine")
    editor(folder, monkeypatch, "true")
    assert "unchanged" in awb("config", "edit", "mine").err
    assert len(awb("config", "history", "mine", "--json").json["revisions"]) == 1


def test_a_text_that_cannot_be_saved_is_kept_in_a_file_that_is_named(
    awb: Awb, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    awb("config", "new", "mine")
    editor(folder, monkeypatch, 'printf "tools: [half" > "$1"')
    done = awb("config", "edit", "mine", code=3)
    (kept,) = tmp_path.glob("mine-*")
    assert str(kept) in done.err
    assert kept.read_text() == "tools: [half"


# --- checks


def test_validate_says_where_what_and_how_to_fix_it(awb: Awb) -> None:
    text = "providers: [{module: provider-mock}]\ntools:\n  - module: tool-bsh\nincludes: [nowhere]\n"
    done = awb("config", "validate", "-", stdin=text, code=3)
    assert "stdin:4:" in done.err
    assert "stdin:3:" in done.err
    assert "tool-bash" in done.err
    problems = awb("config", "validate", "-", "--json", stdin=text, code=3).json["problems"]
    assert {"severity", "line", "column", "path", "message", "hint"} <= set(problems[0])
    assert problems[0]["severity"] == "error"


def test_warnings_alone_are_no_failure(awb: Awb) -> None:
    text = "providers: [{module: provider-mock}]\ntools:\n  - module: tool-bsh\n"
    assert "1 warning" in awb("config", "validate", "-", stdin=text).err


def test_the_plan_shows_each_value_with_its_origin(awb: Awb, folder: Path) -> None:
    (folder / "base.yaml").write_text("providers:\n  - module: provider-mock\n    config: {delay: 1}\n")
    (folder / "top.yaml").write_text(
        "includes: [./base.yaml]\nproviders:\n  - module: provider-mock\n    config: {delay: 2}\n"
    )
    shown = awb("config", "plan", "top.yaml").out
    assert "delay: 2" in shown
    assert "top.yaml:4" in shown
    plan = awb("config", "plan", "top.yaml", "--json").json
    assert {"mount_plan", "origins", "problems"} <= set(plan)
    assert plan["mount_plan"]["providers"][0]["config"] == {"delay": 2}
    path = "providers[provider-mock].config.delay"
    assert [origin["line"] for origin in plan["origins"][path]] == [3, 4]
    explained = awb("config", "plan", "top.yaml", "--explain", path).out
    assert explained.startswith(f"{path} is 2 because top.yaml:4, over ")
    assert awb("config", "plan", "top.yaml", "--explain", path, "--json").json["value"] == 2
    assert "did you mean" in awb("config", "plan", "top.yaml", "--explain", path[:-1], code=4).err


def test_a_plan_with_a_missing_include_is_still_shown(awb: Awb) -> None:
    done = awb("config", "plan", "-", "--json", stdin="includes: [nowhere]\ntools: [{module: tool-todo}]\n", code=3)
    assert done.json["mount_plan"] == {"tools": [{"module": "tool-todo"}]}
    assert done.json["problems"][0]["severity"] == "error"


@pytest.mark.parametrize("command", ["plan", "validate"])
def test_a_source_override_takes_an_include_from_a_folder(awb: Awb, folder: Path, command: str) -> None:
    (folder / "local").mkdir()
    (folder / "local/bundle.yaml").write_text("providers: [{module: provider-mock}]\n")
    text = "includes: ['git+https://example.org/kit@main']\n"
    done = awb("config", command, "-", "--source", "git+https://example.org/kit@main=local", "--json", stdin=text)
    assert done.json["problems"] == []


def test_the_schema_is_valid_and_knows_every_module(awb: Awb) -> None:
    from jsonschema import Draft202012Validator

    schema = awb("config", "schema").json
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    assert not list(validator.iter_errors({"providers": [{"module": "provider-mock", "config": {"delay": 1}}]}))
    assert not list(validator.iter_errors({"providers": [{"module": "provider-mock", "config": {"delay": "${D:1}"}}]}))
    assert list(validator.iter_errors({"providers": [{"module": "provider-mock", "config": {"delay": "soon"}}]}))
    assert list(validator.iter_errors({"tools": {"module": "tool-bash"}}))


# --- history


def test_history_diff_and_restore_go_back_without_losing_anything(awb: Awb) -> None:
    awb("config", "new", "mine")
    first = awb("config", "show", "mine").out
    awb("config", "add-tool", "mine", "tool-search")
    assert "+  - module: tool-search" in awb("config", "diff", "mine").out
    assert "no difference" in awb("config", "diff", "mine", "--from", "2", "--to", "2").err
    assert awb("config", "restore", "mine", "1", "--json").json["revision"] == 3
    assert awb("config", "show", "mine").out == first
    table = awb("config", "history", "mine").out.splitlines()
    assert [line.split()[0] for line in table] == ["REV", "3", "2", "1"]
    older = awb("config", "history", "mine", "--limit", "1", "--offset", "1", "--json").json["revisions"]
    assert [one["revision"] for one in older] == [2]


def test_two_configs_can_be_compared_as_plans(awb: Awb) -> None:
    stored(awb, "tools: [{module: tool-todo}]  # one\n", "one")
    stored(awb, "# two\ntools:\n  - module: tool-todo\n", "two")
    assert awb("config", "diff", "one", "two", "--json").json["equal"] is False
    assert awb("config", "diff", "one", "two", "--plan", "--json").json["equal"] is True


def test_the_database_can_be_named_before_or_behind_the_command(awb: Awb, folder: Path) -> None:
    awb("--db", "own.db", "config", "new", "mine")
    assert "mine" in awb("config", "list", "--db", "own.db").out
    awb("config", "show", "mine", code=4)
    assert json.loads(awb("config", "show", "mine", "--db", "own.db", "--json").out)["name"] == "mine"


def test_a_database_in_a_folder_that_is_not_there_is_a_slip_and_makes_nothing(awb: Awb, tmp_path: Path) -> None:
    for arguments in (("--db", "no/own.db", "config", "list"), ("config", "list", "--db", "no/own.db")):
        assert "there is no folder" in awb(*arguments, code=2).err
    assert not list(tmp_path.rglob("no"))


def test_a_diff_as_plans_says_what_changes_for_a_session(awb: Awb) -> None:
    stored(
        awb, "# one\nproviders: [{module: provider-mock}]\ntools:\n  - module: tool-bash\n    config: {timeout: 3}\n"
    )
    awb("config", "add-tool", "mine", "tool-bash", "--set", "timeout=4")
    done = awb("config", "diff", "mine", "--as-plans")
    assert done.out == "~ tools[tool-bash].config.timeout: 3 → 4   mine 2:5\n"
    (change,) = awb("config", "diff", "mine", "--as-plans", "--json").json["changes"]
    assert (change["kind"], change["old"], change["new"], change["origin"]["line"]) == ("changed", 3, 4, 5)
    assert awb("config", "diff", "mine", "--as-plans", "--from", "1", "--to", "1", "--json").json["equal"] is True


def test_texts_that_differ_in_a_secret_alone_are_not_called_equal(awb: Awb) -> None:
    stored(awb, "a: {api_key: one}\n", "one")
    stored(awb, "a: {api_key: two}\n", "two")
    done = awb("config", "diff", "one", "two")
    assert (done.out, done.err) == ("", "they differ in line ends, or in secrets\n")


def test_a_plan_says_which_sessions_use_the_config(awb: Awb) -> None:
    stored(awb, "bundle: {name: mine}\nproviders: [{module: provider-mock, config: {responses: [Hi]}}]\n")
    session = awb("run", "hello there", "-c", "mine", "--json").json["session_id"]
    assert [one["session_id"] for one in awb("config", "plan", "mine", "--json").json["used_by"]] == [session]
    assert [one["session_id"] for one in awb("config", "show", "mine", "--json").json["used_by"]] == [session]
    assert "used by 1 session: hello there" in awb("config", "plan", "mine").err
    assert "used by 1 session" in awb("config", "show", "mine").err
    assert awb("config", "show", "mine").out.startswith("bundle:")


def test_a_plan_says_which_sessions_use_a_bundle_file(awb: Awb, folder: Path) -> None:
    (folder / "mine.yaml").write_text(
        "bundle: {name: mine}\nproviders: [{module: provider-mock, config: {responses: [Hi]}}]\n"
    )
    assert awb("config", "plan", "./mine.yaml", "--json").json["used_by"] == []
    session = awb("run", "hello there", "-c", "./mine.yaml", "--json").json["session_id"]
    assert [one["session_id"] for one in awb("config", "plan", "./mine.yaml", "--json").json["used_by"]] == [session]
    assert "used by 1 session: hello there" in awb("config", "plan", "./mine.yaml").err
