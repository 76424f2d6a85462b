"""Other engines with the same life: each in an environment of its own, against the same stub, with the same writes."""
