"""A self-hosted authentication service on FastAPI."""

__version__ = "0.1.0"
