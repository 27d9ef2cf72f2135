"""The token endpoint of RFC 6749, for Swagger UI and standard clients."""
