"""What happened: every event that matters to somebody's security, written with what it records."""
