"""Answers that several routes give."""

from pydantic import BaseModel


class Accepted(BaseModel):
    """It was taken note of; what becomes of it is not told here."""
