"""Tokens that go out by mail: each good once, for one purpose, for a while."""
