"""Telling other services what has happened, by requests that are signed."""
