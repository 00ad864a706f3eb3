"""A frozen graph and what runs it: programs and trainers, their captures, their optimizers."""
