"""What a person can prove."""
