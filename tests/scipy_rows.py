"""The table of SciPy's functions that have a rule: a row for each way of calling one, in SciPy's own words."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from miniflow_xp.gradcheck.examples.draws import Draws
from miniflow_xp.scipy import rules

_draws = Draws()
normal, positive, definite = _draws.normal, _draws.positive, _draws.definite


class Row(NamedTuple):
    """``call(*arrays)`` is a call of SciPy, at ``arrays`` where it is smooth; ``near``: how exact the value is.

    ``first``: how exact the derivatives are, for what is itself found to a tolerance. ``twice``: is the second one
    to be checked?
    """

    name: str
    call: Callable[..., Any]
    arrays: tuple[np.ndarray, ...]
    near: float = 1e-11
    first: float = 3e-8
    twice: bool = True

    def __str__(self) -> str:
        return self.name


def row(name: str, call: Callable[..., Any], *arrays: Any, **more: Any) -> Row:
    return Row(name, call, tuple(np.asarray(a, dtype=None if np.iscomplexobj(a) else float) for a in arrays), **more)


def linalg() -> list[Row]:
    from scipy import linalg as sl

    a, b = normal(4, 4) + 4 * np.eye(4), normal(4, 2)
    s, wide, tall = definite(4), normal(3, 5), normal(5, 3)
    c, mixed = a + 1j * normal(4, 4), a[[2, 0, 3, 1]]
    diagonal = np.diag(positive(4) + 1)
    bands = normal(4, 6) + 6 * np.eye(4)[:, 1][:, None]
    return [
        row("solve", sl.solve, a, b),
        row("solve vector", sl.solve, a, b[:, 0]),
        row("solve transposed", lambda a, b: sl.solve(a, b, transposed=True), a, b),
        row("solve complex", sl.solve, c, b),
        *[
            row(f"solve {kind} {lower}", lambda a, b, k=kind, w=lower: sl.solve(a, b, lower=w, assume_a=k), s, b)
            for kind in ("sym", "pos")
            for lower in (False, True)
        ],
        row("solve her", lambda a, b: sl.solve(a, b, assume_a="her"), s + 0.3j * (c - c.T).real, b),
        row("solve upper triangular", lambda a, b: sl.solve(a, b, assume_a="upper triangular"), a, b),
        row("solve diagonal", lambda a, b: sl.solve(a, b, assume_a="diagonal"), diagonal, b),
        row("inv", sl.inv, a),
        row("inv pos", lambda a: sl.inv(a, assume_a="pos", lower=True), s),
        row("det", sl.det, a),
        row("solve_triangular", sl.solve_triangular, a, b),
        *[
            row(
                f"solve_triangular trans={trans} lower={lower} unit={unit}",
                lambda a, b, t=trans, w=lower, u=unit: sl.solve_triangular(a, b, t, w, u),
                a,
                b[:, 0],
            )
            for trans, lower, unit in ((0, True, False), (1, False, True), ("T", True, True))
        ],
        row("solve_triangular C", lambda a, b: sl.solve_triangular(a, b, "C"), c, b),
        row("cholesky", sl.cholesky, s),
        row("cholesky lower", lambda a: sl.cholesky(a, lower=True), s),
        row("cho_solve", lambda a, b: sl.cho_solve(sl.cho_factor(a), b), s, b),
        row("cho_solve lower", lambda a, b: sl.cho_solve(sl.cho_factor(a, True), b), s, b[:, 0]),
        row("cho_solve of a factor", lambda c, b: sl.cho_solve((c, True), b), np.tril(a), b),
        row("lu_factor", lambda a: sl.lu_factor(a)[0], mixed),
        row("lu_solve", lambda a, b: sl.lu_solve(sl.lu_factor(a), b), mixed, b),
        row("lu_solve transposed", lambda a, b: sl.lu_solve(sl.lu_factor(a), b, trans=1), mixed, b),
        row("qr", lambda a: sl.qr(a, mode="economic"), tall),
        row("qr r", lambda a: sl.qr(a, mode="r")[0], a),
        row("eigh values", lambda a: sl.eigh(a, eigvals_only=True), s),
        row("eigh", lambda a: [abs(x) for x in sl.eigh(a)], s),
        row("eigh of two", lambda a, b: sl.eigh(a, b, eigvals_only=True), s, definite(4)),
        row("eigh vectors of two", lambda a, b: abs(sl.eigh(a, b, subset_by_index=[1, 2])[1]), s, definite(4)),
        row("eigvalsh", lambda a: sl.eigvalsh(a, lower=False), s),
        row("svd values", lambda a: sl.svd(a, compute_uv=False), wide),
        row("svd", lambda a: [abs(x) for x in sl.svd(a, full_matrices=False)], wide),
        row("svdvals", sl.svdvals, tall),
        row("pinv", sl.pinv, tall),
        row("lstsq", lambda a, b: sl.lstsq(a, b)[0], tall, normal(5, 2)),
        row("norm", sl.norm, wide),
        row("norm fro", lambda a: sl.norm(a, "fro"), wide),
        row("norm 2", lambda a: sl.norm(a, 2), wide),
        row("norm axis", lambda a: sl.norm(a, 3, axis=1), wide),
        row("expm", sl.expm, a / 4),
        row("expm complex", sl.expm, c / 4),
        row("logm", sl.logm, s),
        row("logm general", sl.logm, a),
        row("sqrtm", sl.sqrtm, s),
        row("sqrtm complex", sl.sqrtm, c),
        *[row(name, getattr(sl, name), a / 4) for name in ("cosm", "sinm", "tanm", "coshm", "sinhm", "tanhm")],
        row("cosm complex", sl.cosm, c / 4),
        row("solve_sylvester", sl.solve_sylvester, a, definite(3), normal(4, 3)),
        row("solve_sylvester complex", sl.solve_sylvester, c, definite(3), normal(4, 3)),
        row("solve_continuous_lyapunov", sl.solve_continuous_lyapunov, a, s),
        row("solve_discrete_lyapunov", sl.solve_discrete_lyapunov, a / 8, s),
        row("solve_banded", lambda ab, b: sl.solve_banded((2, 1), ab, b), bands, normal(6, 2)),
        row("solve_banded vector", lambda ab, b: sl.solve_banded((1, 2), ab, b), bands[[2, 3, 1, 0]], normal(6)),
        row("solveh_banded", sl.solveh_banded, np.stack([normal(5), 5 + positive(5)]), normal(5)),
        row(
            "solveh_banded lower",
            lambda a, b: sl.solveh_banded(a, b, lower=True),
            np.stack([5 + positive(5), normal(5)]),
            normal(5),
        ),
        row("toeplitz", sl.toeplitz, normal(3), normal(4)),
        row("solve_toeplitz", sl.solve_toeplitz, normal(4) + np.array([4.0, 0, 0, 0]), normal(4)),
        row("block_diag", sl.block_diag, normal(2, 3), normal(1, 2)),
    ]


def stats() -> list[Row]:
    from scipy import stats as st

    x, loc, scale = normal(5), normal(1), positive(5)
    above = positive(5)
    inside = _draws.random.uniform(0.1, 0.9, size=5)
    shapes = {
        "norm": (x,),
        "t": (x, positive(5) * 3),
        "gamma": (above, positive(5)),
        "chi2": (above, positive(5) * 2),
        "chi": (above, positive(1) * 2),
        "invgamma": (above, positive(5)),
        "beta": (inside, positive(5), positive(1)),
        "betaprime": (above, positive(5), positive(1)),
        "f": (above, positive(5) * 3, positive(1) * 4),
        "expon": (above,),
        "uniform": (inside,),
        "cauchy": (x,),
        "halfcauchy": (above,),
        "laplace": (x,),
        "laplace_asymmetric": (x, positive(5)),
        "logistic": (x,),
        "lognorm": (above, positive(5)),
        "pareto": (above + 1, positive(5)),
        "lomax": (above, positive(5)),
        "weibull_min": (above, positive(5)),
        "powerlaw": (inside, positive(5)),
        "gumbel_r": (x,),
        "gumbel_l": (x,),
        "halfnorm": (above,),
        "rayleigh": (above,),
        "maxwell": (above,),
        "nakagami": (above, positive(5)),
        "invgauss": (above, positive(5)),
        "vonmises": (x, positive(5)),
        "exponnorm": (x, positive(5)),
        "skewnorm": (x, normal(5)),
        "truncnorm": (inside, -positive(5), 1 + positive(1)),
    }
    rows = [row(f"{n}.logpdf", getattr(st, n).logpdf, *arrays) for n, arrays in shapes.items()]
    rows += [
        row(f"{n}.pdf", lambda z, *a, n=n: getattr(st, n).pdf(a[-1] * z + a[-2], *a), *arrays, loc, scale)
        for n, arrays in list(shapes.items())[::4]
    ]
    closed = ("norm", "expon", "uniform", "cauchy", "laplace", "logistic", "lognorm", "pareto", "lomax", "weibull_min")
    closed += ("powerlaw", "gumbel_r", "gumbel_l", "halfnorm", "rayleigh", "halfcauchy")
    for n in closed:
        arrays = shapes[n]
        methods = [m for m in ("cdf", "sf", "logcdf", "logsf", "ppf", "isf") if (n, m) not in MISSING]
        rows += [
            row(
                f"{n}.{m}",
                lambda z, *a, n=n, m=m: getattr(getattr(st, n), m)(z, *a),
                inside if m in ("ppf", "isf") else arrays[0],
                *arrays[1:],
            )
            for m in methods
        ]
    rows += [
        row(f"{n}.{m}", lambda z, n=n, m=m: getattr(getattr(st, n), m)(z, *shapes[n][1:]), shapes[n][0])
        for n in ("t", "gamma", "chi2", "chi", "invgamma", "beta", "maxwell", "nakagami")
        for m in ("cdf", "sf")
    ]
    k, n, p = np.array([0.0, 2, 3, 5]), np.array([6.0, 5, 7, 8]), inside[:4]
    rows += [
        row("poisson.logpmf", lambda mu: st.poisson.logpmf(k, mu), above[:4]),
        row("poisson.pmf frozen", lambda mu: st.poisson(mu).pmf(k), above[:4]),
        row("poisson.cdf", lambda mu: st.poisson.cdf(k, mu), above[:4]),
        row("poisson.sf", lambda mu: st.poisson.sf(k + 0.5, mu), above[:4]),
        row("bernoulli.logpmf", lambda p: st.bernoulli.logpmf(np.array([0, 1, 1, 0]), p), p),
        row("bernoulli.cdf", lambda p: st.bernoulli.cdf(np.array([-1, 0, 1, 2]), p), p, twice=False),
        row("binom.logpmf", lambda p: st.binom.logpmf(k, n, p), p),
        row("binom.cdf", lambda p: st.binom.cdf(k, n, p), p),
        row("binom.sf", lambda p: st.binom.sf(k, n, p), p),
        row("geom.logpmf", lambda p: st.geom.logpmf(k + 1, p), p),
        row("geom.cdf", lambda p: st.geom.cdf(k + 1, p), p),
        row("nbinom.logpmf", lambda n, p: st.nbinom.logpmf(k, n, p), n, p),
        row("nbinom.cdf", lambda p: st.nbinom.cdf(k, n, p), p),
        row("norm frozen", lambda x, m, s: st.norm(loc=m, scale=s).logpdf(x), x, loc, scale),
        row("norm.nnlf", lambda m, s, x: st.norm.nnlf((m, s), x), loc, scale[:1], x),
    ]
    cov, points, mean = definite(3), normal(4, 3), normal(3)
    mvn = st.multivariate_normal
    rows += [
        row("multivariate_normal", mvn.logpdf, points, mean, cov),
        row("multivariate_normal.pdf", mvn.pdf, points[0], mean, cov),
        row("multivariate_normal variances", mvn.logpdf, points, mean, positive(3)),
        row("multivariate_normal standard", lambda x: mvn.logpdf(x), normal(4)),
        row("multivariate_normal number", lambda x, c: mvn.logpdf(x, cov=c), normal(4), 1.3),
        row("multivariate_normal frozen", lambda x, m, c: mvn(m, c).logpdf(x), points, mean, cov),
        row("multivariate_normal frozen before", mvn(mean, cov).logpdf, points),
        row("multivariate_t", st.multivariate_t.logpdf, points, mean, cov, 3.5),
        row("dirichlet", lambda x, a: st.dirichlet.logpdf(x / x.sum(), a), positive(3), positive(3)),
        row("dirichlet short", lambda x, a: st.dirichlet.logpdf(x, a), np.array([0.2, 0.3]), positive(3)),
    ]
    return rows


MISSING = {("powerlaw", "sf"), ("powerlaw", "logsf"), ("powerlaw", "isf"), ("laplace", "ppf"), ("laplace", "isf")}
MISSING |= {(n, "isf") for n in ("halfcauchy", "lomax", "weibull_min")}


def integrate() -> list[Row]:
    from scipy import integrate as si

    y, x, even = normal(3, 7), np.cumsum(positive(7)), normal(3, 6)
    tight = {"rtol": 1e-8, "atol": 1e-9}
    times = np.linspace(0, 1, 4)
    start, rates = np.array([1.5, 0.8]), np.array([0.9, 0.5, 0.7, 0.4])

    def prey(t, z, a, b, c, d):
        u, v = z
        return [a * u - b * u * v, -c * v + d * u * v + 0.1 * t]

    def solved(**options):
        def call(y0, p):
            args = (p[0], p[1], p[2], p[3])
            return si.solve_ivp(prey, (0, 1), y0, args=args, **{**tight, **options}).y

        return call

    def ends(t0, t1, y0):
        return si.solve_ivp(lambda t, z: [z[1], -z[0] * t], (t0, t1), y0, "DOP853", **tight).y[:, -1]

    def dense(t, y0):
        return si.solve_ivp(lambda t, z: [z[1], -z[0]], (0, 1), y0, dense_output=True, **tight).sol(t)

    def exp(z):
        return z.xp.exp(z) if hasattr(z, "xp") else np.exp(z)

    waving = np.array([1 + 1j, 0.5 - 0.2j])

    def waves(t, z):
        return 0.3j * z * z

    def adjoint(call):
        def inside(*arrays):
            with rules("integrate", ode="adjoint"):
                return call(*arrays)

        return inside

    exact = {"rtol": 1e-11, "atol": 1e-12}  # LSODA chooses its steps by halves: values jump
    ode = {"near": 1e-7, "first": 1e-5}
    return [
        row("trapezoid", si.trapezoid, y, x),
        row("trapezoid axis", lambda y: si.trapezoid(y, dx=0.3, axis=0), y),
        row("cumulative_trapezoid", lambda y, x: si.cumulative_trapezoid(y, x, initial=0), y, x),
        row("simpson", lambda y, x: si.simpson(y, x=x), y, x),
        row("simpson even", lambda y, x: si.simpson(y, x=x), even, x[:6]),
        row("simpson two", lambda y, x: si.simpson(y, x=x), even[:, :2], x[:2]),
        row("simpson axis", lambda y: si.simpson(y, dx=0.2, axis=0), y),
        row("solve_ivp", lambda *a: solved(t_eval=times)(*a), start, rates, **ode),
        row(
            "solve_ivp RK23",
            lambda *a: solved(method="RK23", t_eval=times, rtol=1e-7)(*a),
            start,
            rates,
            near=1e-7,
            first=1e-4,
        ),
        row("solve_ivp DOP853", lambda *a: solved(method="DOP853", t_eval=times)(*a), start, rates, **ode),
        row("solve_ivp steps", lambda *a: solved()(*a)[:, -1], start, rates, **ode),
        row("solve_ivp ends", ends, 0.2, 1.7, start, **ode),
        row("solve_ivp backward", lambda y0: ends(1.5, 0.3, y0), start, **ode),
        row(
            "solve_ivp moments",
            lambda t, y0: si.solve_ivp(lambda t, z: -z * t, (0, 1), y0, t_eval=t, **tight).y,
            times[1:] - 0.2,
            start,
            **ode,
        ),
        row("solve_ivp dense", dense, np.array([0.3, 1.1]), start, **ode),
        row(
            "solve_ivp closure",
            lambda k: si.solve_ivp(lambda t, z: -k * z, (0, 1), [1.0, 2.0], **tight).y[:, -1],
            0.7,
            **ode,
        ),
        row(
            "odeint",
            lambda y0, p: si.odeint(lambda z, t, a, b: [a * z[1], -b * z[0]], y0, times, args=(p[0], p[1]), **exact),
            start,
            rates[:2],
            **ode,
        ),
        row(
            "odeint tfirst",
            lambda y0, t: si.odeint(lambda t, z: -z * t, y0, t, tfirst=True, **exact),
            start,
            times,
            **ode,
        ),
        row("solve_ivp complex", lambda y: si.solve_ivp(waves, (0, 1), y, t_eval=[0.4, 1.0], **tight).y, waving, **ode),
        row(
            "solve_ivp adjoint complex",
            adjoint(lambda y: si.solve_ivp(waves, (0, 1), y, t_eval=[0.4, 1.0], **tight).y),
            waving,
            twice=False,
            **ode,
        ),
        row("solve_ivp adjoint", adjoint(solved(method="DOP853", t_eval=times[1:])), start, rates, **ode),
        row(
            "solve_ivp adjoint stiff",
            adjoint(lambda *a: solved(method="LSODA", rtol=1e-9)(*a)[:, -1]),
            start,
            rates,
            near=1e-7,
            first=1e-4,
            twice=False,
        ),
        row("solve_ivp adjoint ends", adjoint(ends), 0.2, 1.7, start, **ode),
        row(
            "odeint adjoint",
            adjoint(lambda y0, t, k: si.odeint(lambda z, t, k: -z * t * k, y0, t, (k,), **exact)),
            start,
            times,
            0.7,
            **ode,
        ),
        row("odeint closure", lambda k: si.odeint(func=lambda z, t: -k * z, y0=[1.0], t=times, **exact), 0.7, **ode),
        row("quad", lambda a, b, k: si.quad(lambda x: exp(-k * x * x), a, b)[0], 0.1, 1.2, 0.8),
        row("quad args", lambda k: si.quad(lambda x, k: exp(-k * x * x), 0.1, 1.2, args=(k,))[0], 0.8),
        row("quad of two", lambda k, m: si.quad(lambda x: exp(-k * x) * m, 0, 1)[0] * k, 0.8, 1.1),
        row("quad infinite", lambda k: si.quad(lambda x: exp(-k * x * x), -np.inf, np.inf)[0], 0.8),
        row("quad end alone", lambda b: si.quad(lambda x: exp(-x * x), 0, b)[0], 0.8),
        row("dblquad", lambda k: si.dblquad(lambda y, x: exp(-k * x * y), 0, 1, 0, 1)[0], 0.8, twice=False),
        row("quad_vec", lambda k: si.quad_vec(lambda x: exp(-k * x), 0, 1)[0], np.array([0.8, 1.2])),
    ]


def interpolate() -> list[Row]:
    from scipy import interpolate as ip

    x, y, many, inside = np.cumsum(positive(6)), normal(6), normal(2, 6), positive(4) + 2
    grid, table = [np.cumsum(positive(4)), np.cumsum(positive(3))], normal(4, 3)
    places = np.stack([grid[0][0] + positive(3), grid[1][0] + 0.3 * positive(3)], axis=-1)
    rows = [
        row(f"CubicSpline {bc}", lambda x, y, z, b=bc: ip.CubicSpline(x, y, bc_type=b)(z), x, y, inside)
        for bc in ("not-a-knot", "natural", "clamped", ((1, 0.5), (2, 0.3)))
    ]

    def closed(x, y, z):
        whole = y.xp.concat([y, y[:1]]) if hasattr(y, "xp") else np.concatenate([y, y[:1]])
        return ip.CubicSpline(x, whole, bc_type="periodic")(z)

    ppoly = normal(3, 5)
    return [
        *rows,
        row("CubicSpline periodic", closed, x, y[:5], inside + 5),
        row("CubicSpline axis", lambda y: ip.CubicSpline(x, y, axis=1)(inside[:, None]), many),
        row("CubicSpline of two", lambda x, y: ip.CubicSpline(x, y)(x[0] + 0.1), x[:2], y[:2]),
        row("CubicSpline of three", lambda x, y: ip.CubicSpline(x, y)(x[0] + 0.1), x[:3], y[:3]),
        row("CubicSpline derivative", lambda y, z: ip.CubicSpline(x, y)(z, 1), y, inside),
        row("CubicSpline second", lambda y, z: ip.CubicSpline(x, y).derivative(2)(z), y, inside),
        row("CubicSpline integral", lambda y, a, b: ip.CubicSpline(x, y).integrate(a, b), y, x[0] + 0.2, x[-1]),
        row("CubicSpline antiderivative", lambda x, y, z: ip.CubicSpline(x, y).antiderivative(2)(z), x, y, inside),
        row("CubicSpline argument", ip.CubicSpline(x, y), inside),
        row("CubicHermiteSpline", lambda x, y, d, z: ip.CubicHermiteSpline(x, y, d)(z), x, y, normal(6), inside),
        row("PchipInterpolator", lambda x, y, z: ip.PchipInterpolator(x, y)(z), x, np.sort(y), inside),
        row("PchipInterpolator turns", lambda x, y, z: ip.PchipInterpolator(x, y)(z), x, y, inside),
        row("PPoly", lambda c, x, z: ip.PPoly(c, x)(z), ppoly, x, inside),
        row("make_interp_spline", lambda x, y, z: ip.make_interp_spline(x, y)(z), x, y, inside),
        row("make_interp_spline 2", lambda x, y, z: ip.make_interp_spline(x, y, k=2)(z), x, y, inside),
        row("make_interp_spline 1", lambda x, y, z: ip.make_interp_spline(x, y, k=1)(z), x, y, inside),
        row("make_interp_spline nu", lambda x, y, z: ip.make_interp_spline(x, y)(z, 1), x, y, inside),
        row("BSpline.derivative", lambda y, z: ip.make_interp_spline(x, y).derivative(2)(z), y, inside),
        row("make_interp_spline axis", lambda y, z: ip.make_interp_spline(x, y, axis=1)(z), many, inside),
        row(
            "BSpline",
            lambda t, c, z: ip.BSpline(t, c, 2)(z, extrapolate=True),
            np.cumsum(positive(8)),
            normal(5),
            inside,
        ),
        row("interp1d", lambda x, y, z: ip.interp1d(x, y)(z), x, y, inside),
        row("interp1d axis", lambda y: ip.interp1d(x, y, axis=1)(inside[:, None]), many),
        row("interp1d beyond", lambda y, z: ip.interp1d(x, y, fill_value="extrapolate")(z), y, inside + 5),
        row(
            "interp1d filled",
            lambda y: ip.interp1d(x, y, bounds_error=False, fill_value=(0, 1))(np.array([0.0, 3.0, 99.0])),
            y,
            twice=False,
        ),
        row("interp1d cubic", lambda x, y, z: ip.interp1d(x, y, kind="cubic")(z), x, y, inside),
        row("interp1d nearest", lambda y: ip.interp1d(x, y, kind="nearest")(inside), y, twice=False),
        row("interp1d previous", lambda y: ip.interp1d(x, y, kind="previous")(inside), y, twice=False),
        row("interp1d argument", ip.interp1d(x, y), inside),
        row(
            "RegularGridInterpolator", lambda a, b, v, z: ip.RegularGridInterpolator((a, b), v)(z), *grid, table, places
        ),
        row(
            "RegularGridInterpolator more", lambda v, z: ip.RegularGridInterpolator(grid, v)(z), normal(4, 3, 2), places
        ),
        row(
            "RegularGridInterpolator tuple",
            lambda v, a, b: ip.RegularGridInterpolator(grid, v)((a, b)),
            table,
            *places.T,
        ),
        row(
            "RegularGridInterpolator nearest",
            lambda v: ip.RegularGridInterpolator(grid, v, "nearest")(places),
            table,
            twice=False,
        ),
        row("RegularGridInterpolator argument", ip.RegularGridInterpolator(grid, table), places),
        row("interpn", lambda v, z: ip.interpn(grid, v, z), table, places),
    ]


def signal() -> list[Row]:
    from scipy import signal as sg

    b, a, x = normal(3), np.array([1.3, 0.4, -0.2]), normal(2, 8)
    sos = np.stack([np.concatenate([normal(3), [1.0, 0.3, 0.1]]), np.concatenate([normal(3), [1.2, -0.3, 0.2]])])
    one, other, image, small = normal(6), normal(3), normal(5, 4), normal(3, 2)
    modes = ("full", "same", "valid")

    def sections(b, a, x, **more):
        parts = [b, 1 + 0 * b[:, :1], a]
        return sg.sosfilt(b.xp.concat(parts, axis=1) if hasattr(b, "xp") else np.hstack(parts), x, **more)

    return [
        row("lfilter", sg.lfilter, b, a, x),
        row("lfilter axis", lambda b, a, x: sg.lfilter(b, a, x, axis=0), b, a, normal(7, 2)),
        row("lfilter finite", lambda b, x: sg.lfilter(b, 2.0, x), b, x),
        row("lfilter complex", sg.lfilter, b + 0.2j, a + 0.1j, x + 1j * normal(2, 8)),
        row("lfilter state", lambda b, a, x, z: sg.lfilter(b, a, x, zi=z), b, a, x, normal(2, 2)),
        row("lfilter short", lambda b, a, x, z: sg.lfilter(b, a, x, zi=z), normal(4), a, x[:, :2], normal(2, 3)),
        row("lfilter_zi", sg.lfilter_zi, b, a),
        row("filtfilt", sg.filtfilt, b, a, normal(2, 12)),
        row("filtfilt even", lambda x: sg.filtfilt(b, a, x, padtype="even", padlen=3), normal(7)),
        row("sosfilt", sections, sos[:, :3], sos[:, 4:], x),
        row("sosfilt state", lambda b, a, x, z: sections(b, a, x, zi=z), sos[:, :3], sos[:, 4:], x, normal(2, 2, 2)),
        *[row(f"convolve {m}", lambda a, v, m=m: sg.convolve(a, v, m), one, other) for m in modes],
        *[row(f"convolve of images {m}", lambda a, v, m=m: sg.convolve(a, v, m), image, small) for m in modes],
        *[row(f"correlate {m}", lambda a, v, m=m: sg.correlate(a, v, m), one, other) for m in modes],
        *[row(f"correlate longer {m}", lambda a, v, m=m: sg.correlate(a, v, m), other[:2], one) for m in modes],
        row("correlate complex", sg.correlate, image + 1j * normal(5, 4), small - 1j * normal(3, 2)),
        row("correlate direct", lambda a, v: sg.correlate(a, v, "same", method="direct"), image, small),
        row("fftconvolve", sg.fftconvolve, image, small),
        row("fftconvolve axis", lambda a, v: sg.fftconvolve(a, v, "same", axes=1), image, normal(5, 3)),
        row("oaconvolve", sg.oaconvolve, image, small),
    ]


def ndimage() -> list[Row]:
    from scipy import ndimage as nd

    image, weights, line = normal(5, 4), normal(3, 2), normal(7)
    modes = ("reflect", "mirror", "nearest", "wrap", "constant")
    places = np.array([[0.3, 2.6, 3.9, 1.2], [0.7, 2.2, 1.4, 2.8]])
    beyond = places + np.array([[-1.7, 3.1, 0.0, 9.2], [0.0, 4.4, -6.3, 0.1]])
    every = (*modes, "grid-wrap", "grid-constant", "grid-mirror")
    return [
        *[row(f"convolve {m}", lambda x, w, m=m: nd.convolve(x, w, mode=m, cval=0.7), image, weights) for m in modes],
        row("correlate", lambda x, w: nd.correlate(x, w, origin=(1, -1)), image, weights),
        row("convolve origin", lambda x, w: nd.convolve(x, w, origin=(1, 0)), image, weights),
        row("correlate of a large kernel", nd.correlate, image, normal(9, 8)),
        row("correlate complex", nd.correlate, image + 1j * normal(5, 4), weights - 1j * normal(3, 2)),
        row("correlate axes", lambda x, w: nd.correlate(x, w, axes=(1,)), image, normal(3)),
        row("correlate1d", lambda x, w: nd.correlate1d(x, w, axis=0), image, normal(4)),
        row("convolve1d", lambda x, w: nd.convolve1d(x, w, mode="wrap"), line, normal(4)),
        row("gaussian_filter", lambda x, s: nd.gaussian_filter(x, s), image, 0.8),
        row("gaussian_filter of two", lambda x, s, t: nd.gaussian_filter(x, (s, t), order=(0, 1)), image, 0.8, 0.6),
        row("gaussian_filter1d", lambda x, s: nd.gaussian_filter1d(x, s, order=3), line, 1.1),
        row("gaussian_laplace", lambda x: nd.gaussian_laplace(x, 0.7), image),
        row("gaussian_gradient_magnitude", lambda x: nd.gaussian_gradient_magnitude(x, 0.7), image),
        row("uniform_filter", lambda x: nd.uniform_filter(x, (3, 2), mode="constant", cval=0.4), image),
        row("uniform_filter1d", lambda x: nd.uniform_filter1d(x, 4, origin=1), line),
        row("sobel", lambda x: nd.sobel(x, 0), image),
        row("prewitt", lambda x: nd.prewitt(x, mode="wrap"), image),
        row("laplace", nd.laplace, image),
        row("map_coordinates", lambda x, c: nd.map_coordinates(x, c, order=1), image, np.minimum(places, 2.9)),
        *[
            row(
                f"map_coordinates {m}",
                lambda x, c, m=m: nd.map_coordinates(x, c, order=1, mode=m, cval=0.6),
                image,
                beyond,
            )
            for m in every
        ],
        row("map_coordinates nearest point", lambda x: nd.map_coordinates(x, places, order=0), image, twice=False),
    ]


def sparse() -> list[Row]:
    from scipy import sparse as sp
    from scipy.sparse.linalg import spsolve

    dense = np.asarray([[0.5, 0.0, -2.0], [0.0, 1.5, 0.0], [0.0, 0.0, 3.0], [-1.0, 0.0, 0.0]])
    one, many, rows = normal(3), normal(3, 2), normal(2, 4)
    formats = ("bsr", "coo", "csc", "csr", "dia", "dok", "lil")
    arrays = {kind: getattr(sp, f"{kind}_array")(dense) for kind in formats}
    matrices = {kind: getattr(sp, f"{kind}_matrix")(dense) for kind in formats}
    A, M = arrays["csr"], matrices["csr"]
    C = sp.csr_array(dense + 0.5j * (dense == 1.5))
    square = sp.csc_array(dense[:3] + np.diag([4.0, 0.0, 0.0]))
    return [
        *[row(f"{kind}_array @", lambda x, A=A: A @ x, one) for kind, A in arrays.items()],
        *[row(f"{kind}_array dot", lambda x, A=A: A.dot(x), one) for kind, A in arrays.items()],
        *[row(f"@ {kind}_matrix", lambda x, A=A: x @ A, rows) for kind, A in matrices.items()],
        row("array @ columns", lambda x: A @ x, many),
        row("vector @ array", lambda x: x @ A, rows[0]),
        row("matrix * vector", lambda x: M * x, one),
        row("a quadratic form", lambda x: x @ (A.T @ A) @ x, one),
        row("complex array @ vector", lambda x: C @ x, one),
        row("array @ complex vector", lambda x: A @ x, one + 1j * normal(3)),
        row("spsolve", lambda b: spsolve(square, b), one),
        row("spsolve of a column", lambda b: spsolve(square, b), many[:, :1]),
        row("spsolve of columns", lambda b: spsolve(square, b), many),
        row("spsolve of complex numbers", lambda b: spsolve(square * (1 + 2j), b), one),
    ]


def spatial() -> list[Row]:
    from scipy.spatial import distance, distance_matrix

    a, b, w = normal(4, 3), normal(2, 3), positive(3)
    names = ("euclidean", "sqeuclidean", "cityblock", "chebyshev", "cosine", "correlation", "braycurtis", "canberra")
    rows = [row(f"cdist {m}", lambda a, b, m=m: distance.cdist(a, b, m), a, b) for m in names]
    rows += [row(f"pdist {m}", lambda a, m=m: distance.pdist(a, m), a) for m in (*names, "seuclidean", "mahalanobis")]
    rows += [row(f"distance.{m}", getattr(distance, m), a[0], a[1]) for m in names]
    return [
        *rows,
        row("cdist minkowski", lambda a, b: distance.cdist(a, b, "minkowski", p=3), a, b),
        row("cdist weights", lambda a, b, w: distance.cdist(a, b, "minkowski", p=3, w=w), a, b, w),
        row("cdist euclidean weights", lambda a, b, w: distance.cdist(a, b, w=w), a, b, w),
        row("cdist seuclidean", lambda a, b: distance.cdist(a, b, "seuclidean"), a, b),
        row("cdist mahalanobis", lambda a, b, v: distance.cdist(a, b, "mahalanobis", VI=v), a, b, definite(3)),
        row("distance.minkowski", lambda u, v: distance.minkowski(u, v, 3), a[0], a[1]),
        row("distance.mahalanobis", distance.mahalanobis, a[0], a[1], definite(3)),
        row("distance_matrix", distance_matrix, a, b),
        row("squareform", distance.squareform, positive(6), twice=False),
        row("squareform back", lambda a: distance.squareform(distance.squareform(distance.pdist(a))), a),
    ]


def every_row() -> list[Row]:
    parts = (integrate, interpolate, linalg, ndimage, signal, spatial, stats, sparse)
    return [made._replace(name=f"{part.__name__}.{made.name}") for part in parts for made in part()]
