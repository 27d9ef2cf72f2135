"""Who is calling: the current user and what roles they have."""
