"""The level of agreement of single fields; `streams.core.comparison` makes a pair's vector of them."""
