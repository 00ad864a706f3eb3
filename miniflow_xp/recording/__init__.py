"""A function recorded as equations, which every capture replays."""
