"""Goodwill points: programs, goodwill requests, the GOODWILL-POINTS request type and the history API."""
