"""Policy at work: what counts already, who could decide, which version is in force. What it says: `workflows.terms`."""
