"""What a star covers with a program that nobody knows here: names, files and how loud it is, nothing that runs more."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_workbench.engine.permissions import PermissionManager, parse_rule
from agent_workbench.engine.permissions.programs import ASKED, ASKING, HARMLESS
from agent_workbench.engine.ports import Intent

HERE = Path("/nowhere/at/all")


def allowed(command: str, *rules: str) -> bool:
    manager = PermissionManager(HERE, tuple(parse_rule(rule, "allow", "user") for rule in rules))
    return manager.check("bash", Intent("execute", command, shell=True)).decision == "allow"


MEANT = [
    "checker", "checker src", "checker src/a.py tests", "checker -v", "checker -vv -q src", "checker -n5",
    "checker --all", "checker --verbose --max-line-length=100 src", "checker --dry-run", "checker --help",
    "checker --version", "checker --no-color", "checker --format=json", "checker status", "checker test",
    "checker watch src", "checker -", "checker key=value", "checker --recursive", "checker --jobs 4", "checker list",
    "checker --only=unit",
]  # fmt: skip
MORE = [
    "checker --exec=x", "checker --exec x", "checker --ex x", "checker -exec x", "checker -c x", "checker -e x",
    "checker -x y", "checker -ve x", "checker --config=x", "checker --conf x", "checker --rcfile=x",
    "checker --plugin x", "checker -o x", "checker --output=x", "checker --post-hook=x", "checker --use-pager x",
    "checker --editor_cmd=x", "checker --on-change x", "checker -- x y", "checker run x", "checker exec x",
    "checker -v run x", "checker eval 1", "checker x y", "checker sh -c y", "checker src/bash",
    "checker python3.12 x.py", "checker --with=bash", "checker 'a b'", "checker 'a;b'", "checker 'a|b'",
    "checker '$x'", "checker '`x`'", "checker 'f(x)'", "checker CC=x", "checker https://host/x", "checker --url=h",
    "checker --fix", "checker -r x", "checker --require x", "checker -D x", "checker --define.x=y", "checker --RUN x",
    "checker -I x", "checker -C src", "checker env x", "checker --command=x", "checker --inplace src",
    "checker --delete src",
]  # fmt: skip


@pytest.mark.parametrize("command", MEANT)
def test_a_star_covers_what_a_person_means_by_it(command: str) -> None:
    assert allowed(command, "bash(checker *)")


@pytest.mark.parametrize("command", MORE)
def test_a_star_covers_no_word_that_may_make_an_unknown_program_run_load_write_or_send(command: str) -> None:
    assert not allowed(command, "bash(checker *)")
    assert not allowed(command, "bash(checker * *)")


@pytest.mark.parametrize("command", [*MEANT, *MORE])
@pytest.mark.parametrize("rule", ["bash", "bash(*)", "bash(**)", "bash(c* *)", "bash(?hecker *)", "b*"])
def test_no_star_stands_for_the_name_of_an_unknown_program(command: str, rule: str) -> None:
    assert not allowed(command, rule)


def test_what_a_star_does_not_cover_can_be_spelled() -> None:
    assert allowed("checker run --config=x src", "bash(checker run --config=x *)")
    assert allowed("checker run src", "bash(checker run *)")
    assert not allowed("checker run --config=x src", "bash(checker run *)")
    assert allowed("checker -c y", "bash(checker -c *)")


@pytest.mark.parametrize(
    "command", ["ls -la src", "cat -e a", "jq -r .x a", "sort -u a", "git log -p", "pytest -x tests"]
)
@pytest.mark.parametrize("rule", ["bash", "bash(*)", "bash(?* *)"])
def test_a_star_stands_for_the_names_of_known_programs(command: str, rule: str) -> None:
    assert allowed(command, rule)


@pytest.mark.parametrize(
    "command", ["./ls", "src/cat a", "/usr/bin/ls", "/nowhere/at/all/ls", "../ls", "LS", "ls.sh", "lsx"]
)
def test_a_program_at_a_path_or_of_a_similar_name_is_no_known_one(command: str) -> None:
    assert not allowed(command, "bash")
    assert not allowed(command, "bash(*)")


def test_a_spelled_path_to_a_known_program_is_that_program() -> None:
    assert allowed("/usr/bin/ls --file-type x", "bash(/usr/bin/ls *)")
    assert not allowed("./sort -o x", "bash(./sort *)")


def test_no_program_is_both_harmless_and_asked_about() -> None:
    asked = {name for names in ASKED.values() for name in names.split()}
    assert not set(HARMLESS.split()) & (asked | ASKING.keys())


WORDS = st.text("abcexyz-=/._ ;$XR:5", min_size=1, max_size=12)


@settings(max_examples=300, deadline=None)
@given(words=st.lists(WORDS, min_size=1, max_size=4), extra=st.sampled_from(["--exec", "-c", "--", "sh", "A=1", "a b"]))
def test_a_risky_word_asks_at_any_place(words: list[str], extra: str) -> None:
    for at in range(len(words) + 1):
        line = shlex.join(["checker", *words[:at], extra, *words[at:]])
        assert not allowed(line, "bash(checker *)")
