"""What a person can do: the one API that every front end calls."""
