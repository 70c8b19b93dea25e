"""Model providers: each one file that a stranger could have written."""
