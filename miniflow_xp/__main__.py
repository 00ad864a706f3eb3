"""The command ``miniflow-xp``, also ``python -m miniflow_xp``."""

import sys
from collections.abc import Sequence

CLI_PACKAGES = ("typer", "click", "rich", "threadpoolctl")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code, or raises SystemExit with it."""
    try:
        from miniflow_xp.programs.cli import run
    except KeyboardInterrupt:
        return 130
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in CLI_PACKAGES:
            raise
        print(
            f"miniflow-xp: {error.name} is not installed: the command line needs it. "
            "Run: pip install 'miniflow_xp[cli]'",
            file=sys.stderr,
        )
        return 1
    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
