"""The demo organisation: that of the incumbent's public documentation, with people, history and varied requests."""
