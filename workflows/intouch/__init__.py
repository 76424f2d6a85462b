"""Calling Intouch: to an address that an administrator chose, within bounds, and never believing more than was said."""
