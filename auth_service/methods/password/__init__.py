"""Passwords: the rules for new ones, and hashing that never blocks the service."""
