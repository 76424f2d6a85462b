"""`make run` and `make demo`: the whole service with its demo data on this machine. For development only."""
