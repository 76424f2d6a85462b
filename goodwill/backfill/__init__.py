"""Years of history from a file into the table of goodwill requests, by COPY, resumable and idempotent."""
