"""Accounts: who exists, in what state."""
