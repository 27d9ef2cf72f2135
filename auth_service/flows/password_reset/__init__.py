"""A new password for whoever has forgotten theirs."""
