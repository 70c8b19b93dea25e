from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_workbench.engine.permissions import MODES, PermissionManager, Rule, load_rules, parse_rule
from agent_workbench.engine.permissions.rules import STRICTNESS, Layer, Ruling
from agent_workbench.engine.ports import Access, Intent
from agent_workbench.errors import PermissionRuleError


def rule(text: str, ruling: Ruling, layer: Layer = "user") -> Rule:
    return parse_rule(text, ruling, layer)


def reading(path: str) -> Intent:
    return Intent("read", path, (path,))


def writing(path: str) -> Intent:
    return Intent("write", path, (path,))


def running(command: str) -> Intent:
    return Intent("execute", command, shell=True)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    (folder / "src").mkdir(parents=True)
    (folder / "src/a.py").write_text("a")
    return folder


# --- what the modes say where no rule speaks ------------------------------------------------------------------------

DEFAULTS: dict[str, tuple[Intent, tuple[str, str, str, str]]] = {
    #                                                           ask      fast-edit  read-only  plan
    "reading in the workspace": (reading("src/a.py"), ("allow", "allow", "allow", "allow")),
    "reading outside": (reading("/etc/hostname"), ("ask", "ask", "ask", "ask")),
    "writing in the workspace": (writing("src/a.py"), ("ask", "allow", "deny", "deny")),
    "writing a new file": (writing("new/b.py"), ("ask", "allow", "deny", "deny")),
    "writing outside": (writing("/tmp/x"), ("ask", "ask", "deny", "deny")),
    "writing without a path": (Intent("write", "memory"), ("ask", "ask", "deny", "deny")),
    "a shell command": (running("ls"), ("ask", "ask", "deny", "deny")),
    "the network": (Intent("network", "example.org"), ("ask", "ask", "ask", "ask")),
    "nothing outside the conversation": (Intent("none", "list"), ("allow", "allow", "allow", "allow")),
    "reading what has no path": (Intent("read", "board"), ("allow", "allow", "allow", "allow")),
}


@pytest.mark.parametrize(("intent", "decisions"), DEFAULTS.values(), ids=DEFAULTS.keys())
def test_what_each_mode_decides_without_rules(workspace, intent, decisions):
    manager = PermissionManager(workspace)
    assert tuple(manager.with_mode(mode).check("any_tool", intent).decision for mode in MODES) == decisions


# --- rules ----------------------------------------------------------------------------------------------------------

RULED: dict[str, tuple[list[Rule], str, Intent, str]] = {
    "allowing a tool": ([rule("fetch", "allow")], "fetch", Intent("network", "x.org"), "allow"),
    "allowing a host": ([rule("fetch(x.org)", "allow")], "fetch", Intent("network", "x.org"), "allow"),
    "not another host": ([rule("fetch(x.org)", "allow")], "fetch", Intent("network", "x.org.evil"), "ask"),
    "denying a host in capitals": ([rule("fetch(x.org)", "deny")], "fetch", Intent("network", "X.ORG"), "deny"),
    "allowing is exact about letters": ([rule("fetch(x.org)", "allow")], "fetch", Intent("network", "X.ORG"), "ask"),
    "allowing is exact about the tool": ([rule("Fetch", "allow")], "fetch", Intent("network", "x.org"), "ask"),
    "allowing is exact about paths": ([rule("edit_file(SRC/**)", "allow")], "edit_file", writing("src/a.py"), "ask"),
    "a family of tools": ([rule("mcp_github_*", "deny")], "mcp_github_push", Intent("network"), "deny"),
    "not a tool of another family": ([rule("mcp_github_*", "deny")], "mcp_git_push", Intent("network"), "ask"),
    "allowing a folder": ([rule("edit_file(src/**)", "allow")], "edit_file", writing("src/deep/a.py"), "allow"),
    "one star stays in its folder": ([rule("edit_file(src/*)", "allow")], "edit_file", writing("src/x/a.py"), "ask"),
    "a pattern starts in the workspace": ([rule("edit_file(a.py)", "allow")], "edit_file", writing("src/a.py"), "ask"),
    "a denied name counts in every folder": ([rule("edit_file(a.py)", "deny")], "edit_file", writing("src/a.py"),
                                             "deny"),
    "a denied name is not its neighbour's": ([rule("edit_file(a.py)", "deny")], "edit_file", writing("src/b"), "ask"),
    "a denied folder is not its neighbour's": ([rule("edit_file(src)", "deny")], "edit_file", writing("src2/a"), "ask"),
    "a denied edit is a denied write": ([rule("edit_file(src)", "deny")], "write_file", writing("src/a.py"), "deny"),
    "a denied tool is not its family": ([rule("edit_file", "deny")], "write_file", writing("src/a.py"), "ask"),
    "an allowed edit is no write": ([rule("edit_file(src/**)", "allow")], "write_file", writing("src/a"), "ask"),
    "a denied folder covers what is below": ([rule("*(src)", "deny")], "read_file", reading("src/a.py"), "deny"),
    "deny beats ask and allow": ([rule("t", "allow"), rule("t", "ask"), rule("t", "deny")], "t", Intent("none"),
                                 "deny"),
    "ask beats allow": ([rule("t", "allow", "administrator"), rule("t", "ask", "session")], "t", Intent("none"),
                        "ask"),
    "being more exact never loosens": ([rule("write_file(src/**)", "deny"), rule("write_file(src/a.py)", "allow")],
                                       "write_file", writing("src/a.py"), "deny"),
    "outside by an explicit rule": ([rule("read_file(/opt/docs/**)", "allow")], "read_file",
                                    reading("/opt/docs/x.md"), "allow"),
    "a plain command": ([rule("bash(ls)", "allow")], "bash", running("ls"), "allow"),
    "what else runs a program is never allowed by a rule": ([rule("t", "allow"), rule("t(ls)", "allow")], "t",
                                                            Intent("execute", "ls"), "ask"),
    "a rule that does not parse asks": (list(load_rules({"allow": ["("]}, "user", strict=False)), "t", Intent("none"),
                                        "ask"),
}  # fmt: skip


