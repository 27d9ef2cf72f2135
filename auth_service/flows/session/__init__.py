"""Keeping a session alive, and ending it."""
