"""Where the values of `${NAME}` come from: the environment, else the system's keyring.

The keyring is asked for a value at one moment only, when a session is mounted. Which names it holds is written in a
file of our own, without values, so that looking at a config never unlocks anything.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from agent_workbench import paths
from agent_workbench.errors import CannotWrite, ConfigError
from agent_workbench.services.files import alone, swap

#: What our entries in the keyring are filed under.
SERVICE = "agent-workbench"
#: `run` is what was given to this process and ends with it, where no keyring keeps it.
Source = Literal["environment", "keyring", "run"]


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of a secret: the name that now stands for it, and where its value is.

    `source` is `environment` where no keyring could take it; `reason` then says why.
    """

    name: str
    source: Source
    reason: str = ""
    is_there: bool = True
    """Whether the name gives the value now. False: the person still has to set the variable."""


class Environment(Mapping[str, str]):
    """The variables that references may name. Membership is cheap; a value may ask the keyring.

    `env[name]` raises `ConfigError` where the keyring has lost a name or refuses to give it.
    """

    def __contains__(self, name: object) -> bool:
        return name in os.environ or name in _given or name in names()

    def __getitem__(self, name: str) -> str:
        found = os.environ.get(name)
        if found is not None:
            return found
        if name in _given:
            return _given[name]
        if name not in names():
            raise KeyError(name)
        return _read(name)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys((*os.environ, *_given, *names())))

    def __len__(self) -> int:
        return len({*os.environ, *_given, *names()})


def environment() -> Environment:
    """Return what references are filled in from."""
    return Environment()


def source_of(name: str) -> Source | None:
    """Return where a name's value would come from, None where it is not set."""
    if name in os.environ:
        return "environment"
    if name in _given:
        return "run"
    return "keyring" if name in names() else None


def names() -> frozenset[str]:
    """Return the names that the keyring holds for us."""
    global _known
    path = _index()
    try:
        info = path.stat()
    except OSError:
        return frozenset()
    stamp = (str(path), info.st_mtime_ns, info.st_size, info.st_ino)
    if _known[0] != stamp:
        _known = (stamp, _names_in(path))
    return _known[1]


def keep(wanted: str, value: str) -> Kept:
    """Put a secret where `${NAME}` finds it, in the keyring where that works; return under which name.

    A name that stands for another value already is never overwritten: `NAME_2` is taken then.
    """
    for number in range(1, 100):
        name = wanted if number == 1 else f"{wanted}_{number}"
        source = source_of(name)
        if source is None:
            return _keep_new(name, value)
        if source == "environment" and os.environ[name] == value:
            return Kept(name, "environment")
        if source == "keyring":
            try:
                if _read(name) == value:
                    return Kept(name, "keyring")
            except ConfigError as error:
                return Kept(name, "environment", str(error), is_there=False)
    raise ConfigError(f"a hundred names like {wanted} are taken; remove some from the keyring")


def put(name: str, value: str) -> None:
    """Keep a value in the keyring under exactly this name, in place of what was there.

    Raises:
        CannotWrite: If there is no keyring, or it refuses.
    """
    kept = _keep_new(name, value)
    if kept.source != "keyring":
        raise CannotWrite(f"{name} was not kept, {kept.reason}; export {name}=… instead")


def give(name: str, value: str) -> Kept:
    """Keep a value in the keyring under exactly this name; where none works, in memory until this process ends.

    Never in a file of ours: what can read the folder of the database would read it.
    """
    kept = _keep_new(name, value)
    if kept.source == "keyring":
        return kept
    _given[name] = value
    return Kept(name, "run", kept.reason)


def given() -> frozenset[str]:
    """Return the names that this process was given, and will forget."""
    return frozenset(_given)


def forget(name: str) -> None:
    """Remove a name from what this process was given, else from the keyring.

    Raises:
        ConfigError: If the keyring refuses.
    """
    if _given.pop(name, None) is not None:
        return
    try:
        _keyring().delete_password(SERVICE, name)
    except Exception as error:  # backends of the keyring are other people's code
        raise ConfigError(f"the keyring did not remove {name}: {_reason(error)}") from error
    _write(remove=name)


def usable() -> bool:
    """Whether this system has a keyring that keeps something. Nothing is unlocked to find out."""
    try:
        return float(_keyring().get_keyring().priority) > 0
    except Exception:  # noqa: BLE001  backends of the keyring are other people's code
        return False


def _keep_new(name: str, value: str) -> Kept:
    try:
        keyring = _keyring()
        keyring.set_password(SERVICE, name, value)
        if keyring.get_password(SERVICE, name) != value:  # the null backend takes everything and keeps nothing
            return Kept(name, "environment", "the keyring did not keep it", is_there=False)
    except Exception as error:  # noqa: BLE001  backends of the keyring are other people's code
        return Kept(name, "environment", f"no keyring: {_reason(error)}", is_there=False)
    _write(add=name)
    return Kept(name, "keyring")


def _read(name: str) -> str:
    try:
        value = _keyring().get_password(SERVICE, name)
    except Exception as error:  # backends of the keyring are other people's code
        raise ConfigError(f"the keyring did not give {name}: {_reason(error)}") from error
    if not isinstance(value, str):
        raise ConfigError(f"the keyring no longer holds {name}; export {name}=… instead")
    return value


def _keyring() -> Any:
    import keyring  # an extra, and 40 ms that most starts do without

    return keyring


def _reason(error: Exception) -> str:
    if isinstance(error, ImportError):
        return "the extra `keyring` is not installed"
    if type(error).__name__ == "NoKeyringError":
        return "this system has none that can be used"
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _index() -> Path:
    return paths.data_dir() / "keyring.json"


def _names_in(path: Path) -> frozenset[str]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return frozenset()
    return frozenset(name for name in found if isinstance(name, str)) if isinstance(found, list) else frozenset()


def _write(*, add: str = "", remove: str = "") -> None:
    path = _index()
    path.parent.mkdir(parents=True, exist_ok=True)
    with alone(path.parent):
        known = {*_names_in(path), add} - {remove, ""}
        swap(path, json.dumps(sorted(known)), mode=0o600)


_known: tuple[object, frozenset[str]] = (None, frozenset())
_given: dict[str, str] = {}
