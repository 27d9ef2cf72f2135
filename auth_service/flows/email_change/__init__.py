"""Another address for an account, and the way back."""
