"""How good a ranking, a set of pairs, a partition or a probability is."""
