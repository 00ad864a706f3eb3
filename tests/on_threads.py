"""Functions on threads that switch often."""

import sys
import threading


def run_threads(works):
    """Run each of these functions on a thread, switching often; raise what one of them raises."""
    raised = []

    def run(work):
        try:
            work()
        except BaseException as error:
            raised.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=run, args=(work,)) for work in works]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    if raised:
        raise raised[0]
