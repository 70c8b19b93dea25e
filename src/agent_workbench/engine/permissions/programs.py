"""What a plain command's words make a program do besides what its name says: run others, or write where it is told.

A rule that allows `git log *` means reading a log, not `git log --output=…`. So words that turn a harmless program
into another are asked about each time, whatever rule fits. Sources: each program's manual; https://gtfobins.github.io
for what is commonly forgotten.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from agent_workbench.engine.permissions.shell import Argv

#: Programs that no rule allows, by why.
ASKED: Mapping[str, str] = {
    "it runs what it is given": (
        "sh bash rbash dash zsh ksh mksh fish csh tcsh ash busybox toybox pwsh env xargs parallel timeout nice "
        "ionice nohup setsid stdbuf unbuffer time taskset chrt unshare nsenter chroot sudo su doas runuser "
        "pkexec setpriv capsh ssh rsh scp sftp rsync watch entr inotifywait script expect strace ltrace gdb "
        "lldb valgrind perf flock run-parts start-stop-daemon systemd-run at batch crontab screen tmux dtach "
        "ldd npx bunx uvx pipx dotenv direnv mise asdf docker podman nerdctl kubectl helm vagrant nix nix-shell "
        "nix-build socat nc ncat netcat telnet ftp gh glab aws gcloud ansible ansible-playbook terraform deno "
        "bun fakeroot faketime firejail bwrap setarch linux32 linux64 arch numactl cgexec runcon sg newgrp "
        "ssh-agent dbus-run-session xvfb-run caffeinate torsocks proxychains open xdg-open tcc hyperfine ccache "
        "sccache distcc scan-build bear logsave prlimit choom chpst envdir softlimit setlock gosu su-exec tini "
        "dumb-init daemonize cpulimit chronic ifne pee rlwrap sshpass proot eatmydata catchsegv nodemon watchexec "
        "reflex cross-env concurrently docker-compose podman-compose opam cabal stack dune tig fzf sk"
    ),
    "its own language can run programs": (
        "awk gawk mawk nawk ed ex vi vim nvim view emacs nano less more most man info tclsh wish sqlite3 mysql "
        "psql mongo redis-cli octave r gnuplot bc dc m4 jshell irb ghci erl iex rake ant rename prename "
        "emacsclient code subl rvim vimdiff nvimdiff gvim hx kak micro joe zless zmore bzless bzmore xzless xzmore "
        "pdflatex xelatex lualatex latex tex latexmk gs ghostscript pandoc exiftool"
    ),
    "it follows a configuration or hooks that programs stand in": (
        "hg svn svnadmin cvs bzr jj fossil lefthook husky pre-commit gpg gpg2 openssl mutt mail sendmail"
    ),
    "it writes many files at once, by names that no rule sees": (
        "tar bsdtar zip unzip 7z 7za cpio pax ar patch rpm dpkg apt apt-get aptitude yum dnf apk pacman brew "
        "snap flatpak install dd ditto"
    ),
    "it talks to the network": "curl wget aria2c http https xh httpie lynx w3m links",
    "it changes the shell or the machine": (
        "systemctl service launchctl kill pkill killall shutdown reboot mount umount chown chgrp setfacl "
        "useradd passwd visudo sysctl modprobe insmod iptables ip ifconfig"
    ),
    "it is part of the shell, and changes what later commands mean": (
        "cd pushd popd export declare typeset local readonly set unset shopt alias unalias source . eval exec "
        "command builtin trap umask ulimit enable hash bind complete compgen compopt read mapfile readarray let "
        "getopts caller dirs fc history help fg bg jobs disown suspend logout wait return break continue shift "
        "times exit"
    ),
}  # fmt: skip
_ASKED = {name: why for why, names in ASKED.items() for name in names.split()}

#: Programs with a script as their first word; anything else there is a program in a word, or one from standard input.
INTERPRETERS = re.compile(
    r"(?:python|pypy|ipython|bpython|perl|raku|ruby|node|nodejs|php|lua|luajit|rscript|ts-node|tsx|groovy|julia|elixir|"
    r"guile|racket|clojure|clj|sbcl|scala|runghc|ocaml|osascript)[\d.]*"
)


_PYTHON = re.compile("python|pypy")
_VERSION = re.compile(r"[\d.-]+$")

#: Names that mean a program to run wherever they stand; `time` or `open` may be a word like others.
SHELLS = "sh bash rbash dash zsh ksh mksh fish csh tcsh ash pwsh busybox env xargs sudo nohup setsid"

#: Programs under another name.
_SAME = {"py.test": "pytest"}


@dataclass(frozen=True, slots=True)
class Words:
    """Words of one program that are asked about: options (with their beginnings and values), and subcommands."""

    options: str = ""
    subcommands: str = ""


_COMPILER = "-wrapper -fplugin -B -specs --specs -load -Xclang --config"

#: Options end before `=`; a long one may be shortened, a short one may stand among others or hold its value.
ASKING: Mapping[str, Words] = {
    "find": Words("-exec -execdir -ok -okdir -delete -fls -fprint -fprint0 -fprintf -files0-from"),
    "fd": Words("-x -X --exec --exec-batch"),
    "fdfind": Words("-x -X --exec --exec-batch"),
    "rg": Words("-z --pre --pre-glob --hostname-bin --search-zip"),
    "ag": Words("--pager -z --search-zip"),
    "ack": Words("--pager --output --ackrc"),
    "ugrep": Words("--filter --pager --view --save-config --config -Q --query -z --decompress"),
    "grep": Words("-R --dereference-recursive"), "egrep": Words("-R --dereference-recursive"),
    "fgrep": Words("-R --dereference-recursive"),
    "bat": Words("--pager --config-file", "cache"), "batcat": Words("--pager --config-file", "cache"),
    "sort": Words("-o --output --compress-program -T --temporary-directory --files0-from"),
    "wc": Words("--files0-from"), "du": Words("--files0-from -X --exclude-from"),
    "split": Words("--filter"),
    "shuf": Words("-o --output"),
    "iconv": Words("-o --output"),
    "tree": Words("-o -R"),
    "file": Words("-C --compile -z -Z --uncompress"),
    "sdiff": Words("-o --output --diff-program"),
    "diff3": Words("--diff-program"),
    "date": Words("-s --set"),
    "test": Words("-v -R"),  # both take `name[index]`, and bash runs substitutions in the index
    "printf": Words("-v"),
    "yq": Words("-i --inplace -s --split-exp --in-place"),
    "xmllint": Words("--output -o --shell"), "xsltproc": Words("-o --output"), "dot": Words("-o -O"),
    "xxd": Words("-r -revert"),
    "ctags": Words("-o -f --options --output"),
    "pytest": Words("-p -c -o --config-file --rootdir --override-ini --basetemp --confcutdir --junitxml --junit-xml "
                    "--log-file --debug --pastebin --cov-report --cov-config --html --json-report-file"),
    "mypy": Words("--python-executable --config-file --install-types --junit-xml --cache-dir --any-exprs-report "
                  "--cobertura-xml-report --html-report --linecount-report --lineprecision-report --txt-report "
                  "--xml-report --xslt-html-report --xslt-txt-report"),
    "pylint": Words("--init-hook --rcfile --load-plugins --output --generate-toml-config"),
    "flake8": Words("--config --append-config --output-file --tee"),
    "ruff": Words("-o --output-file --config"), "black": Words("--config"), "coverage": Words("--rcfile"),
    "eslint": Words("-c --config -f --format -o --output-file --rulesdir --resolve-plugins-relative-to --parser "
                    "--plugin"),
    "prettier": Words("--plugin --config"), "mocha": Words("-r --require --config --opts -R --reporter"),
    "jest": Words("-c --config --globalSetup --runner --transform --outputFile --coverageDirectory --resolver"),
    "rspec": Words("-r -I -o --require --out --options"), "rubocop": Words("-r -c -o --require --config --out"),
    "phpunit": Words("-c --bootstrap --configuration --prepend --extension --log-junit"),
    "just": Words("-f -d --justfile --working-directory --shell --shell-arg --chooser --choose -c --command --set"),
    "tox": Words("-c --conf --workdir -x --override"), "nox": Words("-f --noxfile"),
    "ctest": Words("-S -SP --script --script-new-process --build-and-test --test-dir"),
    "java": Words("-agentlib -agentpath -javaagent"), "javac": Words("-J -processor -processorpath"),
    "rustc": Words("-C --codegen -o --out-dir --emit"), "protoc": Words("--plugin"),
    "cargo": Words("-C -Z --config --manifest-path", "install publish login owner fix"),
    # npm takes its long options with one dash as well, and any beginning of them
    "npm": Words("--script-shell --prefix -C --node-options --userconfig --globalconfig --git --shell --editor "
                 "--viewer --browser --registry -script-shell -script-s -prefix -pref -node-options -node-o "
                 "-userconfig -userc -globalconfig -globalc -git -shell -editor -viewer -browser -registry -reg",
                 "exec x explore init create innit edit config c set publish link ln"),
    "pnpm": Words("--script-shell --dir -C --prefix", "exec dlx create init config publish link env"),
    "yarn": Words("--cwd --use-yarnrc", "exec dlx create init config publish link node set plugin"),
    "uv": Words("--directory --config-file --project", "run tool x publish python self"),
    "poetry": Words("-C -P --directory --project", "run shell self config publish"),
    "pipenv": Words("", "run shell open"),
    "hatch": Words("", "run shell config publish"),
    "pdm": Words("", "run config publish self"),
    "conda": Words("", "run config init"),
    "bundle": Words("", "exec config open console"),
    "pip": Words("--python --config-settings", "config"),
    "cc": Words(_COMPILER), "gcc": Words(_COMPILER), "c++": Words(_COMPILER), "g++": Words(_COMPILER),
    "clang": Words(_COMPILER), "clang++": Words(_COMPILER),
    "cmake": Words("-P -E -C --build --install"), "ninja": Words("-t -f -C"),
    "gradle": Words("-I --init-script -b --build-file -p --project-dir -D --system-prop"),
    "mvn": Words("-f --file -D --define -s --settings -gs", "exec:exec exec:java"),
    "go": Words("-exec --exec -toolexec --toolexec -vettool --vettool -overlay --overlay -modfile --modfile -C --C "
                "-ldflags --ldflags -gcflags --gcflags", "run generate env install tool"),
}  # fmt: skip

#: Programs that do only what their name says, with whatever words: `find`, `sort` and others are in `ASKING`.
HARMLESS = (
    "ls cat head tail echo true false pwd basename dirname realpath readlink stat df cut tr paste join comm nl tac rev "
    "fold fmt expand unexpand column seq sleep md5sum sha1sum sha224sum sha256sum sha384sum sha512sum shasum cksum sum "
    "b2sum base32 base64 basenc od hexdump strings cmp diff expr factor id groups whoami uname nproc uptime which "
    "whereis ps free lscpu locale tty pr tsort numfmt mkdir touch rm rmdir mv cp ln unlink truncate tee sync jq clear"
)

Reach = Literal["none", "shown", "all"]
"""Which files below a folder a program reads: `shown` are those that are not hidden."""

#: Programs that read whole folders, by the options that make them; and those that always do, hidden files by option.
_WALKING: Mapping[str, str] = {
    **dict.fromkeys(("grep", "egrep", "fgrep"), "-r -d --recursive --directories"),
    "diff": "-r --recursive", "cp": "-r -R -a --recursive --archive",
}  # fmt: skip
_SEARCHING = ("rg", "ag", "ack", "ugrep")
_HIDDEN = "-. -u -a --hidden --unrestricted --no-ignore --all-types"

#: Subcommands of git that read, or change this repository and nothing else. Others (`config`, `rebase -x`, `submodule`,
#: `difftool`, an alias) may run programs.
_GIT_SUBCOMMANDS = (
    "status log diff show blame annotate branch tag rev-parse ls-files ls-tree describe shortlog rev-list cat-file "
    "merge-base name-rev show-ref for-each-ref reflog grep count-objects diff-tree diff-index diff-files whatchanged "
    "add commit rm mv restore switch checkout reset stash merge cherry-pick revert fetch pull push version"
)
_GIT_OPTIONS = (
    "--output --output-directory --ext-diff --textconv --filters --open-files-in-pager -O --exec --upload-pack "
    "--receive-pack --show-signature --gpg-sign -S --sign -s -u --local-user --edit-description --trailer "
    "--server-option --recurse-submodules --strategy -X --no-index --untracked --signed --help"
)
_GIT_WRITING = "checkout switch restore reset stash merge cherry-pick revert pull mv"
_GIT_REACHING = ("fetch", "pull", "push")
_GIT_HARMLESS = {
    "-S": ("log", "diff", "show"),
    "-s": ("log", "diff", "show", "status", "commit", "diff-tree", "shortlog"),
    "-u": ("push", "diff", "log", "show", "status", "add", "stash"),
}
_SED_SCRIPT = re.compile(r"(?:\d+|\$)?(?:,(?:\+?\d+|\$))?[pdq=]")
_COVERAGE_SHOWN = re.compile(r"--cov-report=term[a-z:-]*")
_MAKE_OPTION = re.compile(r"-[jkl]\d*|-[sBnq]|--(?:jobs|keep-going|silent|always-make|dry-run|question)(?:=\d+)?")


def is_known(name: str) -> bool:
    """Whether these tables say what words make a program of this name do."""
    name = _SAME.get(name, name)
    bare = _VERSION.sub("", name)
    tables = (HARMLESS.split(), _ASKED, _SPECIAL, ASKING)
    return INTERPRETERS.fullmatch(name) is not None or any(one in table for one in (name, bare) for table in tables)


def is_runner(name: str) -> bool:
    """Whether a program of this name runs what it is given: a shell, an interpreter, `env` and the like."""
    return name in SHELLS.split() or INTERPRETERS.fullmatch(name) is not None


def asked_about(argv: Argv) -> str:
    """Return why no rule may allow a part, or nothing."""
    name = argv[0].rpartition("/")[2].lower()
    if why := _ASKED.get(name) or _ASKED.get(_VERSION.sub("", name)):
        return f"`{name}`: {why}"
    name = _SAME.get(name, name)
    if INTERPRETERS.fullmatch(name):
        return _interpreter(argv)
    if name in _SPECIAL:
        return _SPECIAL[name](argv)
    words = ASKING.get(name) or ASKING.get(_VERSION.sub("", name))
    return _first(argv, words) if words else ""


def moves_links(argv: Argv) -> bool:
    """Whether a part may put a link where there was none: what a later part's words lead to is not known then."""
    name = argv[0].rpartition("/")[2].lower()
    return name in ("mv", "cp", "ln") or (name == "git" and any(word in _GIT_WRITING.split() for word in argv[1:]))


