"""Invented catalogues whose truth is known: every row of the version taxonomy, eleven languages."""
