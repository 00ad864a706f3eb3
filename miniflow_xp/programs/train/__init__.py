"""A network with one hidden layer for a table of features and a target: trained, saved, loaded, used and judged."""