@pytest.mark.parametrize(("rules", "tool", "intent", "decision"), RULED.values(), ids=RULED.keys())
def test_what_rules_decide(workspace, rules, tool, intent, decision):
    verdict = PermissionManager(workspace, tuple(rules)).check(tool, intent)
    assert verdict.decision == decision


DENIED_COMMANDS = [
    "rm -rf x", "ls && rm x", "ls;rm x", "ls|rm x", "$(rm x)", "`rm x`", "/bin/rm x", "\\rm x", "r''m x", '"rm" x',
    "r\\\nm x", "rm${IFS}x", "RM x", "FOO=1 rm x", "env rm x", "rm", "x\nrm y", "(rm x)", "ｒｍ x", "rm\tx",
    "if true; then rm x; fi",
]  # fmt: skip


@pytest.mark.parametrize("command", DENIED_COMMANDS)
def test_a_denied_command_is_found_anywhere_in_the_text(workspace, command):
    manager = PermissionManager(workspace, (rule("bash(rm *)", "deny"),))
    verdict = manager.check("bash", running(command))
    assert (verdict.decision, verdict.rule, verdict.layer) == ("deny", "bash(rm *)", "user")


@pytest.mark.parametrize(
    ("text", "command", "decision"),
    [("git push", "git pull", "ask"), ("git push", "git push -f", "deny"), ("*", "ls", "deny"), ("rm", "rm x", "deny"),
     ("c?t x", "cat  x", "deny"), ("c?t x", "coat x", "ask"), ("curl *|*", "curl x | sh", "deny"),
     ("rm *", "rmdir x", "ask"), ("rm*", "rmdir x", "deny"), ("git * push", "git -C x push", "deny"),
     ("git * push", "git push", "deny"), ("a*b c", "ab b c", "deny"), ("* --force", "git push --force", "deny"),
     ("* --force", "git push --forceful", "ask"), ("*evil*", "my evil plan", "deny"), ("*.sh", "bash x.sh", "deny"),
     ("*a*a*a*a*a*a*a*b", "a" * 20_000, "ask"), ("a *a *a *a *b", "a " * 3_000, "ask")],
)  # fmt: skip
def test_what_a_command_pattern_finds(workspace, text, command, decision):
    manager = PermissionManager(workspace, (rule(f"bash({text})", "deny"),))
    assert manager.check("bash", running(command)).decision == decision


@pytest.mark.parametrize("command", ["charm x", "npm run farm", "echo alarm", "ls"])
def test_a_denied_command_does_not_deny_its_neighbours(workspace, command):
    manager = PermissionManager(workspace, (rule("bash(rm *)", "deny"),))
    assert manager.check("bash", running(command)).decision == "ask"


NO_RULES = ["", "(", "bash(", "bash)", "bash()", "ba sh", "bash(x", "bash(\n)", "é", "bash(x)y", "\x1b"]


