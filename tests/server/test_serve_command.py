"""`awb serve`, as a process of its own."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

AWB = (sys.executable, "-m", "agent_workbench")


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """Run it; give the process, its address and the token that it names the place of."""
    command = [*AWB, "--db", str(folder / "a.db"), "serve", "--port", "0", *options]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=folder)
    try:
        assert process.stderr is not None
        first, second = process.stderr.readline(), process.stderr.readline()
        address = re.search(r"http://\S+?(?=,)", first)
        token = re.search(r"/\S+server-token", second)
        assert address, first
        yield process, address[0], Path(token[0]).read_text("utf-8").strip() if token else ""
    finally:
        process.kill()
        process.communicate()


def test_it_says_where_it_listens_and_where_the_token_is(tmp_path: Path):
    with serving(tmp_path) as (_, address, token):
        assert httpx2.get(f"{address}/configs").status_code == 401
        answer = httpx2.get(f"{address}/configs", headers={"Authorization": f"Bearer {token}"})
        assert "hello" in [one["name"] for one in answer.json()["configs"]]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_when_told_to_and_stops_what_runs(tmp_path: Path, number: signal.Signals):
    with serving(tmp_path, "--no-auth") as (process, address, _), httpx2.Client(base_url=address) as http:
        hello = next(one for one in http.get("/configs").json()["configs"] if one["name"] == "hello")
        session = http.post("/sessions", json={"config_id": hello["config_id"]}).json()["session_id"]
        with http.stream("POST", f"/sessions/{session}/stream", json={"message": "count to 500"}) as response:
            lines = response.iter_lines()
            next(line for line in lines if "text_delta" in line)
            process.send_signal(number)
            last = [line for line in lines if line][-1]
        assert process.wait(timeout=20) == 128 + number
        assert '"type":"error"' in last
    shown = subprocess.run(
        [*AWB, "--db", str(tmp_path / "a.db"), "session", "show", session, "--json"], capture_output=True, check=True
    )
    assert b'"state": "idle"' in shown.stdout


REFUSED = {
    "no token for everybody": (["--no-auth", "--host", "0.0.0.0"], "--no-auth would let everybody in"),
    "no such address": (["--host", "203.0.113.9"], "cannot be listened on"),
}


@pytest.mark.parametrize(("options", "words"), REFUSED.values(), ids=REFUSED)
def test_it_refuses_what_is_unsafe_or_impossible(tmp_path: Path, options: list[str], words: str):
    done = subprocess.run(
        [*AWB, "--db", str(tmp_path / "a.db"), "serve", "--port", "0", *options], capture_output=True, text=True
    )
    assert done.returncode == 2, done.stderr
    assert words in done.stderr
