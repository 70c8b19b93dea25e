"""Which MCP servers a config names, and what identifies one: whoever approved it, approved exactly that."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from agent_workbench.configs.environment import expand
from agent_workbench.configs.modules import ModuleConfig
from agent_workbench.configs.secrets import DOTS, is_secret_key
from agent_workbench.engine.tools.files import read_bytes
from agent_workbench.engine.tools.processes import clean_environment

WORKSPACE_FILES = (".amplifier/mcp.json", ".mcp.json")
"""A folder's own servers. `${…}` in them is not expanded: who cloned a folder has not read them."""
PERSON_FILE = "~/.amplifier/mcp.json"
MAX_FILE = 1_000_000
SHORTEST_SECRET = 6
"""Characters; what is shorter stands in plain words as well."""

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")


class ServerConfig(ModuleConfig):
    """One server: a `command` that is run, or a `url`."""

    command: str = ""
    """The program to run; it talks over its standard input and output."""
    args: list[str] = Field(default_factory=list)
    """Its arguments."""
    env: dict[str, str] = Field(default_factory=dict)
    """Variables that it gets besides the harmless ones; nothing else of your environment."""
    cwd: str = ""
    """The folder that it runs in; the session's where empty."""
    url: str = ""
    """The address of a server that speaks streamable HTTP."""
    headers: dict[str, str] = Field(default_factory=dict)
    """Headers to send to it."""
    type: str = ""
    """No effect here: a server speaks over its standard input or streamable HTTP, never `sse`."""
    disabled: bool = False
    """Leave it out."""
    timeout: float | None = Field(default=None, gt=0)
    """Seconds that one of its tools may take."""


class MCPConfig(ModuleConfig):
    """The config of `tool-mcp`."""

    servers: dict[str, ServerConfig] = Field(default_factory=dict)
    """Servers by name."""
    mcpServers: dict[str, ServerConfig] = Field(default_factory=dict)
    """The same, as other programs write it."""
    read_files: bool = True
    """Read `.amplifier/mcp.json` and `.mcp.json` of the folder, and `~/.amplifier/mcp.json`, too."""
    timeout: float = Field(default=120, gt=0)
    """Seconds that a tool may take."""
    connect_timeout: float = Field(default=30, gt=0)
    """Seconds that a server may take to answer at first."""


@dataclass(frozen=True)
class Server:
    """One server, ready to be reached. `fault` says why it cannot be."""

    name: str
    command: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path = Path()
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 120.0
    connect_timeout: float = 30.0
    fault: str = ""

    @property
    def kind(self) -> Literal["command", "url"]:
        """How it is reached."""
        return "command" if self.command else "url"

    @property
    def words(self) -> str:
        """What a person approves: the exact command with its variables, or the address. Secrets are left out."""
        if self.kind == "url":
            return "\n".join([self.url, *(f"{name}: {_hidden(name, value)}" for name, value in self.headers.items())])
        variables = [f"{name}={_hidden(name, value)}" for name, value in self.env.items()]
        return " ".join([*variables, *(json.dumps(word) if _spaced(word) else word for word in self.command)])

    @property
    def identity(self) -> str:
        """A hash of everything that says what runs. A secret's value is not in it, so that it may be renewed."""
        parts = [self.name, self.words, str(self.cwd) if self.command else ""]
        return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()

    def without_secrets(self, text: str) -> str:
        """Return what a server said with the secrets that it was given as dots: many print what they do not like."""
        given = [*self.env.items(), *self.headers.items()]
        for value in sorted((value for name, value in given if value != _hidden(name, value)), key=len, reverse=True):
            text = text.replace(value, DOTS) if len(value) >= SHORTEST_SECRET else text
        return text

    def environment(self) -> dict[str, str]:
        """Return what its process gets: harmless variables and its own."""
        return clean_environment(self.env)


def servers_of(config: MCPConfig, workspace: Path, warn: Callable[[str], None]) -> tuple[Server, ...]:
    """Return the servers of a config and of the files, by name; the config's own win. `warn` gets what was left out."""
    found: dict[str, ServerConfig] = {}
    if config.read_files:
        for path in (Path(PERSON_FILE).expanduser(), *(workspace / name for name in WORKSPACE_FILES)):
            found |= dict(_from_file(path, warn, ours=path == Path(PERSON_FILE).expanduser()))
    found |= {**config.mcpServers, **config.servers}
    used = {name: one for name, one in sorted(found.items()) if not one.disabled}
    named = _named(used)
    return tuple(_server(named[name], one, config, workspace) for name, one in used.items())


def _named(given: Iterable[str]) -> dict[str, str]:
    """Return what servers are called, by the names they were given; where two would be the same, one gets a hash."""
    safe = {name: _UNSAFE.sub("_", name) or "server" for name in given}
    taken = {name for name in safe if safe[name] == name}
    for name, called in safe.items():
        if called != name and called in taken:
            digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:6]
            safe[name] = f"{called}_{digest}"
        taken.add(safe[name])
    return safe


def _from_file(path: Path, warn: Callable[[str], None], *, ours: bool) -> Iterator[tuple[str, ServerConfig]]:
    try:
        data = json.loads(read_bytes(path.resolve(), MAX_FILE))
    except FileNotFoundError:
        return
    except (OSError, ValueError, RecursionError) as error:
        warn(f"{path} cannot be read: {error}")
        return
    servers = data.get("mcpServers") if isinstance(data, dict) else None
    for name, one in servers.items() if isinstance(servers, dict) else ():
        expanded, missing = expand(one, os.environ if ours else {})
        if missing:
            why = "are not set" if ours else "are not given to a folder's own servers: name the server in your config"
            warn(f"{path}: {name} is left out: {', '.join(missing)} {why}")
            continue
        try:
            yield str(name), ServerConfig.model_validate(expanded)
        except ValidationError as error:
            warn(f"{path}: {name} is left out: {error.errors()[0]['msg']}")


def _server(name: str, one: ServerConfig, config: MCPConfig, workspace: Path) -> Server:
    fault = ""
    if bool(one.command) == bool(one.url):
        fault = "name either a `command` or a `url`"
    elif one.type == "sse":
        fault = "the transport `sse` is not spoken; use the server's streamable HTTP address"
    elif one.url and not one.url.startswith(("http://", "https://")):
        fault = "its `url` is no http or https address"
    return Server(
        name=name,
        command=(one.command, *one.args) if one.command else (),
        env=one.env,
        cwd=Path(workspace, Path(one.cwd).expanduser()),
        url=one.url,
        headers=one.headers,
        timeout=one.timeout or config.timeout,
        connect_timeout=config.connect_timeout,
        fault=fault,
    )


def _hidden(name: str, value: str) -> str:
    return "•••" if is_secret_key(name) or name.lower() == "authorization" else value


def _spaced(word: str) -> bool:
    return not word or any(char.isspace() or char in "\"'" for char in word)
