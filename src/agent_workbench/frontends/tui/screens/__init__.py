"""The screens of the terminal workbench."""
