"""Seven problems of optimisation, each three ways: our derivatives, handwritten ones, finite differences.

A problem is a class. ``f`` is written once, for arrays of any library. ``ours`` gives it to
``miniflow_xp.optimize``; ``by_hand`` gives SciPy its derivatives as formulas; ``differences`` leaves SciPy, or a loop,
to find them by calls of f. Each returns what was found as one vector, (n,), of NumPy.
"""

import numpy as np
from array_api_compat import array_namespace
from scipy import optimize

from miniflow_xp import grad
from miniflow_xp.optimize import curve_fit, fixed_point, minimize, root

TIGHT = {"ftol": 1e-12, "gtol": 1e-6, "maxiter": 2000, "maxfun": 10**6}


class Problem:
    """``calls``: how often the function, or its value with derivatives, was asked for."""

    calls = 0

    def counted(self, function):
        """The function, whose calls are counted."""

        def found(*args):
            self.calls += 1
            return function(*args)

        return found


class Minimum(Problem):
    """A minimum by L-BFGS-B, without bounds."""

    def ours(self, jit=False):
        return minimize(self.counted(self.f), self.start, method="L-BFGS-B", options=TIGHT, jit=jit).x

    def by_hand(self):
        return self.by_scipy(jac=self.slope)

    def differences(self):
        return self.by_scipy()

    def by_scipy(self, **settings):
        f = self.counted(self.f)
        return optimize.minimize(f, self.start, method="L-BFGS-B", options=TIGHT, **settings).x


class Rosenbrock(Minimum):
    """Σ 100 (xᵢ₊₁ - xᵢ²)² + (1 - xᵢ)²."""

    def __init__(self, size):
        self.start = np.full(size, 0.5)

    def f(self, x):
        xp = array_namespace(x)
        return xp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    def slope(self, x):
        off = x[1:] - x[:-1] ** 2
        found = np.zeros_like(x)
        found[:-1] = -400 * x[:-1] * off - 2 * (1 - x[:-1])
        found[1:] += 200 * off
        return found


class LogisticRegression(Minimum):
    """Mean of log(1 + e^(-y Xw)), and ½ 10⁻² |w|²."""

    def __init__(self, rows, columns):
        random = np.random.default_rng(0)
        self.X = random.normal(size=(rows, columns))
        self.y = np.sign(self.X @ random.normal(size=columns) + random.normal(size=rows))
        self.start = np.zeros(columns)

    def f(self, w):
        xp = array_namespace(w)
        margins = xp.asarray(self.y) * xp.matmul(xp.asarray(self.X), w)
        return xp.mean(xp.logaddexp(0 * margins, -margins)) + 0.005 * xp.sum(w * w)

    def slope(self, w):
        margins = self.y * (self.X @ w)
        return -self.X.T @ (self.y / (1 + np.exp(margins))) / len(self.y) + 0.01 * w


class GaussianProcess(Minimum):
    """The most probable length scales, amplitude and noise of a Gaussian process: normal priors of their logarithms."""

    def __init__(self, rows, columns=2):
        random = np.random.default_rng(0)
        self.X = random.uniform(-2, 2, size=(rows, columns))
        self.y = np.sin(2 * self.X[:, 0]) + 0.5 * self.X[:, 1] + 0.1 * random.normal(size=rows)
        self.squares = (self.X[:, None, :] - self.X[None, :, :]) ** 2
        self.start = np.zeros(columns + 2)

    def f(self, p):
        xp = array_namespace(p)
        K = self.kernel(xp, p) + xp.exp(2 * p[-1]) * xp.eye(len(self.y))
        y = xp.asarray(self.y)
        _, size = xp.linalg.slogdet(K)
        return 0.5 * xp.sum(y * xp.linalg.solve(K, y[:, None])[:, 0]) + 0.5 * size + 0.5 * xp.sum(p * p)

    def kernel(self, xp, p):
        scaled = xp.sum(xp.asarray(self.squares) * xp.exp(-2 * p[:-2]), axis=-1)
        return xp.exp(2 * p[-2] - 0.5 * scaled)

    def slope(self, p):
        signal, noise = self.kernel(np, p), np.exp(2 * p[-1]) * np.eye(len(self.y))
        inverse = np.linalg.inv(signal + noise)
        weights = inverse @ self.y
        inner = inverse - np.outer(weights, weights)
        lengths = [0.5 * np.sum(inner * signal * self.squares[..., k]) * np.exp(-2 * p[k]) for k in range(len(p) - 2)]
        return np.array([*lengths, np.sum(inner * signal), np.sum(inner * noise)]) + p