@pytest.mark.parametrize("text", NO_RULES)
def test_what_is_no_rule_is_refused_when_it_is_loaded(text):
    with pytest.raises(PermissionRuleError):
        parse_rule(text, "allow", "user")
    with pytest.raises(PermissionRuleError):
        load_rules({"deny": [text]}, "user")


@pytest.mark.parametrize("section", [{"permit": ["x"]}, {"allow": "x"}, {"deny": [1]}, {"deny": None}, {1: []}])
def test_a_section_of_the_wrong_shape_is_refused_or_asks(workspace, section):
    with pytest.raises(PermissionRuleError):
        load_rules(section, "user")
    lenient = load_rules(section, "user", strict=False)
    assert PermissionManager(workspace, lenient).check("t", Intent("none")).decision == "ask"


EXAMPLES = {
    "a path": {"rule": "edit_file(src/**)", "match": ["edit_file(src/a.py)"], "not_match": ["edit_file(docs/a.py)"]},
    "a whole tool": {"rule": "mcp_x_*", "match": ["mcp_x_push"], "not_match": ["mcp_y_push"]},
    "a host": {"rule": "web_fetch(x.org)", "match": ["web_fetch(x.org)"], "not_match": ["web_fetch(x.org.evil)"]},
}
WRONG_EXAMPLES = {
    "should match": {"rule": "edit_file(src/*)", "match": ["edit_file(src/x/a.py)"]},
    "should not match": {"rule": "edit_file(src/**)", "not_match": ["edit_file(src/x/a.py)"]},
    "is no call": {"rule": "edit_file", "match": ["edit_file("]},
    "is no list": {"rule": "edit_file", "match": "edit_file"},
    "without a rule": {"match": ["x"]},
    "with another key": {"rule": "x", "matches": ["x"]},
}


@pytest.mark.parametrize("entry", EXAMPLES.values(), ids=EXAMPLES.keys())
def test_a_rule_may_carry_examples_that_hold(entry):
    assert [str(each) for each in load_rules({"allow": [entry]}, "user")] == [entry["rule"]]


@pytest.mark.parametrize("entry", WRONG_EXAMPLES.values(), ids=WRONG_EXAMPLES.keys())
def test_a_rule_whose_examples_do_not_hold_is_refused(entry):
    with pytest.raises(PermissionRuleError):
        load_rules({"allow": [entry]}, "user")


def test_examples_of_a_denied_command_are_looked_for_anywhere():
    entry = {"rule": "bash(rm *)", "match": ["bash(ls && rm x)"], "not_match": ["bash(charm x)"]}
    assert load_rules({"deny": [entry]}, "user")


def test_an_import_may_only_tighten():
    rules = load_rules({"allow": ["bash", "write_file"], "deny": ["read_file"]}, "import")
    assert [str(each) for each in rules] == ["read_file"]


# --- what a question offers -----------------------------------------------------------------------------------------


def test_a_question_offers_the_narrowest_rule_that_would_have_answered_it(workspace):
    manager = PermissionManager(workspace)
    verdict = manager.check("write_file", writing("src/a.py"))
    assert verdict.rules == ("write_file(src/a.py)",)
    assert manager.granting(verdict.rules).check("write_file", writing("src/a.py")).decision == "allow"
    assert manager.granting(verdict.rules).check("write_file", writing("src/b.py")).decision == "ask"
    assert manager.check("fetch", Intent("network")).rules == ("fetch",)


NOT_OFFERED = {
    "a command that is not plain": running("ls > x"),
    "what else runs a program": Intent("execute", "ls"),
    "a protected path": writing(".git/config"),
    "a name that reads as a pattern": writing("a*.py"),
    "a host that reads as a pattern": Intent("network", "*"),
    "a subject that is no rule": Intent("network", "a\nb"),
}


@pytest.mark.parametrize("intent", NOT_OFFERED.values(), ids=NOT_OFFERED.keys())
def test_where_no_rule_could_stand_for_the_answer_only_once_is_offered(workspace, intent):
    verdict = PermissionManager(workspace).check("tool", intent)
    assert (verdict.decision, verdict.rules, verdict.scopes) == ("ask", (), ("allow",))


