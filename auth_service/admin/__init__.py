"""What the people who run the service do to accounts."""
