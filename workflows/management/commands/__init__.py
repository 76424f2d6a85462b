"""The management commands of the workflows app."""
