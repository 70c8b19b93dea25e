"""Who may call: the bearer of the token, which is made at the first start and kept for this user alone."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Annotated

from fastapi import Depends, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from agent_workbench import paths
from agent_workbench.errors import CannotWrite
from agent_workbench.frontends.server.state import TheServer

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
    """Return the token, made now where there is none.

    Raises:
        CannotWrite: If it cannot be kept.
    """
    path = token_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            found = path.read_text("utf-8").strip()
            if found:
                return found
            descriptor = os.open(path, os.O_WRONLY | os.O_TRUNC)
        token = secrets.token_urlsafe(32)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(f"{token}\n")
    except OSError as error:
        raise CannotWrite(f"the token cannot be kept in {path}: {error.strerror or error}") from error
    return token
