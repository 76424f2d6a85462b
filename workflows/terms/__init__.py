"""What a policy says, and what follows from it for one request: pure data and functions, tested without a database."""
