"""The widgets: they know values and post messages."""
