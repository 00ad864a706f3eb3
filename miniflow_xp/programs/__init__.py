"""The program ``miniflow-xp``: its commands, their options, and what they print."""
