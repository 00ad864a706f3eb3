"""NumPy's functions that take no array which is differentiated, why, and what to write instead."""

from miniflow_xp.arrays.protocols.tables import REFUSED, Refusal

COUNTS = Refusal(
    "its counts jump, and its edges are found from the contents",
    "Give it a constant, or sum smooth weights of the bins",
)
SETS = Refusal("which elements are there depends on which are equal", "Take np.unique, or choose by np.where")
FILES = Refusal("a file holds numbers, and no gradient", "Save the result after differentiation")
DATES = Refusal("dates have no gradient", "Compute with days as numbers")

REFUSED.update(dict.fromkeys(("histogram", "histogram2d", "histogramdd", "histogram_bin_edges"), COUNTS))
REFUSED.update(dict.fromkeys(("intersect1d", "setdiff1d", "setxor1d", "union1d"), SETS))
REFUSED.update(dict.fromkeys(("save", "savetxt", "savez", "savez_compressed"), FILES))
REFUSED.update(dict.fromkeys(("busday_count", "busday_offset", "is_busday", "datetime_as_string"), DATES))
REFUSED["trim_zeros"] = Refusal("what is left out depends on the contents", "Take a slice: x[start:stop]")