class HangingChain(Problem):
    """The least energy Σ yᵢ of a chain between two nails: as many constraints of equality as it has links."""

    def __init__(self, links):
        self.ends = np.array([[0.0, 0.0]]), np.array([[1.0, 0.0]])
        self.length = 1.5 / links
        t = np.linspace(0, 1, links + 1)[1:-1]
        self.start = np.stack([t, -2.0 * t * (1 - t)], axis=1)

    def f(self, points):
        xp = array_namespace(points)
        return xp.sum(points[:, 1])

    def links(self, points):
        xp = array_namespace(points)
        whole = xp.concat([xp.asarray(self.ends[0]), points, xp.asarray(self.ends[1])])
        return whole[1:, :] - whole[:-1, :]

    def off(self, points):
        xp = array_namespace(points)
        links = self.links(points)
        return xp.sum(links * links, axis=1) / self.length**2 - 1

    def slope_of_off(self, points):
        links = self.links(points) * 2 / self.length**2
        found = np.zeros((len(links), *points.shape))
        for k in range(len(points)):
            found[k, k], found[k + 1, k] = links[k], -links[k + 1]
        return found.reshape(len(links), -1)

    def ours(self, jit=False):
        constraint = {"type": "eq", "fun": self.counted(self.off)}
        found = minimize(self.counted(self.f), self.start, method="SLSQP", constraints=constraint, tol=1e-12, jit=jit)
        return found.x.reshape(-1)

    def by_hand(self):
        slope = np.zeros_like(self.start)
        slope[:, 1] = 1
        return self.by_scipy({"jac": lambda x: self.slope_of_off(self.points(x))}, jac=lambda _: slope.reshape(-1))

    def differences(self):
        return self.by_scipy({})

    def by_scipy(self, derivative, **settings):
        f = self.counted(lambda x: self.f(self.points(x)))
        off = self.counted(lambda x: self.off(self.points(x)))
        constraint = {"type": "eq", "fun": off, **derivative}
        start = self.start.reshape(-1)
        return optimize.minimize(f, start, method="SLSQP", constraints=constraint, tol=1e-12, **settings).x

    def points(self, x):
        return x.reshape(-1, 2)


class CurveFit(Problem):
    """Two Gaussian peaks on a slope, (8,), through noisy points."""

    start = np.array([1.0, 3.0, 0.5, 1.0, 6.0, 0.5, 0.0, 0.0])

    def __init__(self, rows):
        self.x = np.linspace(0, 10, rows)
        truth = np.array([2.0, 3.2, 0.6, 1.0, 6.5, 0.9, 0.3, 0.02])
        self.y = self.f(self.x, *truth) + 0.02 * np.random.default_rng(0).normal(size=rows)

    def f(self, x, a, p, s, b, q, t, offset, slope):
        xp = array_namespace(x, a)
        return a * xp.exp(-(((x - p) / s) ** 2)) + b * xp.exp(-(((x - q) / t) ** 2)) + offset + slope * x

    def slopes(self, x, a, p, s, b, q, t, *_):
        columns = []
        for height, place, width in ((a, p, s), (b, q, t)):
            u = (x - place) / width
            peak = np.exp(-u * u)
            columns += [peak, 2 * height * peak * u / width, 2 * height * peak * u * u / width]
        return np.stack([*columns, np.ones_like(x), x], axis=1)

    def ours(self, jit=False):
        return curve_fit(self.counted(self.f), self.x, self.y, self.start, jit=jit, xtol=1e-12)[0]

    def by_hand(self):
        return self.by_scipy(self.slopes)

    def differences(self):
        return self.by_scipy("2-point")

    def by_scipy(self, jac):
        f = self.counted(self.f)
        return optimize.curve_fit(f, self.x, self.y, self.start, jac=jac, method="trf", xtol=1e-12)[0]


