"""Runs one turn and keeps nothing: the loop, its ports, permissions, providers, tools and hooks."""
