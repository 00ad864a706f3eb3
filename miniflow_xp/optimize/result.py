"""What an optimiser found."""

from typing import Any

from miniflow_xp.errors import ConvergenceError


class Result(dict[str, Any]):
    """What was found, as items and as attributes.

    The names (``x``, ``fun``, ``jac``, ``success``, ``message``, ``nfev`` …), and what they mean, are those of
    ``scipy.optimize.OptimizeResult``.
    """

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"there is no {name!r}; there are {', '.join(self)}") from None

    def __setattr__(self, name: str, item: Any) -> None:
        self[name] = item

    def __delattr__(self, name: str) -> None:
        del self[name]

    def __dir__(self) -> list[str]:
        return list(self)

    def __repr__(self) -> str:
        width = max(map(len, self), default=0)
        return "\n".join(f"{name:>{width}}: {value}" for name, value in self.items())


def converged(result: Result, where: str) -> Result:
    """The result of a solver that succeeded; raises ConvergenceError."""
    if not result.success:
        raise ConvergenceError(
            where,
            f"no solution was reached: {result.message}",
            "gradients of a solution belong to one that was reached",
            "Begin nearer, allow more iterations, or choose another method",
        )
    return result
