"""Special functions of arrays of any library, traced or not: ``special.erf(x)``.

They take their values from the library of the arrays (``torch.special`` …), from SciPy for NumPy's, and have gradients
with ``grad`` and its relatives. Names, arguments and meaning are those of ``scipy.special``, which lacks ``xdivy``. The
result belongs to the library of the arguments; Python numbers alone make an array of the backend in use.
"""

import functools
import inspect
from collections.abc import Callable
from typing import Any

from miniflow_xp.arrays.calls import leaves
from miniflow_xp.arrays.namespace import constant
from miniflow_xp.arrays.tables import COMPOSED, NATIVE
from miniflow_xp.transforms.pullback import as_array, deepest, plain

__all__ = [
    "beta",
    "betainc",
    "betaincc",
    "betaln",
    "chdtr",
    "chdtrc",
    "digamma",
    "entr",
    "erf",
    "erfc",
    "erfcinv",
    "erfcx",
    "erfinv",
    "exp2",
    "exp10",
    "expit",
    "fdtr",
    "fdtrc",
    "gamma",
    "gammainc",
    "gammaincc",
    "gammaln",
    "gdtr",
    "gdtrc",
    "huber",
    "i0",
    "i0e",
    "i1",
    "i1e",
    "kl_div",
    "log_expit",
    "log_ndtr",
    "log_softmax",
    "logit",
    "logsumexp",
    "multigammaln",
    "ndtr",
    "ndtri",
    "polygamma",
    "pseudo_huber",
    "psi",
    "rel_entr",
    "sinc",
    "softmax",
    "softplus",
    "stdtr",
    "xdivy",
    "xlog1py",
    "xlogy",
    "zeta",
]


def public(name: str) -> Callable[..., Any]:
    """The function of this name, on arrays of the library that its arguments belong to."""
    op = f"special.{name}"
    model = NATIVE.get(op) or COMPOSED[op]
    parameters = list(inspect.signature(model).parameters.values())[1:]
    places = [n for n, p in enumerate(parameters) if p.kind is p.POSITIONAL_ONLY and p.annotation is not int]

    @functools.wraps(model)
    def function(*args: Any, **keywords: Any) -> Any:
        for x in (*args, *keywords.values()):
            if hasattr(x, "inbound_nodes"):  # a node: the function of its own namespace makes another
                return getattr(x.__array_namespace__().special, name)(*args, **keywords)
        traced = leaves([*args, *keywords.values()])
        if not any(hasattr(x, "dtype") for x in (*args, *keywords.values())):
            args = tuple([as_array(float(x)) if n in places else x for n, x in enumerate(args)])
        args = tuple([constant(x) if hasattr(x, "dtype") else x for x in args])
        keywords = {key: constant(x) if hasattr(x, "dtype") else x for key, x in keywords.items()}
        xp: Any = deepest([*args, *keywords.values()])
        result = getattr(xp.special, name)(*args, **keywords)
        return result if traced else plain(result)

    vars(function)["__signature__"] = inspect.Signature(parameters)
    return function


beta = public("beta")
betainc = public("betainc")
betaincc = public("betaincc")
betaln = public("betaln")
chdtr = public("chdtr")
chdtrc = public("chdtrc")
digamma = public("digamma")
entr = public("entr")
erf = public("erf")
erfc = public("erfc")
erfcinv = public("erfcinv")
erfcx = public("erfcx")
erfinv = public("erfinv")
exp10 = public("exp10")
exp2 = public("exp2")
expit = public("expit")
fdtr = public("fdtr")
fdtrc = public("fdtrc")
gamma = public("gamma")
gammainc = public("gammainc")
gammaincc = public("gammaincc")
gammaln = public("gammaln")
gdtr = public("gdtr")
gdtrc = public("gdtrc")
huber = public("huber")
i0 = public("i0")
i0e = public("i0e")
i1 = public("i1")
i1e = public("i1e")
kl_div = public("kl_div")
log_expit = public("log_expit")
log_ndtr = public("log_ndtr")
log_softmax = public("log_softmax")
logit = public("logit")
logsumexp = public("logsumexp")
multigammaln = public("multigammaln")
ndtr = public("ndtr")
ndtri = public("ndtri")
polygamma = public("polygamma")
pseudo_huber = public("pseudo_huber")
psi = public("psi")
rel_entr = public("rel_entr")
sinc = public("sinc")
softmax = public("softmax")
softplus = public("softplus")
stdtr = public("stdtr")
xdivy = public("xdivy")
xlog1py = public("xlog1py")
xlogy = public("xlogy")
zeta = public("zeta")
