"""Proving that a mailbox is one's own, and being told there what happened."""
