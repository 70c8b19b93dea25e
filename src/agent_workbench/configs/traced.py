"""The data of a text, each value with the line that set it."""

from __future__ import annotations

from datetime import date

from agent_workbench.configs.compose import Node
from agent_workbench.configs.fetching import Location
from agent_workbench.configs.nodes import Node as TextNode
from agent_workbench.configs.plan import Origin, digest_of
from agent_workbench.configs.reader import Reading


def traced(reading: Reading, at: Location) -> Node:
    """Return the data of a text as nodes, each with the line that set it."""
    lines, document = reading.lines, digest_of(reading.text)

    def line_of(node: TextNode) -> Origin:
        return Origin(at.label, lines.line_column(lines.offset(node.start))[0], at.commit, document)

    def build(node: TextNode, origin: Origin) -> Node:
        real = node.real
        if real.kind == "map":
            return Node({part: build(v, line_of(k or v)) for part, k, v in node.pairs()}, (origin,))
        if real.kind == "list":
            return Node([build(v, line_of(v)) for _, _, v in node.pairs()], (origin,))
        # A plan is JSON: a date that YAML saw in unquoted text is text again.
        value = real.value.isoformat() if isinstance(real.value, date) else real.value
        return Node(value, (origin,))

    if reading.root is None or not reading.data:
        return Node({}, (Origin(at.label, 0, at.commit, document),))
    return build(reading.root, line_of(reading.root))
