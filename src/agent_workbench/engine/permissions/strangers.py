"""What a star may stand for with a program that nobody knows here.

Somebody who writes `bash(checker *)` means that program, with files and with how loud or how far it goes; they do not
mean what would make it run another. For programs in the tables that is known word by word. For all others this goes by
what options are called: by custom `--exec`, `-c` or `--config=…` mean the same everywhere. What is asked about here can
be spelled in a rule. See docs/decisions/0008-a-star-covers-what-is-known.md.
"""

from __future__ import annotations

import re

from agent_workbench.engine.permissions.programs import is_known, is_runner
from agent_workbench.engine.permissions.shell import Argv

#: What a part of a long option's name says that it may run something, load something, write elsewhere or send.
_TELLING = (
    "exec execute eval run command commands cmd shell sh script scripts hook hooks plugin plugins extension "
    "extensions load loader require import preload module modules library interpreter wrapper launcher prefix "
    "program programs binary engine compiler linker driver helper runner executor agent daemon server pager "
    "editor browser viewer filter pipe pre post init initialize startup bootstrap rcfile config configuration "
    "settings options preset profile expression macro define set environment variable output outfile outdir write "
    "save dump logfile report destination directory chdir cwd root path file files url uri host proxy remote "
    "upload send connect listen socket rsh credential credentials password unsafe trust allow inplace place fix "
    "delete remove force install change"
)
#: Parts of names that begin like a telling one and are not.
_HARMLESS = ("all", "help", "re", "is", "in")
_HARMLESS_OPTIONS = ("--dry-run", "--no-install", "--no-fix", "--no-config", "--no-pager")
#: Options of one letter that say how loud, how much or how far, wherever they are taken; others run, load or write.
_QUIET = re.compile(r"-[abdghjknqstuvwyzAGHMNQUVYZ0-9]+")
#: Subcommands that run what follows them.
_RUNNING = ("exec", "execute", "eval", "run", "shell", "sh", "x", "dlx", "repl", "console")
_SHELL_TEXT = re.compile(r"[\s;&|$`<>(){}]|://|^[A-Z_][A-Z0-9_]*=")
"""What looks like a command of its own, an address, or a variable as make takes it."""


def stands_for(argv: Argv, wild: Argv, *, program: bool) -> bool:
    """Whether stars may stand for the words `wild` of a command; `program` says that one stands for its name, too."""
    name = argv[0]
    if program:
        return "/" not in name and is_known(name)
    if is_known(name.rpartition("/")[2]):
        return True
    subcommand = next((word for word in argv[1:] if not word.startswith("-")), "")
    runs_others = subcommand in _RUNNING and subcommand in wild
    return not runs_others and not any(map(_tells, wild))


def _tells(word: str) -> bool:
    """Whether a word may make a program run, load, write or send something, by what it is called."""
    name, _, value = word.partition("=")
    if word in _HARMLESS_OPTIONS:
        return False
    if _SHELL_TEXT.search(word) or word == "--" or _is_program(word) or (value and _is_program(value)):
        return True
    if not word.startswith("-") or word == "-":
        return False
    if not word.startswith("--"):
        return _QUIET.fullmatch(word) is None
    return any(_begins_telling(part) for part in re.split(r"[-_.:]", name.lower()) if part)


def _begins_telling(part: str) -> bool:
    """Whether a part of an option's name is telling; many programs take `--exe` for `--exec`."""
    return part not in _HARMLESS and any(known.startswith(part) for known in _TELLING.split())


def _is_program(word: str) -> bool:
    return is_runner(word.rpartition("/")[2].lower())
