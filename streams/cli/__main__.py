"""`python -m streams.cli`: the same as `samesong`."""

from streams.cli import main

if __name__ == "__main__":
    main()
