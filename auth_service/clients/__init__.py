"""Services that call this one under a name of their own (RFC 6749 section 2)."""
