"""Pages that help a developer, and exist in the development environment only."""
