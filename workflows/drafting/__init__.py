"""Preparing the next version of a policy: drafts, how they are edited, tried and replayed, and put in force."""