def reads_below(argv: Argv) -> Reach:
    """Return which files a part reads below the folders that it names, or below the current one."""
    name, options = argv[0].rpartition("/")[2].lower(), argv[1:]
    if name in _SEARCHING:
        return "all" if any(_is(word, one) for word in options for one in _HIDDEN.split()) else "shown"
    walking = any(_is(word, one) for word in options for one in _WALKING.get(name, "").split())
    return "all" if walking else "none"


def _first(argv: Argv, words: Words) -> str:
    for word in argv[1:]:
        if word.startswith("@") and words.options == _COMPILER:
            return f"`{argv[0]} … {word}` reads its options from a file"
        if word in words.subcommands.split() or any(_is(word, option) for option in words.options.split()):
            return f"`{argv[0]} … {word}` may run a program or write a file"
    return ""


def _is(word: str, option: str) -> bool:
    """Whether a word is an option, in any spelling that a program might take for it."""
    name = word.partition("=")[0]
    if option.startswith("--"):
        return len(name) > 2 and name.startswith("--") and option.startswith(name)
    if len(option) == 2:  # among others, or with its value behind it
        return word.startswith("-") and not word.startswith("--") and option[1] in word[1:]
    return word.lstrip("-").startswith(option.lstrip("-")) and word.startswith("-")


