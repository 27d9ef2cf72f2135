"""Proving who one is, and getting a session for it."""