def test_a_grant_outside_the_workspace_names_the_whole_path(workspace, tmp_path):
    (tmp_path / "notes").write_text("x")
    manager = PermissionManager(workspace)
    verdict = manager.check("read_file", reading("../notes"))
    assert verdict.rules == (f"read_file({tmp_path}/notes)",)
    assert "outside the workspace" in verdict.reason
    assert manager.granting(verdict.rules).check("read_file", reading("../notes")).decision == "allow"
    assert manager.granting(verdict.rules).check("read_file", reading("../notes2")).decision == "ask"


REASONS = {
    "a command": (running("ls"), "no rule allows `ls`"),
    "a command that is not plain": (running("ls > x"), "a redirection"),
    "what else runs a program": (Intent("execute", "ls"), "each time"),
    "a change": (writing("a"), "changes something"),
    "the network": (Intent("network", "x"), "network"),
    "a protected path": (writing(".git/x"), "protected"),
    "a path that cannot be resolved": (reading("a\0b"), "NUL"),
}


@pytest.mark.parametrize(("intent", "why"), REASONS.values(), ids=REASONS.keys())
def test_a_question_says_why(workspace, intent, why):
    assert why in PermissionManager(workspace).check("tool", intent).reason


def test_a_question_by_a_rule_stays_a_question(workspace):
    manager = PermissionManager(workspace, (rule("write_file", "ask"),))
    verdict = manager.check("write_file", writing("src/a.py"))
    assert verdict.rules == ()
    assert manager.granting(["write_file(src/a.py)"]).check("write_file", writing("src/a.py")).decision == "ask"


# --- attacks: paths -------------------------------------------------------------------------------------------------


@pytest.fixture
def traps(workspace: Path) -> Path:
    outside = workspace.parent / "outside"
    outside.mkdir()
    (outside / "secret").write_text("s")
    (workspace.parent / "work-evil").mkdir()
    (workspace / "door").symlink_to(outside)
    (workspace / "file-door").symlink_to(outside / "secret")
    (workspace / "loop").symlink_to("loop")
    os.link(outside / "secret", workspace / "hard")
    (workspace / "src/up").symlink_to("..")
    return workspace


ESCAPES = [
    "../outside/secret", "src/../../outside/secret", "../work-evil/x", "door/secret", "file-door", "door/../../x",
    "loop", "/dev", "/proc",
    "hard", "/proc/self/environ", "/proc/self/root/etc/passwd", "/dev/null", "/dev/stdin", "/sys/kernel", "~/x",
    "~root/x",
    "a\0b", "", "x" * 5000, "/etc/passwd", "//etc/passwd", "src/./../../outside/secret", "src/up/../../outside/secret",
    "./door/./secret", "\ud800", "..", "../", "/", "src/../door/secret",
]  # fmt: skip


@pytest.mark.parametrize("path", ESCAPES)
@pytest.mark.parametrize("mode", MODES)
def test_no_path_out_of_the_workspace_is_allowed_by_itself(traps, path, mode):
    manager = PermissionManager(traps, mode=mode)
    for intent in (reading(path), writing(path)):
        assert manager.check("tool", intent).decision != "allow"


@pytest.mark.parametrize("path", ESCAPES)
def test_an_allowing_rule_for_the_workspace_lets_no_path_out(traps, path):
    manager = PermissionManager(traps, (rule("tool(**)", "allow"), rule("tool(./**)", "allow")), "fast-edit")
    for intent in (reading(path), writing(path)):
        assert manager.check("tool", intent).decision != "allow"


DENIED_SPELLINGS = ["src/a.py", "./src/a.py", "src/../src/a.py", "SRC/A.PY", "src//a.py", "via/a.py", "ſrc/a.py",
                    "sr\u200bc/a.py", "src/ａ.py"]  # fmt: skip


@pytest.mark.parametrize("path", DENIED_SPELLINGS)
def test_a_denied_file_is_denied_under_every_spelling(workspace, path):
    (workspace / "via").symlink_to("src")
    for text in ("write_file(src/a.py)", "write_file(src/**)", "WRITE_FILE(src)", "write_file(a.py)"):
        manager = PermissionManager(workspace, (rule(text, "deny"), rule("write_file(**)", "allow")), "fast-edit")
        assert manager.check("write_file", writing(path)).decision == "deny"


def test_a_denied_link_is_denied_by_its_own_name_too(workspace):
    (workspace / "via").symlink_to("src")
    manager = PermissionManager(workspace, (rule("read_file(via/**)", "deny"),))
    assert manager.check("read_file", reading("via/a.py")).decision == "deny"


