"""What an operator or a developer can ask of the workflows app on the command line."""
