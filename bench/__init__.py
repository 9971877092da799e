"""How fast, how small: `make bench` prints one table of ratios, each taken in the same run."""
