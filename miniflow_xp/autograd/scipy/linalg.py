"""Functions of matrices: what ``miniflow_xp.scipy`` has in place of SciPy's, for arrays of every library."""

from typing import Any

from miniflow_xp.autograd.scipy.formulas import of_room
from miniflow_xp.errors import SettingError

SAME = ("det", "expm", "inv", "pinv", "solve_banded", "solve_sylvester", "sqrtm")

det, expm, inv, pinv, solve_banded, solve_sylvester, sqrtm = [of_room(f"scipy.linalg.{f}", __name__) for f in SAME]
triangular = of_room("scipy.linalg.solve_triangular", __name__)


def solve_triangular(a: Any, b: Any, trans: int | str = 0, lower: bool = False, **options: Any) -> Any:
    """The solution of a x = b with the upper triangle of a, or the lower one; ``trans``: of aᵀ ("T") or aᴴ ("C")."""
    if trans not in (0, 1, 2, "N", "T", "C"):
        raise SettingError("solve_triangular", f"trans is {trans!r}", "it is 0, 1, 2, 'N', 'T' or 'C'", "Choose one")
    return triangular(a, b, trans, lower, **options)
