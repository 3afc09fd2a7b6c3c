"""How good a ranking or a set of pairs is."""
