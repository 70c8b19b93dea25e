"""What measures speed and memory. Never part of the tests; run one with `uv run python -m benchmarks NAME [--json]`."""
