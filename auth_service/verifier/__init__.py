"""Access tokens checked strictly. Stands alone: it imports nothing else of this package."""
