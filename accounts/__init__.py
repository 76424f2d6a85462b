"""Who there is and what they may do: organisations, people, service accounts, and how each proves itself."""
