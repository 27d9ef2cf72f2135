"""Mail: written into an outbox with what it tells of, and sent from there after the commit."""
