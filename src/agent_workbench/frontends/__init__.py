"""The front ends: terminal screen, command line, HTTP. They call services and do not know each other."""