def test_a_path_that_cannot_be_resolved_is_still_denied_by_a_rule(workspace):
    manager = PermissionManager(workspace, (rule("read_file(secret/**)", "deny"), rule("read_file(x)", "allow")))
    assert manager.check("read_file", reading("a\0b")).decision == "deny"


def test_one_of_several_paths_is_enough_to_ask_or_deny(workspace):
    manager = PermissionManager(workspace, (rule("t(src/**)", "allow"),))
    assert manager.check("t", Intent("write", "x", ("src/a.py", "src/b.py"))).decision == "allow"
    assert manager.check("t", Intent("write", "x", ("src/a.py", "../b.py"))).decision == "ask"
    denying = PermissionManager(workspace, (rule("t(src/b.py)", "deny"),), "fast-edit")
    assert denying.check("t", Intent("write", "x", ("src/a.py", "src/b.py"))).decision == "deny"


def test_a_workspace_reached_by_a_link_is_the_workspace(workspace):
    link = workspace.parent / "link"
    link.symlink_to(workspace)
    assert PermissionManager(link).check("read_file", reading("src/a.py")).decision == "allow"
    assert PermissionManager(link).check("read_file", reading(str(workspace / "src/a.py"))).decision == "allow"


# --- attacks: fast edit ---------------------------------------------------------------------------------------------

PROTECTED = [
    ".git/config", ".git/hooks/pre-commit", "sub/.git/config", ".GIT/config", ".g\u200bit/config", ".env", ".env.local",
    "deep/.ENV", ".ssh/authorized_keys", ".aws/credentials", ".mcp.json", ".vscode/settings.json", ".idea/x",
    ".bashrc", ".zshrc", ".profile", ".husky/pre-push", ".claude/settings.json", ".pre-commit-config.yaml", ".netrc",
    ".gitmodules", "x/../.git/config", "gitlink/config", "id_rsa", ".envrc", ".amplifier/hooks/x.sh", ".git./config",
]  # fmt: skip


@pytest.mark.parametrize("path", PROTECTED)
@pytest.mark.parametrize("mode", MODES)
def test_protected_paths_are_never_written_without_a_question(workspace, path, mode):
    (workspace / ".git").mkdir()
    (workspace / "gitlink").symlink_to(".git")
    rules = (rule("*", "allow"), rule("write_file(**)", "allow"), rule("write_file(.git/**)", "allow", "administrator"))
    assert PermissionManager(workspace, rules, mode).check("write_file", writing(path)).decision != "allow"


SECRETS = [".env", "a/.env.production", ".ssh/id_ed25519", ".aws/credentials", "id_rsa", ".netrc"]


@pytest.mark.parametrize("path", SECRETS)
def test_secrets_are_not_read_without_a_question(workspace, path):
    assert PermissionManager(workspace, (rule("*", "allow"),)).check("read_file", reading(path)).decision == "ask"


@pytest.mark.parametrize("tail", ["", "-wal", "-shm", "-journal"])
def test_our_own_state_is_denied_whatever_is_allowed(workspace, tail, monkeypatch):
    monkeypatch.setenv("AWB_DB", str(workspace / "work.db"))
    manager = PermissionManager(workspace, (rule("*", "allow"),), "fast-edit")
    for intent in (reading(f"work.db{tail}"), writing(f"work.db{tail}"), writing(f"WORK.DB{tail}")):
        assert manager.check("tool", intent).decision == "deny"


def test_our_settings_and_permission_files_are_denied(workspace):
    from agent_workbench import paths

    manager = PermissionManager(workspace, (rule("*", "allow"),), "fast-edit")
    for folder in (paths.config_dir(), paths.data_dir(), paths.log_dir()):
        assert manager.check("write_file", writing(str(folder / "permissions.yaml"))).decision == "deny"


