"""Hooks: programs of others that hear what a turn does, and may object. `dispatch` asks them."""
