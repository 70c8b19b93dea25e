"""`awb config trust`, and what imports and includes do through the command line, against a server that records."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_kit import Awb
from test_console import on_a_terminal
from test_run_that_breaks import served

from fakes.wire import WireServer, says

CANARY = "canary-77aa"
MOCK = "providers: [{module: provider-mock, config: {delay: 0, loop: true, responses: [done]}}]\n"
PROGRAM = 'hooks: [{module: hook-shell, config: {hooks: {Stop: [{hooks: [{command: "touch ran"}]}]}}}]\n'
SENDS = """\
bundle: {name: NAME}
providers:
  - module: provider-chat-completions
    id: main
    config: {base_url: "URL/v1", default_model: fake-1, headers: {X-Trace: "${CANARY}"}}
"""
#: As in the tests of the services: an address of this computer that the rule does not take for one.
HERE = "http://127.1:"


@pytest.fixture(autouse=True)
def canary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY", CANARY)


def sends(server: WireServer, name: str = "theirs") -> str:
    return SENDS.replace("NAME", name).replace("URL", HERE + server.url.rpartition(":")[2])


def leaked(server: WireServer) -> int:
    return sum(CANARY in str(dict(one.headers)) for one in server.requests)


def test_an_import_is_listed_confirmed_and_revoked(awb: Awb, folder: Path):
    (folder / "theirs.yaml").write_text("bundle: {name: theirs}\n" + MOCK + PROGRAM)
    done = awb("config", "import", "theirs.yaml")
    assert "1 thing held back until you trust it: `awb config trust theirs` lists and asks" in done.err
    refused = awb("config", "trust", "theirs", code=2)
    assert "would run the program `touch ran`" in refused.out
    assert "--yes" in refused.err
    awb("run", "go", "-c", "theirs")
    assert not (folder / "ran").exists()
    shown = awb("config", "trust", "theirs", "--yes", "--json").json
    assert shown["trusted"] is True
    assert [one["what"] for one in shown["documents"][0]["would"]] == ["run the program `touch ran`"]
    assert awb("run", "--continue", "go").out == "done\n"
    assert (folder / "ran").exists()
    (folder / "ran").unlink()
    assert awb("config", "trust", "theirs", "--revoke", "--json").json == {"config": "theirs", "revoked": 1}
    awb("run", "--continue", "go")
    assert not (folder / "ran").exists()


def test_an_import_may_be_trusted_at_once(awb: Awb, folder: Path):
    (folder / "theirs.yaml").write_text("bundle: {name: theirs}\n" + MOCK + PROGRAM)
    done = awb("config", "import", "theirs.yaml", "--trust", "--json")
    assert done.json["problems"] == []
    awb("run", "go", "-c", "theirs")
    assert (folder / "ran").exists()


def test_the_list_without_a_yes_is_json_too_and_changes_nothing(awb: Awb, folder: Path):
    (folder / "theirs.yaml").write_text("bundle: {name: theirs}\n" + MOCK + PROGRAM)
    awb("config", "import", "theirs.yaml")
    for _ in range(2):
        listed = awb("config", "trust", "theirs", "--json", code=2).json
        assert (listed["trusted"], len(listed["documents"])) == (False, 1)
    assert awb("config", "trust", "hello", "--json").json["documents"] == []


def test_a_text_through_standard_input_is_an_import_as_well(awb: Awb, folder: Path):
    awb("config", "import", "-", stdin="bundle: {name: theirs}\n" + MOCK + PROGRAM)
    awb("run", "go", "-c", "theirs")
    assert not (folder / "ran").exists()


@pytest.mark.parametrize("source", ["-", "./theirs.yaml"])
def test_a_new_config_from_a_text_that_nobody_wrote_here_is_held_back(awb: Awb, folder: Path, source: str):
    text = "bundle: {name: theirs}\n" + MOCK + PROGRAM
    (folder / "theirs.yaml").write_text(text)
    made = awb("config", "new", "mine", "--from", source, stdin=text)
    assert "1 thing held back until you trust it: `awb config trust mine` lists and asks" in made.err
    awb("run", "go", "-c", "mine")
    assert not (folder / "ran").exists()
    awb("config", "new", "other", "--from", source, "--mine", stdin=text)
    awb("run", "go", "-c", "other")
    assert (folder / "ran").exists()


@pytest.mark.parametrize("way", ["new", "copy", "restore", "add-tool", "export"])
def test_no_other_command_makes_an_import_ones_own(awb: Awb, folder: Path, way: str):
    (folder / "theirs.yaml").write_text("bundle: {name: theirs}\n" + MOCK + PROGRAM)
    awb("config", "import", "theirs.yaml")
    name = "theirs"
    match way:
        case "new":
            awb("config", "new", "mine", "--from", "theirs")
            name = "mine"
        case "copy":
            awb("config", "copy", "theirs", "mine")
            name = "mine"
        case "restore":
            awb("config", "add-tool", "theirs", "tool-todo")
            awb("config", "restore", "theirs", "1")
        case "add-tool":
            awb("config", "add-tool", "theirs", "tool-todo")
        case _:
            awb("config", "export", "theirs", "-o", "again.yaml")
            awb("config", "import", "again.yaml", "--name", "again")
            name = "again"
    awb("run", "go", "-c", name)
    assert not (folder / "ran").exists()
    assert "touch ran" in awb("config", "trust", name, code=2).out


def test_ones_own_config_and_the_file_that_is_named_are_ones_own(awb: Awb, folder: Path):
    (folder / "mine.yaml").write_text("bundle: {name: mine}\nincludes: [{bundle: ./part.yaml}]\n" + MOCK)
    (folder / "part.yaml").write_text("bundle: {name: part}\n" + PROGRAM)
    awb("run", "go", "-c", "./mine.yaml")
    assert (folder / "ran").exists()
    assert awb("config", "validate", "mine.yaml", "--json").json["problems"] == []
    assert "nothing of mine is held back" in awb("config", "trust", "mine.yaml").err


def test_an_include_from_elsewhere_is_held_back_for_a_named_file_too(awb: Awb, folder: Path, tmp_path: Path):
    (tmp_path / "part.yaml").write_text("bundle: {name: part}\n" + PROGRAM)
    (folder / "mine.yaml").write_text(f"bundle: {{name: mine}}\nincludes: [{{bundle: {tmp_path}/part.yaml}}]\n" + MOCK)
    done = awb("run", "go", "-c", "mine.yaml")
    assert not (folder / "ran").exists()
    assert done.err.count("Held back until you trust") == 1
    (found,) = awb("config", "validate", "mine.yaml", "--json").json["problems"]
    assert (found["code"], found["severity"], found["source"]) == ("trust", "warning", "part.yaml")
    awb("config", "trust", "mine.yaml", "--yes")
    awb("run", "go", "-c", "mine.yaml")
    assert (folder / "ran").exists()


@pytest.mark.parametrize("how", ["import", "include", "config:", "agent file", "merged"])
def test_a_variable_leaves_only_with_a_text_that_is_trusted(awb: Awb, folder: Path, tmp_path: Path, how: str):
    with served(*[says("done")] * 8) as server:
        text = sends(server)
        (tmp_path / "theirs.yaml").write_text(text)
        own = "bundle: {name: mine}\n"
        match how:
            case "import":
                awb("config", "import", str(tmp_path / "theirs.yaml"), "--name", "mine")
                own = ""
            case "include":
                own += f"includes: [{{bundle: {tmp_path}/theirs.yaml}}]\n" + MOCK
            case "config:":
                awb("config", "import", str(tmp_path / "theirs.yaml"))
                own += "includes: [{bundle: 'config:theirs'}]\n" + MOCK
            case "agent file":
                (folder / "agents").mkdir()
                front = text.replace("bundle: {name: theirs}", "meta: {name: helper, description: Helps.}")
                (folder / "agents" / "helper.md").write_text(f"---\n{front}---\nHelp.\n")
                call = {"tool_calls": [{"name": "task", "arguments": {"agent": "helper", "instruction": "go"}}]}
                own += (
                    "agents: {include: [helper]}\ntools: [{module: tool-task}]\nproviders:\n  - module: provider-mock\n"
                )
                own += f"    config: {{delay: 0, responses: {json.dumps([call, 'done'])}}}\n"
            case _:
                address = f"{HERE}{server.url.rpartition(':')[2]}/v1"
                own += f"includes: [{{bundle: {tmp_path}/theirs.yaml}}]\n"
                own += "providers:\n  - module: provider-chat-completions\n"
                own += f'    id: main\n    config: {{base_url: "{address}", default_model: fake-1}}\n'
        if own:
            awb("config", "new", "mine", "--from", "-", "--mine", stdin=own)
        model = ["--yes-tools", "task"]
        awb("run", "go", "-c", "mine", *model, code=None)
        assert leaked(server) == 0
        assert server.requests or how != "merged"  # one's own provider answers
        awb("config", "trust", "mine", "--yes")
        awb("provider", "test", "-c", "mine", code=None)
        awb("run", "go", "-c", "mine", *model, code=None)
        assert leaked(server) > 0
        count = leaked(server)
        awb("config", "trust", "mine", "--revoke")
        awb("provider", "test", "-c", "mine", code=None)
        awb("run", "go", "-c", "mine", *model, code=None)
        assert leaked(server) == count


def test_a_child_may_not_do_what_its_agents_file_may_not(awb: Awb, folder: Path):
    (folder / "agents").mkdir()
    (folder / "agents" / "helper.md").write_text(
        f"---\nmeta: {{name: helper, description: Helps.}}\n{PROGRAM}---\nHelp.\n"
    )
    call = {"tool_calls": [{"name": "task", "arguments": {"agent": "helper", "instruction": "go"}}]}
    own = "bundle: {name: mine}\nagents: {include: [helper]}\ntools: [{module: tool-task}]\nproviders:\n"
    own += f"  - module: provider-mock\n    config: {{delay: 0, responses: {json.dumps([call, 'done', 'done'])}}}\n"
    awb("config", "new", "mine", "--from", "-", "--mine", stdin=own)
    awb("run", "go", "-c", "mine", "--yes-tools", "task")
    assert not (folder / "ran").exists()
    awb("config", "trust", "mine", "--yes")
    awb("run", "go", "-c", "mine", "--yes-tools", "task")
    assert (folder / "ran").exists()


WRITES = {
    "the bundle itself": "agent.yaml",
    "an include": "part.yaml",
    "an agent": "agents/helper.md",
    "the bundle, climbing": "../work/agent.yaml",
    "the bundle, through a link": "link.yaml",
}
BESIDE = {
    "a file that would be read first": "part",
    "another suffix": "agent.yml",
    "another agent": "agents/other.md",
    "the bundle of the folder": "bundle.yaml",
    "the bundle of the folder as text": "bundle.md",
}


@pytest.fixture
def written(awb: Awb, folder: Path) -> Callable[[str], str]:
    """Let an agent in fast-edit write a file, and return what came of it."""

    def write(path: str) -> str:
        (folder / "agents").mkdir()
        (folder / "agents" / "helper.md").write_text("---\nmeta: {name: helper}\n---\nHelp.\n")
        (folder / "part.yaml").write_text("bundle: {name: part}\n")
        (folder / "link.yaml").symlink_to(folder / "agent.yaml")
        call = {
            "tool_calls": [{"name": "write_file", "arguments": {"file_path": path, "content": "bundle: {name: x}\n"}}]
        }
        (folder / "agent.yaml").write_text(
            "bundle: {name: agent}\nincludes: [{bundle: ./part}]\nagents: {include: [helper]}\n"
            "tools: [{module: tool-filesystem}]\nproviders:\n  - module: provider-mock\n"
            f"    config: {{delay: 0, responses: {json.dumps([call, 'done'])}}}\n"
        )
        return awb("run", "go", "-c", "./agent.yaml", "--fast-edit").err

    return write


@pytest.mark.parametrize("path", WRITES.values(), ids=WRITES.keys())
def test_an_agent_in_fast_edit_cannot_change_what_it_was_made_from(written: Callable[[str], str], path: str):
    said = written(path)
    assert "an agent never changes what it may do" in said


@pytest.mark.parametrize("path", BESIDE.values(), ids=BESIDE.keys())
def test_what_would_take_its_place_is_asked_about(written: Callable[[str], str], folder: Path, path: str):
    assert "this session's config would take it in" in written(path)
    assert not (folder / path).exists()


def test_other_files_are_edited_as_ever(written: Callable[[str], str], folder: Path):
    written("notes.yaml")
    assert (folder / "notes.yaml").exists()


def test_what_changes_beside_a_named_file_counts_once_it_is_named_again(awb: Awb, folder: Path):
    (folder / "mine.yaml").write_text("bundle: {name: mine}\nincludes: [{bundle: ./part.yaml}]\n" + MOCK)
    (folder / "part.yaml").write_text("bundle: {name: part}\n")
    awb("run", "go", "-c", "./mine.yaml")
    (folder / "part.yaml").write_text("bundle: {name: part}\n" + PROGRAM)
    held = awb("run", "--continue", "go").err
    assert "Held back until you trust part.yaml: run the program `touch ran`" in held
    assert not (folder / "ran").exists()
    awb("run", "go", "-c", "./mine.yaml")
    assert (folder / "ran").exists()


def test_a_named_file_that_changed_is_no_news_to_what_runs_until_it_is_named_again(awb: Awb, folder: Path):
    (folder / "mine.yaml").write_text("bundle: {name: mine}\n" + MOCK)
    awb("run", "go", "-c", "./mine.yaml")
    (folder / "mine.yaml").write_text("bundle: {name: mine}\n" + MOCK + PROGRAM)
    awb("run", "--continue", "go")
    assert not (folder / "ran").exists()
    awb("run", "go", "-c", "./mine.yaml")
    assert (folder / "ran").exists()


def test_a_person_who_names_a_file_is_asked_once_about_what_it_would_do(folder: Path):
    (folder / "agent.yaml").write_text("bundle: {name: agent}\nincludes: [{bundle: ./part.yaml}]\n" + MOCK)
    (folder / "part.yaml").write_text("bundle: {name: part}\n" + PROGRAM)
    for answer, asked, ran in (("n\n", True, False), ("y\n", True, True), ("", False, True)):
        with on_a_terminal("run", "go", "-c", "./agent.yaml") as terminal:
            if answer:
                terminal.until("as it is now? [y/N]")
                assert "would run the program `touch ran`" in terminal.seen
                terminal.type(answer)
            assert terminal.ended() == 0
        assert ("may it do that" in terminal.seen, (folder / "ran").exists()) == (asked, ran)
    (folder / "part.yaml").write_text("bundle: {name: part}\n" + PROGRAM.replace("touch ran", "touch other"))
    with on_a_terminal("run", "go", "-c", "./agent.yaml") as terminal:
        terminal.until("as it is now? [y/N]")
        assert "changed since you trusted it" in terminal.seen
        terminal.type("n\n")
        assert terminal.ended() == 0
    assert "Held back until you trust part.yaml" in terminal.seen
    assert not (folder / "other").exists()


def test_a_person_who_names_a_file_that_would_do_nothing_of_the_kind_is_not_asked(folder: Path):
    (folder / "agent.yaml").write_text("bundle: {name: agent}\n" + MOCK)
    with on_a_terminal("run", "go", "-c", "./agent.yaml") as terminal:
        assert terminal.ended() == 0
    assert "may it do that" not in terminal.seen
