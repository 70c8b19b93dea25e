"""Stand-ins that speak the real protocols: usable from any test as `from fakes.wire import WireServer, says`."""
