"""Who may call: the bearer of the token, which is made at the first start and kept for this user alone."""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
import tempfile
from pathlib import Path
from typing import Annotated

from fastapi import Depends, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from agent_workbench import paths
from agent_workbench.errors import CannotWrite
from agent_workbench.frontends.server.state import TheServer

_TOKEN = re.compile(r"[\x21-\x7e]{16,}")
_bearer = HTTPBearer(auto_error=False, description="The server's token: the text of the file `server-token`.")


def require_token(
    server: TheServer, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)] = None
) -> None:
    """Refuse who does not bear the token."""
    token = server.settings.token
    if token and not (given and secrets.compare_digest(given.credentials.encode(), token.encode())):
        raise HTTPException(
            401, "this needs the server's token: `Authorization: Bearer …`", {"WWW-Authenticate": "Bearer"}
        )


def token_path() -> Path:
    """Return where the token is kept."""
    return paths.data_dir() / "server-token"


def kept_token() -> str:
    """Return the token, made now where there is none. Its file is made readable by this user alone where it was not.

    Raises:
        CannotWrite: If it cannot be kept, or what is kept is no token.
    """
    path = token_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        found = _read(path)
        return found if found is not None else _made(path)
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise CannotWrite(f"the token cannot be kept in {path}: {why or error}") from error


def _read(path: Path) -> str | None:
    """Return the token of a file of our own, None where there is none or nothing in it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise CannotWrite(f"{path} is a link: somebody may read the token elsewhere. Delete it") from error
        raise
    with os.fdopen(descriptor, "rb") as file:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode) or state.st_uid != os.getuid():
            raise CannotWrite(f"{path} is no file of yours. Delete it, and a new token is made")
        if state.st_mode & 0o077:
            os.fchmod(descriptor, 0o600)
        token = file.read(4096).decode("utf-8").strip()
    if token and not _TOKEN.fullmatch(token):
        raise CannotWrite(f"{path} holds no token of 16 or more plain letters. Delete it, and a new one is made")
    return token or None


def _made(path: Path) -> str:
    """Keep a new token, whole from the first moment; of two servers that start at once, both take the one that won."""
    token = secrets.token_urlsafe(32)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")  # which only its owner may read
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(f"{token}\n")
        if path.exists():  # empty
            os.replace(name, path)
            return token
        os.link(name, path)
    except FileExistsError:
        return _read(path) or token
    finally:
        Path(name).unlink(missing_ok=True)
    return token
