"""What makes a result stale: digests of code and data."""