def _interpreter(argv: Argv) -> str:
    script = argv[1] if len(argv) > 1 else "-"
    if script == "-m" and len(argv) > 2 and _PYTHON.match(argv[0].rpartition("/")[2].lower()):
        return asked_about(argv[2:])  # a module does what the program of its name does
    if script in ("--version", "-V") or not script.startswith("-"):
        return ""
    return f"`{argv[0]} {script}` runs a program that is no file"


def _git(argv: Argv) -> str:
    rest = list(argv[1:])
    while rest[:1] and rest[0] in ("--no-pager", "-P", "--no-optional-locks", "--literal-pathspecs"):
        rest.pop(0)
    if rest == ["--version"]:
        return ""
    if not rest or rest[0] not in _GIT_SUBCOMMANDS.split():
        return f"`git {rest[0] if rest else ''}` may run what a configuration names"
    subcommand = rest[0]
    named = next((word for word in rest[1:] if not word.startswith("-")), "")
    if subcommand in _GIT_REACHING and ":" in named:  # of a remote there is only the name
        return f"`git {subcommand} {named}` names another repository"
    for word in rest[1:]:
        if "::" in word:  # `ext::sh -c …` as an address
            return f"`{word}` names a program to reach a repository with"
        for option in _GIT_OPTIONS.split():
            if _is(word, option) and subcommand not in _GIT_HARMLESS.get(option, ()):
                return f"`git {subcommand} … {word}` may run a program or write a file"
    return ""


