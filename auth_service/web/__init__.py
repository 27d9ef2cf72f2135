"""What every router shares: problems, limits, the strict reading of requests, the docs pages."""
