"""Signing keys and the access tokens made with them."""
