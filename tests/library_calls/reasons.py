"""Why a call was refused, in a few words: from the error, and from where in the library's code it was raised."""

import re
import traceback
from collections.abc import Sequence

COMPILED = {
    "LAPACK": (
        *[f"linalg.{name}" for name in ("solve", "inv", "det", "norm", "expm", "cho", "lstsq", "eigh", "svd", "pinv")],
        "stats.multivariate_normal",
        "LinearRegression",
    ),
    "pocketfft": ("fft.dct", "fft.idct", "fft.dst"),
    "C, in scipy.ndimage": ("ndimage.",),
    "splines": ("interpolate.",),
    "C++, in scipy.spatial": ("spatial.distance.cdist", "spatial.distance.pdist"),
    "Cython, in scipy.cluster": ("cluster.",),
    "C, in scipy.signal": (
        *[f"signal.{name}" for name in ("lfilter", "filtfilt", "sosfilt", "savgol", "resample_poly", "convolve")],
    ),
    "ufuncs, in scipy.special": ("special.", "stats.f_oneway", "stats.levene"),
    "ODEPACK": ("integrate.odeint",),
    "libsvm": ("SVC",),
}
"""Compiled code, and the calls whose way ends in it, by how their names begin."""

ASKED = {
    r"'torch.dtype'|dtype torch|'torch.float64'|has no attribute 'dtype'": "it takes dtypes for those of NumPy",
    r"numpy\.asarray\(\)": "it takes NumPy's arrays alone",
    r"float\(\)|int\(\)|item\(\)|complex\(\)|tolist\(\)": "it makes a Python number of it",
    r"(?:numpy|np)\.(\w+) of": r"it calls \1 by name",
    r"an array that shares memory": "it writes into an array through a view",
    r"does not support ufuncs": "it calls a ufunc of NumPy",
    r"a traced array met": "it hands the array to a function that does not know it",
    r"Multiple namespaces|different devices": "it mixes its own NumPy arrays with those it is given",
    r"its inputs are arrays of": "it mixes its own NumPy arrays with those it is given",
    r"^(\S+), at \S+: its input .* has no rule": r"\1 has no rule",
    r"has no (?:attribute )?'(\w+)'": r"it asks for \1, which there is not",
}


def reason_of(name: str, error: BaseException) -> str:
    """What a row of the table says."""
    text, where = str(error), place_of(error)
    for pattern, words in ASKED.items():
        if found := re.search(pattern, text):
            if words == ASKED[r"numpy\.asarray\(\)"] and (code := code_of(name)):
                return f"compiled code ({code})"
            return found.expand(words) + (f": {where}" if where else "")
    return f"{type(error).__name__} {text.splitlines()[0][:60] if text else ''}: {where}"


def code_of(name: str) -> str | None:
    """The compiled code that a call ends in; None where it does not."""
    return next((code for code, begins in COMPILED.items() if name.startswith(begins)), None)


def place_of(error: BaseException) -> str:
    """The module of the library that was running, from the file: ``scipy.stats._morestats``."""
    files = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    modules = [module_of(file.rpartition("site-packages/")[2].split("/")) for file in files if "site-packages/" in file]
    own = [module for module in modules if not module.startswith(("numpy.", "array_api_compat.", "torch."))]
    return own[-1] if own else ""


def module_of(parts: Sequence[str]) -> str:
    """A file's path as the name of a module."""
    return ".".join(parts).removesuffix(".py")
