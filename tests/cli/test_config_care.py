"""`awb config copy`, `tag`, `prune`, `fix`, `env`, `secrets`, `refresh`, and imports by address."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from cli_kit import Awb

from keyring_kit import MemoryKeyring

KEY = "sk-" + "a1b2c3d4" * 4
SECRET = f"providers:\n  - module: provider-openai\n    config:\n      api_key: {KEY}   # mine\n"


def stored(awb: Awb, text: str, name: str = "mine") -> str:
    return str(awb("config", "import", "-", "--name", name, "--json", stdin=text).json["config_id"])


# --- order


def test_a_copy_has_the_text_and_tags_but_a_history_of_its_own(awb: Awb) -> None:
    stored(awb, "a: 1\n# end\n")
    awb("config", "tag", "mine", "team=red")
    awb("config", "add-tool", "mine", "tool-todo", "-m", "why not")
    made = awb("config", "copy", "mine", "yours", "--json").json
    assert made["revision"] == 1
    assert awb("config", "diff", "mine", "yours", "--json").json["equal"] is True
    assert awb("config", "show", "yours", "--json").json["tags"] == {"team": "red"}
    assert awb("config", "history", "yours", "--json").json["revisions"][0]["note"] == "copy of mine, revision 2"
    assert awb("config", "history", "mine", "--json").json["revisions"][0]["note"] == "why not"


def test_tags_are_set_listed_taken_off_and_found(awb: Awb) -> None:
    stored(awb, "a: 1\n")
    assert awb("config", "tag", "mine", "team=red", "x=1=2", "--json").json["tags"] == {"team": "red", "x": "1=2"}
    assert awb("config", "tag", "mine", "--remove", "x").out.split() == ["TAG", "VALUE", "team", "red"]
    assert awb("config", "list", "-t", "team=red", "--json").json["total"] == 1
    assert "no tag" in awb("config", "tag", "mine", "--remove", "x", code=2).err
    awb("config", "tag", "mine", "novalue", code=2)


def test_old_revisions_go_on_request_and_pinned_or_current_ones_stay(awb: Awb) -> None:
    stored(awb, "a: 1\n")
    for tool in ("tool-todo", "tool-search", "tool-bash"):
        awb("config", "add-tool", "mine", tool)
    text = awb("config", "show", "mine").out
    assert awb("config", "prune", "mine", "--keep", "2", "--json").json["deleted"] == 2
    assert [one["revision"] for one in awb("config", "history", "mine", "--json").json["revisions"]] == [4, 3]
    assert awb("config", "show", "mine").out == text
    awb("config", "restore", "mine", "1", code=4)
    awb("config", "prune", "mine", "--keep", "0", code=2)
    awb("config", "restore", "mine", "3", "-m", "it was better")
    assert awb("config", "history", "mine", "--json").json["revisions"][0]["note"] == "it was better"


# --- fixes


def test_every_quick_fix_is_applied_and_each_other_byte_stays(awb: Awb, folder: Path) -> None:
    text = "# top\r\nprovidrs:\r\n- module: provider-mok  # who\r\ntools:\r\n- module: tool-filesytem\r\n"
    (folder / "a.yaml").write_bytes(text.encode())
    dry = awb("config", "fix", "a.yaml", "--dry-run", code=None)
    assert (folder / "a.yaml").read_bytes().decode() == text
    done = awb("config", "fix", "a.yaml", "--json").json
    fixed = text.replace("providrs", "providers").replace("mok ", "mock ").replace("filesytem", "filesystem")
    assert (folder / "a.yaml").read_bytes().decode() == fixed
    assert len(done["fixed"]) == 3
    assert done["diff"] == dry.out.rstrip("\n")
    assert "is fine" in awb("config", "fix", "a.yaml").err


def test_a_fix_never_throws_a_secret_away(awb: Awb, folder: Path) -> None:
    (folder / "a.yaml").write_text(SECRET)
    awb("config", "fix", "a.yaml")
    assert (folder / "a.yaml").read_text() == SECRET


# --- variables and secrets


def test_variables_are_told_as_set_or_not_and_never_by_value(awb: Awb, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SET_ONE", "canary")
    stored(awb, "tools:\n- {module: tool-bash, config: {a: '${SET_ONE}', b: '${NOT_SET}', c: 'x${WITH:canary}'}}\n")
    done = awb("config", "env", "mine", "--json", code=3)
    assert done.json["variables"] == [
        {"name": "SET_ONE", "status": "set", "source": "environment", "paths": ["tools[tool-bash].config.a"]},
        {"name": "NOT_SET", "status": "unset", "source": None, "paths": ["tools[tool-bash].config.b"]},
        {"name": "WITH", "status": "default", "source": None, "paths": ["tools[tool-bash].config.c"]},
    ]
    assert "canary" not in done.out + awb("config", "env", "mine", code=3).out


def test_a_secret_moves_into_the_keyring_and_is_found_there(awb: Awb, folder: Path, ring: MemoryKeyring) -> None:
    (folder / "a.yaml").write_text(SECRET)
    listed = awb("config", "secrets", "a.yaml", "--json").json["secrets"]
    path = "providers[0].config.api_key"
    assert listed == [{"path": path, "line": 4, "name": "OPENAI_API_KEY", "movable": True}]
    awb("config", "secrets", "a.yaml", "--move", path, "--dry-run")
    assert ring.kept == {}
    done = awb("config", "secrets", "a.yaml", "--move", path, "--json")
    assert (folder / "a.yaml").read_text() == SECRET.replace(KEY, "${OPENAI_API_KEY}")
    assert ring.kept == {("agent-workbench", "OPENAI_API_KEY"): KEY}
    assert done.json["moved"] == [{"path": path, "name": "OPENAI_API_KEY", "source": "keyring", "set": True}]
    (variable,) = awb("config", "env", "a.yaml", "--json").json["variables"]
    assert (variable["status"], variable["source"]) == ("set", "keyring")
    awb("config", "validate", "a.yaml")
    assert KEY not in done.out + done.err


def test_a_secret_in_a_comment_is_listed_with_its_line_and_stays(awb: Awb, folder: Path, ring: MemoryKeyring) -> None:
    text = f"{SECRET}# api_key: {KEY}\n"
    (folder / "a.yaml").write_text(text)
    line = text.count("\n")
    listed = awb("config", "secrets", "a.yaml", "--json").json["secrets"]
    assert listed[1:] == [{"path": "", "line": line, "name": "", "movable": False}]
    shown = awb("config", "secrets", "a.yaml")
    assert "2 secrets in a;" in shown.err
    assert shown.out.splitlines()[-1].split() == ["a", "comment", str(line), "taken", "out", "by", "hand"]
    assert KEY not in shown.out + shown.err
    awb("config", "secrets", "a.yaml", "--all")
    assert (folder / "a.yaml").read_text() == text.replace(KEY, "${OPENAI_API_KEY}", 1)


def test_without_a_keyring_a_stored_config_gets_the_reference_and_a_file_is_left_alone(
    awb: Awb, folder: Path, no_ring: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored(awb, SECRET)
    done = awb("config", "secrets", "mine", "--all")
    assert "export OPENAI_API_KEY=…" in done.err
    assert "older revisions still hold it" in done.err
    assert awb("config", "show", "mine").out == SECRET.replace(KEY, "${OPENAI_API_KEY}")
    (folder / "a.yaml").write_text(SECRET)
    assert "would be lost" in awb("config", "secrets", "a.yaml", "--all", code=2).err
    assert (folder / "a.yaml").read_text() == SECRET
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    awb("config", "secrets", "a.yaml", "--all")
    assert (folder / "a.yaml").read_text() == SECRET.replace(KEY, "${OPENAI_API_KEY}")


HIDDEN = {
    "show": ("show", "mine"),
    "show json": ("show", "mine", "--json"),
    "list": ("list", "-q", "provider", "--json"),
    "plan": ("plan", "mine"),
    "plan json": ("plan", "mine", "--json"),
    "plan of one": ("plan", "mine", "--explain", "providers[provider-openai].config.api_key"),
    "validate": ("validate", "mine"),
    "validate json": ("validate", "mine", "--json"),
    "diff": ("diff", "mine"),
    "diff json": ("diff", "mine", "--json"),
    "plan diff": ("diff", "mine", "--as-plans"),
    "plan diff json": ("diff", "mine", "--as-plans", "--json"),
    "export": ("export", "mine"),
    "export json": ("export", "mine", "--json"),
    "history": ("history", "mine", "--json"),
    "secrets": ("secrets", "mine", "--json"),
    "env": ("env", "mine", "--json"),
    "fix": ("fix", "mine", "--json"),
    "add": ("add-tool", "mine", "tool-todo", "--dry-run"),
    "add json": ("add-tool", "mine", "tool-todo", "--dry-run", "--json"),
    "add it": ("add-provider", "mine", "provider-openai", "--set", f"api_key={KEY}9", "--dry-run"),
    "copy": ("copy", "mine", "other", "--json"),
    "refused": ("add-tool", "mine", "tool-tdo"),
}


@pytest.mark.parametrize("command", HIDDEN.values(), ids=HIDDEN.keys())
def test_no_command_prints_a_secret(awb: Awb, command: tuple[str, ...]) -> None:
    stored(awb, SECRET.replace(KEY, KEY + "0") + f"x: 'https://me:{KEY}@host/'\n")
    awb("config", "add-provider", "mine", "provider-openai", "--set", f"api_key={KEY}")
    done = awb("config", *command, code=None)
    assert KEY[:20] not in done.out + done.err


def test_a_problem_of_a_value_does_not_quote_a_secret(awb: Awb) -> None:
    text = f"providers:\n- module: provider-openai\n  config: {{base_url: 'https://me:{KEY}@h/', timeout: '{KEY}'}}\n"
    stored(awb, text)
    for command in (("validate", "mine"), ("validate", "mine", "--json"), ("plan", "mine")):
        done = awb("config", *command, code=None)
        assert KEY not in done.out + done.err


# --- addresses


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A git repository with one bundle."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    commit(folder, "bundle: {name: far}\ntools: [{module: tool-todo}]\n")
    return folder


def commit(folder: Path, text: str) -> str:
    (folder / "bundle.yaml").write_text(text)
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "one")
    return git(folder, "rev-parse", "HEAD")


def test_a_git_include_keeps_its_commit_until_it_is_refreshed(awb: Awb, folder: Path, repository: Path) -> None:
    first = git(repository, "rev-parse", "HEAD")
    uri = f"git+file://{repository}@main"
    (folder / "a.yaml").write_text(f"includes: ['{uri}']\n")
    assert first[:12] in awb("config", "plan", "a.yaml").err
    second = commit(repository, "bundle: {name: far}\ntools: [{module: tool-search}]\n")
    assert "tool-todo" in awb("config", "plan", "a.yaml").out
    assert awb("config", "refresh", "a.yaml", "--json").json["includes"] == [
        {"uri": uri, "before": first, "now": second, "reason": ""}
    ]
    planned = awb("config", "plan", "a.yaml", "--json").json
    assert planned["mount_plan"]["tools"] == [{"module": "tool-search"}]
    assert {one["commit"] for one in planned["origins"]["tools[tool-search]"]} == {second}
    assert "unchanged" in awb("config", "refresh", "a.yaml").out


def test_a_refresh_that_fails_keeps_what_was_there(awb: Awb, folder: Path, repository: Path) -> None:
    (folder / "a.yaml").write_text(f"includes: ['git+file://{repository}@main']\n")
    awb("config", "plan", "a.yaml")
    repository.rename(repository.with_name("gone"))
    assert "stays at" in awb("config", "refresh", "a.yaml", code=1).out
    assert "tool-todo" in awb("config", "plan", "a.yaml").out


def test_a_bundle_is_imported_by_its_address(awb: Awb, repository: Path) -> None:
    awb("config", "import", f"git+file://{repository}@main")
    assert "tool-todo" in awb("config", "show", "far").out
    awb("config", "import", f"file://{repository}/bundle.yaml", "--name", "near")
    awb("config", "import", "https://127.0.0.1:1/x.yaml", code=3)
    awb("config", "import", f"git+file://{repository}@nowhere", code=3)


def test_an_imported_file_keeps_the_meaning_of_its_includes(awb: Awb, folder: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "sub" / "part.yaml").write_text("tools: [{module: tool-todo}]\n")
    (folder / "sub" / "a.yaml").write_text("includes: [./part]\n")
    awb("config", "import", "sub/a.yaml", "--name", "mine")
    awb("config", "copy", "mine", "yours")
    assert "tool-todo" in awb("config", "plan", "mine").out
    assert "tool-todo" in awb("config", "plan", "yours").out


def test_a_config_is_renamed_and_its_text_only_where_that_is_asked_for(awb: Awb) -> None:
    text = "bundle:\n  name: one  # mine\n"
    id = awb("config", "import", "-", "--json", stdin=text).json["config_id"]
    said = awb("config", "rename", "one", "two")
    assert "--text changes that too" in said.err
    assert awb("config", "export", id).out == text
    awb("config", "rename", id, "one")
    assert "--text" not in awb("config", "rename", "one", "three", "--text").err
    assert awb("config", "export", id).out == text.replace("one", "three")


def test_a_folder_with_a_bundle_is_named_without_a_slash(awb: Awb, folder: Path) -> None:
    (folder / "crew").mkdir()
    (folder / "crew" / "bundle.yaml").write_text("bundle: {name: x}\n")
    (folder / "empty").mkdir()
    assert "name: x" in awb("config", "show", "crew").out
    awb("config", "import", "-", "--name", "crew", stdin="bundle: {name: stored}\n")
    assert "stored" in awb("config", "show", "crew").out, "a stored config of that name comes first"
    assert "no config" in awb("config", "show", "empty", code=None).err.lower()


def test_a_config_that_a_file_was_run_as_is_told_from_its_namesake(awb: Awb, folder: Path) -> None:
    (folder / "hello.yaml").write_text("bundle: {name: hello}\nproviders: [{module: provider-mock}]\n")
    awb("run", "-c", "hello.yaml", "hi")
    listed = [line for line in awb("config", "list", "-q", "hello").out.splitlines() if line.startswith("hello ")]
    assert sum("(as run from " in line for line in listed) == 1


def test_the_help_of_the_group_cuts_no_words(awb: Awb) -> None:
    shown = awb("config", "--help").out
    assert "..." not in shown.partition("Commands:")[2].partition("Examples:")[0].replace("${", "")
    assert "At most this many" in awb("config", "list", "--help").out
