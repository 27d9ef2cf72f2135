"""What a person wants."""
