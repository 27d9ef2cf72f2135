"""Pure Python that everything may use: errors, time, identifiers, secrets. No I/O, no framework."""
