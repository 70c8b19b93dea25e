"""What a plain command's words make a program do besides what its name says: run others, or write where it is told.

A rule that allows `git log *` means reading a log, not `git log --output=…`. So words that turn a harmless program
into another are asked about each time, whatever rule fits. Sources: each program's manual; https://gtfobins.github.io
for what is commonly forgotten.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

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
        "ssh-agent dbus-run-session xvfb-run caffeinate torsocks proxychains open xdg-open tcc"
    ),
    "its own language can run programs": (
        "awk gawk mawk nawk ed ex vi vim nvim view emacs nano less more most man info tclsh wish sqlite3 mysql "
        "psql mongo redis-cli octave r gnuplot bc dc m4 jshell irb ghci erl iex rake ant rename prename "
        "emacsclient code subl"
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
INTERPRETERS = re.compile(r"(?:python|pypy|perl|ruby|node|nodejs|php|lua|luajit|rscript|ts-node|tsx|groovy)[\d.]*")


@dataclass(frozen=True, slots=True)
class Words:
    """Words of one program that are asked about: options (with their beginnings and values), and subcommands."""

    options: str = ""
    subcommands: str = ""


#: Options end before `=`; a long one may be shortened, a short one may stand among others or hold its value.
ASKING: Mapping[str, Words] = {
    "find": Words("-exec -execdir -ok -okdir -delete -fls -fprint -fprint0 -fprintf -files0-from"),
    "fd": Words("-x -X --exec --exec-batch"),
    "fdfind": Words("-x -X --exec --exec-batch"),
    "rg": Words("-z --pre --pre-glob --hostname-bin --search-zip"),
    "ag": Words("--pager -z --search-zip"),
    "ack": Words("--pager --output --ackrc"),
    "ugrep": Words("--filter --pager --view --save-config --config -Q --query -z --decompress"),
    "sort": Words("-o --output --compress-program -T --temporary-directory"),
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
    "yq": Words("-i --inplace"),
    "xxd": Words("-r -revert"),
    "ctags": Words("-o -f --options --output"),
    "mypy": Words("--python-executable --config-file --install-types"),
    "cargo": Words("-C -Z --config --manifest-path", "install publish login owner fix"),
    "npm": Words("--script-shell --prefix -C --node-options --userconfig --globalconfig",
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
    "cc": Words("-wrapper -fplugin -B -specs --specs"), "gcc": Words("-wrapper -fplugin -B -specs --specs"),
    "g++": Words("-wrapper -fplugin -B -specs --specs"), "clang": Words("-fplugin -load -Xclang --config -B"),
    "cmake": Words("-P -E --build --install"), "ninja": Words("-t -f -C"),
    "gradle": Words("-I --init-script -b --build-file -p --project-dir -D --system-prop"),
    "mvn": Words("-f --file -D --define -s --settings -gs", "exec:exec exec:java"),
    "go": Words("-exec --exec -toolexec --toolexec -vettool --vettool -overlay --overlay -modfile --modfile -C --C "
                "-ldflags --ldflags -gcflags --gcflags", "run generate env install tool"),
}  # fmt: skip

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
    "--server-option --recurse-submodules --strategy -X"
)
_GIT_HARMLESS = {
    "-S": ("log", "diff", "show"),
    "-s": ("log", "diff", "show", "status", "commit", "diff-tree", "shortlog"),
    "-u": ("push", "diff", "log", "show", "status", "add", "stash"),
}
_SED_SCRIPT = re.compile(r"(?:\d+|\$)?(?:,(?:\+?\d+|\$))?[pdq=]")
_MAKE_OPTION = re.compile(r"-[jkl]\d*|-[sBnq]|--(?:jobs|keep-going|silent|always-make|dry-run|question)(?:=\d+)?")


def asked_about(argv: Argv) -> str:
    """Return why no rule may allow a part, or nothing."""
    name = argv[0].rpartition("/")[2].lower()
    if why := _ASKED.get(name) or _ASKED.get(re.sub(r"[\d.-]+$", "", name)):
        return f"`{name}`: {why}"
    if INTERPRETERS.fullmatch(name):
        return _interpreter(argv)
    if name in _SPECIAL:
        return _SPECIAL[name](argv)
    words = ASKING.get(name) or ASKING.get(re.sub(r"[\d.-]+$", "", name))
    return _first(argv, words) if words else ""


def _first(argv: Argv, words: Words) -> str:
    for word in argv[1:]:
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
    module = script == "-m" and len(argv) > 2
    if module or script in ("--version", "-V") or not script.startswith("-"):
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


def _uniq(argv: Argv) -> str:
    files = [word for word in argv[1:] if not word.startswith("-") or word == "-"]
    return "`uniq` writes its second file" if len(files) > 1 else ""


_SPECIAL: Mapping[str, Callable[[Argv], str]] = {
    "git": _git, "sed": _sed, "gsed": _sed, "make": _make, "gmake": _make, "uniq": _uniq,
}  # fmt: skip
