"""The demonstration: real music, made variants of it, known truth, and a comparison of the two."""
