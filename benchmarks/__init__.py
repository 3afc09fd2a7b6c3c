"""Measurements with the facts of the machine they were made on; never tests."""
