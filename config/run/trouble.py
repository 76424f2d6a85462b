"""What ends a run."""


class Trouble(Exception):
    """The run cannot go on; the message says why and, where there is something, what to do."""
