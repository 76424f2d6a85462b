"""A stand-in for the Intouch API: it credits points, remembers references and can be told to fail.

Made for `make run`, `make demo` and fault tests. It needs the standard library only, keeps its own
ledger and never looks at the project's database, so what it says was credited is an independent witness.
"""
