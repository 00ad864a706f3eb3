"""``miniflow-xp verify-gpu``: fifteen checks that only a GPU can make, and one that needs none.

The checks have been written on a machine without a GPU; ten have run on a CUDA that is played, none on a GPU yet: a
failure there may be theirs.

report: verdicts, for people and as JSON. rules, networks: what is checked on. timing: how time is taken. results,
graphs, memory, speed, feeding, peers, others: the checks, by what they look at. apart: each in a process of its own.
run: all of them in order.
"""