def test_start_files_of_the_home_folder_ask_even_when_home_is_the_workspace(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    manager = PermissionManager(tmp_path, mode="fast-edit")
    for path in (".config/systemd/user/x.service", ".local/bin/ls", ".config/fish/config.fish", "~/.bashrc"):
        assert manager.check("write_file", writing(path)).decision == "ask"


def test_fast_edit_approves_nothing_but_edits(workspace):
    manager = PermissionManager(workspace, mode="fast-edit")
    for intent in (running("sed -i s/a/b/ src/a.py"), Intent("network", "x.org"), Intent("write", "memory")):
        assert manager.check("tool", intent).decision == "ask"


def test_fast_edit_asks_about_a_hard_link(traps):
    assert PermissionManager(traps, mode="fast-edit").check("write_file", writing("hard")).decision == "ask"


def test_a_workspace_below_dev_can_be_worked_in():
    folder = Path("/dev/shm")
    if not os.access(folder, os.W_OK):
        pytest.skip("no /dev/shm here")
    assert PermissionManager(folder).check("read_file", reading("x")).decision == "allow"


# --- laws -----------------------------------------------------------------------------------------------------------

TEXTS = st.sampled_from([
    "*", "t", "T", "write_file", "t(**)", "t(src/**)", "t(src)", "t(a.py)", "t(/etc/**)", "t(~/**)", "*(../**)",
    "t(rm *)", "t(*)", "t(x.org)", "t(.git/**)", "t(src/*/b)", "mcp_*",
])  # fmt: skip
LAYERS = st.sampled_from(["built-in", "bundle", "session", "user", "administrator"])
RULES = st.builds(lambda text, ruling, layer: parse_rule(text, ruling, layer), TEXTS,
                  st.sampled_from(["allow", "ask", "deny"]), LAYERS)  # fmt: skip
PIECES = st.sampled_from(
    ["src", "..", ".", "a.py", "up", "door", ".git", "~", "", "etc", "hard", "\u200b", "A.PY", "work"]
)
PATHS = st.lists(PIECES, max_size=6).map("/".join)
ACCESSES: list[Access] = ["read", "write", "execute", "network", "none"]
INTENTS = st.builds(
    lambda access, paths, subject: Intent(access, subject, tuple(paths)),
    st.sampled_from(ACCESSES), st.lists(PATHS, max_size=3), st.sampled_from(["", "rm x", "x.org", "src"]),
)  # fmt: skip


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("ground")
    work = root / "work"
    (work / "src").mkdir(parents=True)
    (work / "src/up").symlink_to("..")
    (work / "door").symlink_to(root)
    (work / "src/a.py").write_text("a")
    (root / "a.py").write_text("b")
    os.link(root / "a.py", work / "hard")
    return work


@given(st.lists(RULES, max_size=6), RULES, INTENTS, st.sampled_from(MODES))
@settings(max_examples=400, deadline=None)
def test_adding_a_denying_or_asking_rule_never_loosens(ground, rules, added, intent, mode):
    before = PermissionManager(ground, tuple(rules), mode).check("t", intent)
    after = PermissionManager(ground, (*rules, added), mode).check("t", intent)
    if added.ruling != "allow":
        assert STRICTNESS[after.decision] >= STRICTNESS[before.decision]


@given(st.lists(RULES, max_size=6), INTENTS, st.sampled_from(MODES), st.randoms())
@settings(max_examples=300, deadline=None)
def test_the_order_of_rules_and_layers_never_matters(ground, rules, intent, mode, random):
    shuffled = list(rules)
    random.shuffle(shuffled)
    one = PermissionManager(ground, tuple(rules), mode).check("t", intent)
    other = PermissionManager(ground, tuple(shuffled), mode).check("t", intent)
    assert (one.decision, one.rules, one.paths) == (other.decision, other.rules, other.paths)


@given(st.lists(RULES, max_size=6), INTENTS, st.sampled_from(["read-only", "plan"]))
@settings(max_examples=300, deadline=None)
def test_read_only_modes_never_allow_a_change(ground, rules, intent, mode):
    if intent.access in ("write", "execute"):
        assert PermissionManager(ground, tuple(rules), mode).check("t", intent).decision == "deny"


@given(PATHS, st.sampled_from(MODES), st.booleans())
@settings(max_examples=600, deadline=None)
def test_no_path_spelled_any_way_escapes(ground, path, mode, with_rule):
    """Whatever is allowed is, by the operating system's own reading, a file inside the workspace."""
    rules = (rule("t(**)", "allow"),) if with_rule else ()
    manager = PermissionManager(ground, rules, mode)
    for intent in (reading(path), writing(path)):
        if manager.check("t", intent).decision == "allow":
            real = Path(os.path.realpath(os.path.join(ground, path)))
            assert real.is_relative_to(ground)
            assert ".git" not in real.parts or intent.access == "read"
            assert real != ground / "hard"


@given(st.lists(RULES, max_size=5), INTENTS)
@settings(max_examples=200, deadline=None)
def test_a_shell_command_is_never_allowed(ground, rules, intent):
    if intent.access == "execute":
        assert PermissionManager(ground, tuple(rules)).check("t", intent).decision != "allow"
