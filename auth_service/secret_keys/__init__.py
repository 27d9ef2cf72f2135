"""The secrets of ``AUTH_SECRET_KEYS``: how long each is needed."""
