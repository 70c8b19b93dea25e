"""A group whose help says of each command what it does in full: click cuts the words at the edge of the terminal."""

from __future__ import annotations

import click

#: Characters of a first sentence, which are more than any has.
WHOLE = 400


class Listing(click.Group):
    """Lists its commands with their whole first sentence, over as many lines as that takes."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands."""
        rows = [(name, self.commands[name].get_short_help_str(WHOLE)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)