class Bratu(Problem):
    """u'' + θ e^u = 0 on a grid, u = 0 at both ends: how the mean of its lower solution grows with θ, at θ = 1."""

    def __init__(self, size):
        self.start = np.zeros(size)
        self.square = 1 / (size + 1) ** 2

    def f(self, u, theta):
        xp = array_namespace(u)
        edge = 0 * u[:1]
        around = xp.concat([u[1:], edge]) + xp.concat([edge, u[:-1]])
        return around - 2 * u + self.square * theta * xp.exp(u)

    def jacobian(self, u, theta):
        near = np.eye(len(u), k=1) + np.eye(len(u), k=-1)
        return near + np.diag(-2 + self.square * theta * np.exp(u))

    def ours(self, jit=False):
        f = self.counted(self.f)

        def mean(theta):
            u = root(f, self.start, (theta,), tol=1e-12, jit=jit).x
            return array_namespace(u).mean(u)

        return np.atleast_1d(grad(mean)(np.asarray(1.0)))

    def by_hand(self):
        u = self.solved(1.0, self.jacobian)
        return np.atleast_1d(np.mean(np.linalg.solve(self.jacobian(u, 1.0), -self.square * np.exp(u))))

    def differences(self, step=1e-5):
        high, low = (np.mean(self.solved(1.0 + side * step)) for side in (1, -1))
        return np.atleast_1d((high - low) / (2 * step))

    def solved(self, theta, jacobian=None):
        return optimize.root(self.counted(self.f), self.start, (theta,), jac=jacobian, tol=1e-12).x


class DeepEquilibrium(Problem):
    """A regression on z = tanh(z Wᵀ + X Uᵀ), the fixed point of a layer: W, U and the readout v are learned."""

    def __init__(self, rows, hidden, columns=2):
        random = np.random.default_rng(0)
        self.X = random.normal(size=(rows, columns))
        self.y = np.sin(self.X[:, 0]) * self.X[:, 1]
        self.start = {
            "W": 0.3 * random.normal(size=(hidden, hidden)) / hidden**0.5,
            "U": random.normal(size=(hidden, columns)),
            "v": random.normal(size=hidden) / hidden,
        }
        self.form = [(name, x.shape, x.size) for name, x in self.start.items()]
        self.z = np.zeros((rows, hidden))

    def layer(self, z, W, U, X):
        xp = array_namespace(z, W)
        return xp.tanh(xp.matmul(z, xp.matrix_transpose(W)) + xp.matmul(X, xp.matrix_transpose(U)))

    def cost(self, z, p):
        xp = array_namespace(z)
        error = xp.matmul(z, p["v"]) - xp.asarray(self.y)
        penalty = sum(xp.sum(x * x) for x in p.values())
        return xp.mean(error * error) + 0.02 * penalty

    def ours(self, jit=False):
        layer = self.counted(self.layer)

        def f(p):
            X = array_namespace(p["W"]).asarray(self.X)
            z = fixed_point(layer, self.z, (p["W"], p["U"], X), tol=1e-12, jit=jit, solver="gmres")
            return self.cost(z, p)

        found = minimize(f, self.start, method="L-BFGS-B", options=TIGHT).x
        return np.concatenate([x.reshape(-1) for x in found.values()])

    def by_hand(self):
        return self.by_scipy(self.value_and_slope, jac=True)

    def differences(self):
        return self.by_scipy(lambda x: self.cost(self.equilibrium(self.tree(x)), self.tree(x)))

    def by_scipy(self, f, **settings):
        start = np.concatenate([x.reshape(-1) for x in self.start.values()])
        return optimize.minimize(f, start, method="L-BFGS-B", options=TIGHT, **settings).x

    def tree(self, x):
        parts = np.split(x, np.cumsum([size for _, _, size in self.form])[:-1])
        return {name: part.reshape(shape) for (name, shape, _), part in zip(self.form, parts, strict=True)}

    def equilibrium(self, p):
        return fixed_point(self.counted(self.layer), self.z, (p["W"], p["U"], self.X), tol=1e-12)

    def value_and_slope(self, x):
        p = self.tree(x)
        z = self.equilibrium(p)
        bend = 1 - z * z
        arriving = 2 / len(self.y) * (z @ p["v"] - self.y)[:, None] * p["v"]
        systems = np.eye(z.shape[1]) - p["W"].T[None, :, :] * bend[:, None, :]
        inner = bend * np.linalg.solve(systems, arriving[:, :, None])[..., 0]
        slopes = {"W": inner.T @ z, "U": inner.T @ self.X, "v": 2 * z.T @ (z @ p["v"] - self.y) / len(self.y)}
        return self.cost(z, p), np.concatenate([(slopes[name] + 0.04 * p[name]).reshape(-1) for name in p])


def problems(small=False):
    """{name: problem}."""
    return {
        "Rosenbrock": Rosenbrock(8 if small else 100),
        "logistic regression": LogisticRegression(*(60, 5) if small else (2000, 50)),
        "hanging chain (constrained)": HangingChain(6 if small else 30),
        "curve fit": CurveFit(60 if small else 500),
        "root by its parameter": Bratu(10 if small else 100),
        "deep equilibrium": DeepEquilibrium(*(12, 2) if small else (60, 6)),
        "Gaussian process, MAP": GaussianProcess(15 if small else 100),
    }
