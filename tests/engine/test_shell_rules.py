"""Shell commands against allowing rules: what is plain, what is never allowed, and laws over generated commands."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_workbench.engine.permissions import MODES, PermissionManager, Verdict, load_rules, parse_rule
from agent_workbench.engine.permissions.shell import read_command
from agent_workbench.engine.ports import Intent
from agent_workbench.errors import PermissionRuleError


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    work = tmp_path_factory.mktemp("shell") / "work"
    (work / "src").mkdir(parents=True)
    (work / "src/a.py").write_text("a")
    (work.parent / "outside").write_text("o")
    (work / "door").symlink_to("../outside")
    return work


def decided(folder: Path, command: str, *allow: str, deny: tuple[str, ...] = (), **more: object) -> Verdict:
    rules = [parse_rule(text, "allow", "user") for text in allow] + [parse_rule(text, "deny", "user") for text in deny]
    manager = PermissionManager(folder, tuple(rules), **more)  # type: ignore[arg-type]
    return manager.check("bash", Intent("execute", command, shell=True))


# --- what plain commands are ----------------------------------------------------------------------------------------

PLAIN = {
    "one word": ("ls", [["ls"]]),
    "a chain": ("a && b || c; d | e", [["a"], ["b"], ["c"], ["d"], ["e"]]),
    "without spaces": ("a&&b||c;d|e", [["a"], ["b"], ["c"], ["d"], ["e"]]),
    "a semicolon at the end": ("ls;", [["ls"]]),
    "single quotes": ("git log --grep 'a && b'", [["git", "log", "--grep", "a && b"]]),
    "double quotes": (r'echo "a \"b\" \n $"'.replace(" $", ""), [["echo", r'a "b" \n']]),
    "a backslash": (r"ls a\ b\;c", [["ls", "a b;c"]]),
    "mixed quotes": ("l's' a\"b\"'c'", [["ls", "abc"]]),
    "an empty word": ("echo '' \"\"", [["echo", "", ""]]),
    "a quoted star": ("find src -name '*.py'", [["find", "src", "-name", "*.py"]]),
    "revisions": ("git show HEAD~1 HEAD^ a..b x@1", [["git", "show", "HEAD~1", "HEAD^", "a..b", "x@1"]]),
    "numbers": ("head -n 20 x", [["head", "-n", "20", "x"]]),
}


@pytest.mark.parametrize(("command", "parts"), PLAIN.values(), ids=PLAIN.keys())
def test_a_plain_command_is_read_as_its_words(command, parts):
    assert [list(part) for part in read_command(command).parts] == parts


NOT_PLAIN = {
    "a substitution": "ls $(id)", "backticks": "ls `id`", "a substitution in quotes": 'ls "$(id)"',
    "backticks in quotes": 'ls "`id`"', "a process substitution": "diff <(id) a", "writing to one": "ls >(id)",
    "a variable": "ls $HOME", "a variable in quotes": 'ls "$HOME"', "braces around it": "ls ${x:-$(id)}",
    "arithmetic": "ls $((1+1))", "old arithmetic": "ls $[1]", "the separator": "ls${IFS}x", "a home folder": "ls ~/x",
    "a home folder behind =": "ls a=~/x", "a star": "ls *", "a question mark": "ls ?", "a class": "ls [ab]",
    "braces": "ls {a,b}", "a range": "ls a{1..3}", "output to a file": "ls > x", "appending": "ls >> x",
    "input": "wc < x", "an error stream": "ls 2>&1", "both streams": "ls &> x", "a piped error stream": "ls |& wc",
    "a here-document": "cat <<E\nx\nE", "a here-string": "cat <<< x", "the background": "ls &",
    "the background between": "ls & wc", "a prefix": "A=1 ls", "a variable alone": "A=1",
    "a prefix of an array": "A[0]=1 ls",
    "an addition": "PATH+=:x ls", "export": "export A=1", "a negation": "! ls", "a subshell": "(ls)",
    "a group": "{ ls; }", "an if": "if ls; then ls; fi", "a loop": "while ls; do ls; done",
    "a for": "for x in a; do ls; done",
    "a case": "case a in a) ls;; esac", "a function": "f() { ls; }", "a function's other form": "function f { ls; }",
    "a test": "[ -f x ]", "a double test": "[[ -f x ]]", "a comment": "ls # x", "only a comment": "# ls",
    "two lines": "ls\nwc", "a carriage return": "ls\rwc", "a continued line": "ls \\\nwc", "a tab": "ls\tx",
    "a NUL": "ls\0",
    "an escape": "ls \x1b[2J", "C quotes": r"ls $'\x2e'", "translated quotes": 'ls $"a"',
    "an extended pattern": "ls @(a|b)",
    "a look-alike": "lѕ", "wide letters": "ｌｓ", "a no-break space": "ls\u00a0x", "an invisible letter": "ls\u200b",
    "a right-to-left mark": "ls \u202e", "an open quote": "ls 'a", "an open double quote": 'ls "a',
    "a lone backslash": "ls \\",
    "two semicolons": "ls ;; wc", "an operator too many": "ls && && wc", "an operator at the end": "ls &&",
    "nothing": "",
    "spaces": "   ", "time": "time ls", "coproc": "coproc ls", "an empty name": "'' x",
    "a reserved word in quotes": "'if' x",
    "a history word": "!!", "too long": "ls " + "a" * 10_000, "too many words": "ls" + " a" * 400,
    "select": "select x in a", "something that the grammar passes over": "\\ ''", "words without a space": '0""\\0',
}  # fmt: skip


@pytest.mark.parametrize("command", NOT_PLAIN.values(), ids=NOT_PLAIN.keys())
@pytest.mark.parametrize("mode", MODES)
def test_what_is_not_plain_is_allowed_by_no_rule(folder, command, mode):
    verdict = decided(folder, command, "bash", "*", "bash(*)", "bash(ls *)", "bash(ls)", mode=mode)
    assert verdict.decision != "allow"
    assert verdict.scopes == ("allow",)


# --- programs that run programs, or write where they are told -------------------------------------------------------

RUNNERS = [
    "env ls", "/usr/bin/env ls", "env -i ls", "xargs rm", "timeout 5 ls", "nohup ls", "nice ls", "sudo ls", "sh -c ls",
    "bash x.sh", "/bin/bash -c id", "ENV ls", "busybox sh", "ssh host ls", "eval ls", "exec ls", "command ls",
    "builtin cd",
    "source x", ". x", "cd /", "trap id EXIT", "alias ls=rm", "read x", "set -x", "unset PATH", "awk 1", "gawk5 1",
    "vim9 x", "less x", "man ls", "tar xf a.tar", "patch x", "curl x", "wget x", "npx x", "uvx x", "docker run x",
    "dd of=x",
    "find . -exec id '{}' '+'", "find . -delete", "find . -fprint x", "find . -okdir id", "fd -x id", "fd a --exec=id",
    "rg --pre id x", "rg --pre=id x", "sort -o x y", "sort -no x y", "sort --outp=x y", "sort --compress-program=id x",
    "split --filter=id x", "sed s/a/b/e x", "sed -i s/a/b/ x", "sed 'w x' y", "sed -n '1e id' x", "sed -f x y", "sed",
    "python -c 1", "python", "python -", "python3.11 -c 1", "python -ic 1", "perl -e 1", "node --eval 1", "ruby -e 1",
    "python -m", "php -r 1", "make SHELL=id", "make -f x", "make --eval=x", "make -C x", "gmake -f x", "uniq a b",
    "test -v 'a[$(id)]'", "test a -o -v x", "printf -v PATH x", "cargo --config x build", "cargo install x",
    "npm exec x",
    "npm config set script-shell x", "npm --script-shell=x test", "uv run x", "uv tool run x", "poetry run x",
    "go test -exec id", "go test --exec=id", "go run x", "go vet -vettool=x", "mypy --python-executable=x y",
    "pytest --basetemp=src", "pytest -p x", "pytest -c x", "python -m pytest --basetemp src", "py.test --rootdir=x",
    "pytest --cov-report=html:src", "python -m pip config set a b", "python -m mypy --python-executable=x y",
    "pylint --init-hook=id x", "ruff check -o src/a.py", "mypy --junit-xml src/a.py x", "eslint -c x y", "jest -c x",
    "npm -script-shell=x test", "npm test -script-sh x", "npm --git=x install", "npm --registry=http://x install",
    "hyperfine id", "ccache x", "chronic x", "bat --pager=id x", "fzf --preview=id", "ipython -c 1", "julia -e 1",
    "just --shell x", "tox -x y", "ctest -S x", "rustc -C linker=x y", "java -javaagent:x y", "gcc @x", "g++-12 @x",
    "wc --files0-from=x", "sort --files0-from=x", "grep -R x src", "uniq -- -a -b", "cmake -C x .", "rvim x", "zless x",
    "vimdiff a b", "docker-compose up", "pandoc --filter=x y",
    "gcc -fplugin=x y", "gcc-12 -wrapper x y", "cmake -P x", "gradle -I x", "mvn exec:exec", "hg log", "gpg -d x",
]  # fmt: skip

GIT = [
    "git", "git --help", "git help log", "git -c core.pager=id log", "git -ccore.pager=id log", "git -C x log",
    "git --git-dir=x log", "git --work-tree=x status", "git --exec-path=x log", "git --config-env=a=b log",
    "git -p log",
    "git --paginate log", "git --namespace=x log", "git --bare log", "git config core.pager id", "git config -l",
    "git foo",
    "git log --output=x", "git log --outp=x", "git log --output x", "git diff --ext-diff", "git log --ext",
    "git show --textconv",
    "git grep -O x", "git grep -Oid x", "git grep --open-files-in-pager=id x", "git grep --open x",
    "git fetch --upload-pack=id x",
    "git fetch --upload x", "git push --receive-pack=id", "git push --exec=id", "git pull 'ext::sh -c id'",
    "git fetch ext::id",
    "git rebase -x id", "git rebase -i", "git bisect run id", "git submodule update", "git submodule foreach id",
    "git difftool", "git mergetool", "git filter-branch x", "git archive --exec=id", "git clone x",
    "git init --template=x",
    "git log --show-signature", "git log --show-s", "git commit -S", "git commit -amS x", "git commit --gpg-sign=x",
    "git tag -s x",
    "git tag -u x y", "git remote add x y", "git worktree add x", "git apply x", "git am x", "git send-email x",
    "git instaweb",
    "git cat-file --filters x", "git commit --trailer a=b", "git branch --edit-description", "git merge -X x y",
    "git merge -s mine y", "git merge --strategy=mine y", "git checkout --recurse-submodules x", "git show HEAD:.env",
    "git fetch ext:x", "git pull git@host:x", "git push host:x main", "git push --force git@host:x",
    "git grep --no-index x", "git grep --untracked x", "git log --help", "git push --signed",
    "/usr/bin/git config x", "GIT config x", "git maintenance run", "git hook run x", "git daemon", "git notes edit",
]  # fmt: skip

PATHS = [
    "cat /etc/passwd", "cat ../outside", "cat door", "cat src/../../outside", "cat .env", "cat src/.env.local",
    "cat -A/etc/passwd", "cat --file=/etc/passwd", "cat @/etc/passwd", "cat x=/etc/passwd", "cat a:/etc/passwd",
    "cat a,/etc/passwd", "cat -x../outside", "cat '~/x'", "cat /proc/self/environ", "cat /dev/stdin",
    "cat //etc/passwd",
    "cp x .git/hooks/pre-commit", "cp -t.git/hooks x", "cp --target-directory=.git/hooks x",
    "tee .github/workflows/x.yml",
    "touch .envrc", "mv x .bashrc", "cat .ssh/id_rsa", "ln -s /etc x", "cat " + "a" * 5_000, "cat file:///etc/passwd",
    "cat .GIT/config", "cp a .vscode/settings.json", "cp a x/../.git/config", "cat ./.env",
    "cat -xf/etc/passwd", "cat -xf.env", "cat ''.env", "cat .e'n'v",
]  # fmt: skip


@pytest.mark.parametrize("command", [*RUNNERS, *GIT, *PATHS])
def test_no_rule_with_wildcards_lets_a_command_out(folder, command):
    name = shlex.split(command)[0]
    verdict = decided(folder, command, "bash", "bash(*)", f"bash({name} *)", f"bash({name} * *)", "bash(git *)", "*")
    assert verdict.decision == "ask"
    assert decided(folder, f"ls; {command} | wc", "bash").decision == "ask"


@pytest.mark.parametrize("command", [*RUNNERS, *GIT])
def test_no_rule_is_offered_for_what_may_run_anything(folder, command):
    assert decided(folder, command).rules == ()


NARROW = {
    "a file outside, spelled out": ("bash(cat /etc/hostname)", "cat /etc/hostname", "allow"),
    "its neighbour": ("bash(cat /etc/hostname)", "cat /etc/passwd", "ask"),
    "a star over nothing": ("bash(git log *)", "git log", "allow"),
    "a star over words": ("bash(git log *)", "git log --oneline -5 main..HEAD -- src/a.py", "allow"),
    "another subcommand": ("bash(git log *)", "git push", "ask"),
    "a longer word": ("bash(git log *)", "git logx", "ask"),
    "without the star": ("bash(git log)", "git log -5", "ask"),
    "another letter case": ("bash(git log)", "git LOG", "ask"),
    "another program of that name": ("bash(ls *)", "/tmp/ls x", "ask"),
    "a program here of that name": ("bash(ls *)", "./ls x", "ask"),
    "quotes": ("bash(git log *)", "'git' l\"og\" '-5'", "allow"),
    "a star within a name": ("bash(cat src/*.py)", "cat src/a.py", "allow"),
    "a star over a folder": ("bash(cat src/*.py)", "cat src/x/a.py", "ask"),
    "two stars over a folder": ("bash(cat src/**)", "cat src/x/a.py", "allow"),
    "two stars and no more words": ("bash(cat src/**)", "cat src/a.py src/b.py", "ask"),
    "a climb under two stars": ("bash(cat src/**)", "cat src/../door", "ask"),
    "a climb inside": ("bash(cat src/**)", "cat src/../src/a.py", "ask"),
    "several stars in a word": ("bash(cat *a*b*c)", "cat xaybzc", "allow"),
    "one letter": ("bash(cat ?.py)", "cat a.py", "allow"),
    "one letter too many": ("bash(cat ?.py)", "cat ab.py", "ask"),
    "a word in the middle": ("bash(git * --oneline)", "git log --oneline", "allow"),
    "two words in the middle": ("bash(git * --oneline)", "git log -5 --oneline", "ask"),
    "a quoted star is a star": ("bash(find src -name '*.py')", "find src -name '*.py'", "allow"),
    "a quoted star is no wildcard": ("bash(find src -name '*.py')", "find src -name a.py", "ask"),
    "an escaped star is no wildcard": (r"bash(echo \*)", "echo a b", "ask"),
    "a remote by its name": ("bash(git push *)", "git push origin HEAD:main", "allow"),
    "a module as its program": ("bash(python -m pytest *)", "python -m pytest -x tests", "allow"),
    "a coverage report that is only shown": ("bash(pytest *)", "pytest --cov-report=term-missing", "allow"),
    "all files of a folder without secrets": ("bash(grep *)", "grep -rn x src", "allow"),
    "a quoted space": ("bash(git commit -m 'a b')", "git commit -m 'a b'", "allow"),
    "a space that was not quoted": ("bash(git commit -m 'a b')", "git commit -m a b", "ask"),
    "a pattern that is a chain allows nothing": ("bash(ls && wc)", "ls && wc", "ask"),
    "a pattern with a variable allows nothing": ("bash(echo $HOME)", "echo '$HOME'", "ask"),
    "a pattern with look-alikes allows nothing": ("bash(lѕ *)", "ls x", "ask"),
    "a pattern with an open quote allows nothing": ("bash(ls ')", "ls", "ask"),
    "a pattern of spaces allows nothing": ("bash( )", "ls", "ask"),
    "the whole tool": ("bash", "ls -la src", "allow"),
    "a rule for another tool": ("shell(ls)", "ls", "ask"),
    "reading a part with sed": ("bash(sed *)", "sed -n 1,20p src/a.py", "allow"),
    "a script": ("bash(python *)", "python src/a.py -v", "allow"),
    "a module": ("bash(python -m pytest *)", "python -m pytest -x", "allow"),
    "a target": ("bash(make *)", "make -j4 test", "allow"),
    "a search": ("bash(find *)", "find src -name '*.py' -type f", "allow"),
    "a global option of git": ("bash(git *)", "git --no-pager log", "allow"),
    "its version": ("bash(git *)", "git --version", "allow"),
    "unique lines": ("bash(uniq *)", "uniq -c src/a.py", "allow"),
    "a push": ("bash(git push *)", "git push -u origin main", "allow"),
    "a look for a text": ("bash(git log *)", "git log -Stext --stat --oneline", "allow"),
}  # fmt: skip


@pytest.mark.parametrize(("rule", "command", "decision"), NARROW.values(), ids=NARROW.keys())
def test_what_a_rule_for_a_command_allows(folder, rule, command, decision):
    assert decided(folder, command, rule).decision == decision


def test_a_wildcard_does_not_cover_what_a_rule_keeps_from_the_file_tools(folder):
    keeping = "read_file(src/**)"
    assert decided(folder, "cat src/a.py", "bash(cat *)").decision == "allow"
    assert decided(folder, "cat src/a.py", "bash(cat *)", deny=(keeping,)).decision == "ask"
    assert decided(folder, "cat src/a.py", "bash(cat src/a.py)", deny=(keeping,)).decision == "allow"
    assert decided(folder, "cat src/a.py", "bash(cat *)", deny=("web_fetch(src)",)).decision == "allow"


READS_ALL = [
    "grep -r x",
    "grep -rn x .",
    "grep -d recurse x .",
    "rg --hidden x",
    "rg -uu x .",
    "diff -r a .",
    "cp -a . b",
]


@pytest.mark.parametrize("command", READS_ALL)
def test_a_wildcard_does_not_let_a_command_read_a_whole_folder_with_a_secret_in_it(tmp_path, command):
    (tmp_path / "a").mkdir()
    (tmp_path / "a/x.py").write_text("x")
    assert decided(tmp_path, command, "bash").decision == "allow"
    (tmp_path / "a/.env").write_text("KEY=x")
    verdict = decided(tmp_path, command, "bash", f"bash({command})")
    assert (verdict.decision, verdict.rules) == ("ask", ())


@pytest.mark.parametrize(
    "before", ["mv src/link .", "cp -P src/link .", "git checkout other", "cat link; git stash pop"]
)
def test_a_wildcard_covers_no_path_behind_a_part_that_may_put_a_link_there(folder, before):
    assert decided(folder, "cat link", "bash").decision == "allow"
    verdict = decided(folder, f"{before}; cat link", "bash")
    assert (verdict.decision, verdict.rules) == ("ask", ("bash(cat link)",))
    assert decided(folder, f"{before}; cat link", "bash", "bash(cat link)").decision == "allow"
    assert decided(folder, f"{before}; ls -l && make; git add x", "bash").decision == "allow"


def test_a_search_that_skips_hidden_files_may_go_past_them_but_not_into_what_a_rule_keeps(tmp_path):
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/x").write_text("x")
    (tmp_path / ".env").write_text("KEY=x")
    assert decided(tmp_path, "rg x", "bash").decision == "allow"
    assert decided(tmp_path, "rg x", "bash", deny=("read_file(secrets/**)",)).decision == "ask"


def test_a_folder_with_too_many_files_to_look_at_asks(tmp_path, monkeypatch):
    (tmp_path / "a").write_text("x")
    (tmp_path / "b").write_text("x")
    monkeypatch.setattr("agent_workbench.engine.permissions.commands.MAX_BELOW", 1)
    assert decided(tmp_path, "grep -r x .", "bash").decision == "ask"


@pytest.mark.parametrize("command", ["git --no-pager push", "git -P push x", "git -C src push", "ls; git -c a=b push"])
def test_options_before_a_subcommand_hide_it_from_no_denying_rule(folder, command):
    assert decided(folder, command, "bash", deny=("bash(git push *)",)).decision == "deny"


def test_a_chain_names_the_rules_that_allow_it_or_the_part_that_none_does(folder):
    verdict = decided(folder, "ls && git log | wc", "bash(ls)", "bash(git log *)", "bash(wc *)")
    assert (verdict.decision, verdict.rule) == ("allow", "bash(ls), bash(git log *), bash(wc *)")
    verdict = decided(folder, "ls && git log | wc", "bash(ls)", "bash(wc *)")
    assert (verdict.decision, verdict.reason) == ("ask", "no rule allows `git log`")


def test_allowing_a_chain_for_longer_saves_one_narrow_rule_for_each_part_that_asks(folder):
    verdict = decided(folder, "ls && git commit -m 'a *' | wc; ls", "bash(wc *)")
    assert verdict.rules == ("bash(ls)", "bash(git commit -m 'a *')")
    assert decided(folder, "ls; git commit -m 'a *'", *verdict.rules).decision == "allow"
    assert decided(folder, "git commit -m 'a b'", *verdict.rules).decision == "ask"


def test_what_a_rule_or_a_mode_says_stands_above_the_parts(folder):
    asking = [parse_rule("bash(ls *)", "ask", "user"), parse_rule("bash", "allow", "user")]
    manager = PermissionManager(folder, tuple(asking))
    assert manager.check("bash", Intent("execute", "wc; ls", shell=True)).decision == "ask"
    assert decided(folder, "ls", "bash", mode="read-only").decision == "deny"
    assert decided(folder, "ls", "bash", mode="plan").decision == "deny"


def test_examples_of_an_allowing_rule_are_commands():
    good = {
        "rule": "bash(git log *)",
        "match": ["bash(git log -5)"],
        "not_match": ["bash(git push -f)", "bash(ls > x)"],
    }
    assert load_rules({"allow": [good]}, "user")
    for wrong in ({**good, "match": ["bash(git push x)"]}, {**good, "not_match": ["bash(git log -5)"]}):
        with pytest.raises(PermissionRuleError):
            load_rules({"allow": [wrong]}, "user")


# --- laws -----------------------------------------------------------------------------------------------------------

ALLOWED = [
    "ls",
    "ls -la",
    "git log",
    "git log --oneline -5",
    "wc -l",
    "echo 'a && b; rm x'",
    'echo "x | y"',
    "cat src/a.py",
]
RULES = ("bash(ls *)", "bash(git log *)", "bash(wc *)", "bash(echo *)", "bash(cat src/*)")
UNRULED = [
    "rm x",
    "git push",
    "/bin/ls",
    "touch y",
    "env ls",
    "git log --output=x",
    "cat /etc/passwd",
    "ls > x",
    "$(ls)",
    "lѕ",
]
JOINTS = st.sampled_from([" && ", "&&", " || ", "; ", ";", " | ", "|"])
CHAINS = st.lists(st.tuples(st.sampled_from(ALLOWED), JOINTS), min_size=0, max_size=60)
WRAPPED = [
    "$({})", "`{}`", 'echo "$({})"', "({})", "{{ {}; }}", "! {}", "{} &", "{} > x", "{} 2>&1", "{} < x", "A=1 {}",
    "env {}",
    "xargs {}", "timeout 1 {}", "sh -c '{}'", "eval {}", "exec {}", "command {}", "time {}", "if {}; then ls; fi",
    "f() {{ {}; }}",
    "{} <<E\nE", "cat <({})", "coproc {}", "while {}; do ls; done", "{}\nls", "ls \\\n; {}", "\t{}", "{} # x",
    "sudo {}", "nohup {}",
    "[[ a ]] && {}", "{} |& wc", "find . -exec {} +", "export A=1; {}", "cd src && {}", "{} && A=1",
    "trap '{}' EXIT", "{}\0",
]  # fmt: skip


def chained(parts: list[tuple[str, str]], last: str) -> str:
    return "".join(part + joint for part, joint in parts) + last


@settings(max_examples=150, deadline=None)
@given(chain=CHAINS, last=st.sampled_from(ALLOWED))
def test_a_chain_of_allowed_parts_is_allowed_however_long(folder, chain, last):
    assert decided(folder, chained(chain, last), *RULES).decision == "allow"


@settings(max_examples=150, deadline=None)
@given(before=CHAINS, after=CHAINS, odd=st.sampled_from(UNRULED), joint=JOINTS)
def test_one_part_that_no_rule_allows_makes_any_chain_ask(folder, before, after, odd, joint):
    assert decided(folder, chained(before, odd) + joint + chained(after, "ls"), *RULES).decision == "ask"


@settings(max_examples=150, deadline=None)
@given(before=CHAINS, after=CHAINS, inner=st.sampled_from(ALLOWED), wrapper=st.sampled_from(WRAPPED), joint=JOINTS)
def test_no_wrapping_of_an_allowed_command_is_ever_allowed(folder, before, after, inner, wrapper, joint):
    wrapped = wrapper.format(inner)
    assert decided(folder, chained(before, wrapped) + joint + chained(after, "ls"), *RULES).decision == "ask"
    assert decided(folder, wrapped, "bash", "*").decision == "ask"


@settings(max_examples=150, deadline=None)
@given(
    before=CHAINS,
    after=CHAINS,
    joint=JOINTS,
    odd=st.sampled_from(["rm x", "r''m x", "\\rm x", '"rm"', "/bin/rm -rf y"]),
)
def test_one_denied_part_denies_any_chain_at_any_position(folder, before, after, joint, odd):
    # no allowed part holds the denied word, except where it is quoted text: that denies too
    command = chained(before, odd) + joint + chained(after, "ls")
    assert decided(folder, command, *RULES, "bash", deny=("bash(rm *)",)).decision == "deny"


TEXT = st.text(st.sampled_from("abls xyz-=/.:,@%+^~#!*?[]{}()<>|&;$`\"'\\ \t\n0129_ü"), max_size=14)
PIECES = st.lists(
    st.one_of(TEXT, st.sampled_from([*ALLOWED, " && ", "; ", " | ", "'", '"', "\\", "a", " "])), max_size=6
)


@settings(max_examples=1_000, deadline=None)
@given(pieces=PIECES)
def test_bash_reads_the_same_words_as_we_do_in_everything_that_we_call_plain(pieces):
    check_against_bash("".join(pieces))


@settings(max_examples=150, deadline=None)
@given(words=st.lists(TEXT.filter(lambda text: text.isascii() and text.isprintable()), min_size=1, max_size=5))
def test_words_that_are_quoted_come_out_as_they_were(words):
    command = shlex.join(["x", *words])
    assert read_command(command).parts == (("x", *words),)
    check_against_bash(command)


@pytest.mark.parametrize("command", [command for command, _ in PLAIN.values()], ids=PLAIN.keys())
def test_bash_agrees_about_the_table_of_plain_commands(command):
    check_against_bash(command)


BUILTINS = frozenset(
    subprocess.run(["bash", "-c", "compgen -b"], capture_output=True, text=True, check=True).stdout.split()
)
PROBE = """
exec 3>&1
command_not_found_handle() { printf '%s\\0' "$#" "$@" >&3; return STATUS; }
COMMAND
exit 0
"""


def check_against_bash(command: str) -> None:
    """Compare the parts of a plain command with what bash would run, where it finds no program and tells which."""
    reading = read_command(command)
    if reading.doubt:
        return
    parsed = subprocess.run(["bash", "-n", "-c", "--", command], capture_output=True, check=False)
    assert parsed.returncode == 0, command
    if any("/" in name or name in BUILTINS or name.startswith("%") for name, *_ in reading.parts):
        assert all(words_of(f"x {shlex.join(argv)}") == [("x", *argv)] for argv in reading.parts)
        return
    # what follows `&&` runs where all succeed, what follows `||` where all fail
    ran = {*words_of(command, status=0), *words_of(command, status=1)}
    assert ran == set(reading.parts), command


def words_of(command: str, status: int = 0) -> list[tuple[str, ...]]:
    script = PROBE.replace("STATUS", str(status)).replace("COMMAND", command)
    environment = {"PATH": "/nowhere"}
    done = subprocess.run(
        [shutil.which("bash") or "bash", "--norc", "-c", script],
        capture_output=True,
        check=True,
        env=environment,
        text=True,
    )
    words, found = iter(done.stdout.split("\0")[:-1]), []
    for count in words:
        found.append(tuple(next(words) for _ in range(int(count))))
    return found


# --- cost -----------------------------------------------------------------------------------------------------------

HEAVY = {
    "many first words": ("bash(a *zz*b)", "a " * 70_000),
    "many stars": ("bash(a *a *a *a *b)", "a " * 70_000),
    "one word": ("bash(*a*a*a*a*b)", "a" * 140_000),
    "white space": ("bash(a b *c)", "a " + " " * 139_000),
    "quotes": ("bash(rm *x)", "r''m " * 28_000),
    "not ASCII": ("bash(rm *x)", "rm ü" * 35_000),
}


@pytest.mark.parametrize(("rule", "command"), HEAVY.values(), ids=HEAVY.keys())
def test_a_denying_rule_goes_through_a_very_long_command_once(folder, rule, command):
    started = time.process_time()
    decided(folder, command, deny=(rule,))
    assert time.process_time() - started < 1.0


def test_a_longest_chain_is_judged_quickly(folder):
    command = "; ".join(["echo aaaa"] * 60)
    started = time.process_time()
    assert decided(folder, command, "bash(echo *)").decision == "allow"
    assert decided(folder, "echo" + " a*" * 3_000, "bash(echo " + "*a" * 200 + ")").decision == "ask"
    assert decided(folder, "echo " + "a" * 9_000, "bash(echo " + "*a" * 200 + "b)").decision == "ask"
    assert time.process_time() - started < 1.0
