"""Servers and settings for development: `python -m config.embedded -- COMMAND`.

Nothing here imports Django or the settings: it runs before them, and needs no more than the standard library.
"""
