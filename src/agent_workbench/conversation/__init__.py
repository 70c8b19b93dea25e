"""What was said: frozen messages, events and usage. Pure values; identity belongs to storage."""
