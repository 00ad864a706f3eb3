"""When one process fails, all end: the others would wait for it for ever."""

import sys
import time
from types import TracebackType

from miniflow_xp.distributed.world import World

TO_FORWARD = 1.0  # seconds: what a launcher has not yet read of our output when it ends us is lost


def end_all_at_an_exception(world: World) -> None:
    """Let an exception that nobody catches be told, with the rank, and end all processes."""
    before = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        before(kind, error, traceback)
        end_all(world, kind.__name__)

    sys.excepthook = hook


def end_all(world: World, why: str) -> None:
    """End all processes, and say which one did it."""
    print(f"rank {world.rank} of {world.size} ends all processes: {why}", file=sys.stderr, flush=True)
    sys.stdout.flush()
    time.sleep(TO_FORWARD)
    world.abort(1)
