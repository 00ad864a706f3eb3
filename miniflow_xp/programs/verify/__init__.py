"""``miniflow-xp verify-gpu``: sixteen checks that only a GPU can make, and one that needs none.

They were written on a machine without a GPU; eleven have run on the stand-in for one (tests/gpu_standin), none on a
GPU yet: a check that fails there may itself be wrong.

report: verdicts, for people and as JSON. rules, networks: what is checked. results, graphs, memory, speed, feeding,
peers, functions: the checks, by subject. apart: a process for each. run: all of them in order.
"""