def _sed(argv: Argv) -> str:
    """Let through `sed -n 1,20p`: scripts can run programs (`e`) and write files (`w`)."""
    words = [word for word in argv[1:] if word not in ("-n", "-E", "-r", "--quiet", "--silent")]
    options = [word for word in words if word.startswith("-")]
    if options or not words or not _SED_SCRIPT.fullmatch(words[0]):
        return "`sed` may run a program or write a file with its script"
    return ""


def _make(argv: Argv) -> str:
    """Let through targets and what says how fast and how loud."""
    for word in argv[1:]:
        if (word.startswith("-") or "=" in word) and not _MAKE_OPTION.fullmatch(word):
            return f"`make … {word}` may run other programs than the Makefile's"
    return ""


def _pytest(argv: Argv) -> str:
    """Let through a coverage report on the terminal, which writes nothing."""
    return _first(tuple(word for word in argv if not _COVERAGE_SHOWN.fullmatch(word)), ASKING["pytest"])


def _uniq(argv: Argv) -> str:
    end = argv.index("--") if "--" in argv else len(argv)
    files = [word for at, word in enumerate(argv) if at > end or (at and (word == "-" or not word.startswith("-")))]
    return "`uniq` writes its second file" if len(files) > 1 else ""


_SPECIAL: Mapping[str, Callable[[Argv], str]] = {
    "git": _git, "sed": _sed, "gsed": _sed, "make": _make, "gmake": _make, "uniq": _uniq,
    "pytest": _pytest,
}  # fmt: skip
