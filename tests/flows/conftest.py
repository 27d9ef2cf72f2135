"""The people of the flows' tests."""

from tests.flows.people import ada, bob

__all__ = ["ada", "bob"]
