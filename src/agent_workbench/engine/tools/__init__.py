"""Built-in tools: files, search, shell, to-dos."""
