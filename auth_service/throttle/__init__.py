"""Brute force is slowed: failures are counted per address, from each network and from anywhere."""
