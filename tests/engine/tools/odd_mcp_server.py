"""An MCP server by hand, for what no library would send: tools whose schemas are none, run as a program of its own."""

from __future__ import annotations

import json
import sys
from typing import Any

SCHEMAS: dict[str, Any] = {
    "good": {"type": "object"},
    "endless": {"type": "object", "$ref": "#"},
    "elsewhere": {"type": "object", "$ref": "https://schemas.invalid/none.json"},
    "pattern": {"type": "object", "properties": {"x": {"pattern": "("}}},
    "unknown": {"type": "object", "properties": {"x": {"type": "objekt"}}},
}
if sys.argv[1:] == ["worse"]:
    SCHEMAS["none"] = {"type": "objekt"}


def answer(method: str, params: dict[str, Any]) -> dict[str, Any]:
    if method == "initialize":
        about = {"name": "odd", "version": "1"}
        return {"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}}, "serverInfo": about}
    if method == "tools/list":
        return {"tools": [{"name": name, "inputSchema": schema} for name, schema in SCHEMAS.items()]}
    return {"content": [{"type": "text", "text": f"{params.get('name')} answered"}]}


for line in sys.stdin:
    message = json.loads(line)
    if "id" in message:
        result = answer(message["method"], message.get("params") or {})
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), flush=True)
