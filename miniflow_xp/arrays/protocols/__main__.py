"""``python -m miniflow_xp.arrays.protocols``: what becomes of each of NumPy's functions."""

from miniflow_xp.arrays.protocols.verdicts import counts, verdicts


def main() -> None:
    """Print a line for each function, and the counts."""
    for verdict in verdicts():
        kind = "ufunc" if verdict.is_ufunc else "function"
        print(f"{verdict.name:32} {kind:9} {verdict.what:12} {verdict.why}".rstrip())
    print("\n".join(counts()))


if __name__ == "__main__":
    main()
