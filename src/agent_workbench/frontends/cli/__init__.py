"""The command line: one file per group of commands, data on stdout, narration on stderr.

Modules here import click and the small layers only; services are imported when a command runs, so that `--help`
stays under 0.2 s.
"""
