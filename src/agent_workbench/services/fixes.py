"""Quick fixes of a text, all at once; and moving secrets out of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from agent_workbench.configs.document import Document
from agent_workbench.configs.edits import Edit
from agent_workbench.configs.nodes import Path
from agent_workbench.configs.problems import Problem, errors
from agent_workbench.configs.reader import load, read, show_path
from agent_workbench.configs.secrets import literal_secrets
from agent_workbench.configs.words import nearest
from agent_workbench.errors import EditRefused, NotFound
from agent_workbench.services.keys import Kept, keep
from agent_workbench.services.secrets import commented_lines, variable_name

#: How many fixes are made at most: one may uncover the next.
ROUNDS = 100
#: Its fix writes a reference in place of the value, which would be gone: `move_secret` keeps it.
_SECRET = "literal-secret"
#: Where references are filled in when a session is mounted.
_EXPANDED = frozenset(("session", "providers", "tools", "hooks", "agents"))


@dataclass(frozen=True, slots=True)
class Fixed:
    """A text after its quick fixes: the problems that were fixed, and those that are left."""

    text: str
    fixed: tuple[Problem, ...]
    left: tuple[Problem, ...]


def fix_all(text: str, check: Callable[[str], tuple[Problem, ...]]) -> Fixed:
    """Apply every quick fix of a text, and those that it uncovers, which may be errors that nobody saw before.

    A fix after which the text is no YAML, or its problem still there, is left out. `check` returns the problems of a
    text. Secrets are not touched.
    """
    done: list[Problem] = []
    problems = check(text)
    for _ in range(ROUNDS):
        applied = False
        for problem in sorted(_fixable(problems), key=lambda one: -_edit(one).start):
            after = _edit(problem).apply(text)
            found = check(after)
            if not _helped(problem, found):
                continue
            done.append(problem)
            text, problems, applied = after, found, True
            break
        if not applied:
            break
    return Fixed(text, tuple(done), problems)


def _helped(problem: Problem, found: tuple[Problem, ...]) -> bool:
    still = any((one.code, one.path, one.message) == (problem.code, problem.path, problem.message) for one in found)
    return not still and not any(one.code.startswith("yaml-") for one in errors(found))


def _fixable(problems: tuple[Problem, ...]) -> list[Problem]:
    return [one for one in problems if one.fix is not None and not one.source and one.code != _SECRET]


def _edit(problem: Problem) -> Edit:
    assert problem.fix is not None
    return problem.fix


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret that is written out in a text: where, and the name that would stand for it.

    One in an entry that is commented out has neither path nor name, and is not movable.
    """

    path: str
    line: int
    name: str
    movable: bool


@dataclass(frozen=True, slots=True)
class Moved:
    """What moves a secret out of a text: the edit to apply, and where the value is now."""

    edit: Edit
    path: str
    kept: Kept


def secrets_in(text: str, *, source: str = "") -> tuple[Secret, ...]:
    """Return the literal secrets of a text, in order, then those in comments; never their values.

    Raises:
        InvalidYAML: If the text has an error: nobody can say what is a secret in it then.
    """
    load(text, source=source)
    reading = read(text, source=source)
    found = tuple(
        Secret(show_path(path), place.line if place else 0, variable_name(reading, path), path[0] in _EXPANDED)
        for path, _ in literal_secrets(reading.data)
        for place in [reading.place(path)]
    )
    return found + tuple(Secret("", line, "", False) for line in commented_lines(reading))


def move_secret(text: str, path: str, *, source: str = "", store: Callable[[str, str], Kept] = keep) -> Moved:
    """Put a secret into the keyring and return the edit that writes `${NAME}` in its place.

    Without a keyring the edit is the same and `Moved.kept` says that the variable has to be set. The edit is made
    first: where the text cannot be edited, nothing is stored anywhere. `store` keeps the value.

    Raises:
        NotFound: If no secret stands at the path.
        EditRefused: If it stands where no reference is filled in, or the text cannot be edited there.
    """
    where, value = _find(text, path, source)
    if where[0] not in _EXPANDED:
        raise EditRefused(f"no reference is filled in at `{path}`: write the address without its password")
    document = Document(text, source=source)
    document.set_value(where, f"${{{variable_name(document.reading, where)}}}")
    kept = store(variable_name(document.reading, where), value)
    return Moved(document.set_value(where, f"${{{kept.name}}}"), path, kept)


def _find(text: str, path: str, source: str) -> tuple[Path, str]:
    found = {show_path(where): (where, value) for where, value in literal_secrets(read(text, source=source).data)}
    if path in found:
        return found[path]
    near = nearest(path, found, cutoff=0.4)
    hint = f"did you mean {near}?" if near else ("they are at " + ", ".join(found) if found else "there is none at all")
    raise NotFound(f"no secret is written out at {path!r}; {hint}")
