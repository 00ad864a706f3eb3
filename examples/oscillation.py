"""A physical model, not a neural network, fitted to noisy measurements: the damped swing of a torsion pendulum.

    y(t) = A exp(-g t) cos(w t + p)

with amplitude A in mrad, damping rate g in 1/s, angular frequency w in rad/s and phase p in rad. The model is a graph
of nodes like any network. Two of them, exp and cos, are defined here and checked by gradcheck.

The uncertainties come from the curvature of the cost at its minimum: for independent normal noise of one size, the
covariance of the parameters is 2 s² / n times the inverse of H, where H is the Hessian of the mean squared error, s²
the variance of the residuals and n the number of measurements (Press et al., Numerical Recipes, section 15.4).

    python examples/oscillation.py [--plot FILE]
"""

import argparse
from collections.abc import Callable

import numpy as np

from miniflow_xp import MSE, Adam, Elementwise, Input, Parameter, Program, Trainer, gradcheck, predict, to_numpy

TRUTH = {"amplitude": 2.0, "damping": 0.25, "frequency": 3.0, "phase": 0.5}
GUESS = {"amplitude": 1.5, "damping": 0.1, "frequency": 2.8, "phase": 0.0}  # by eye; far off, a fit may end elsewhere
NOISE = 0.1  # mrad, standard deviation of a measurement


class Exp(Elementwise):
    """eˣ, elementwise; the result has the shape of x."""

    def __init__(self, x, name=None):
        super().__init__([x], name)

    def compute(self, xp, x):
        return xp.exp(x)

    def vjp(self, xp, gradient, value, x):  # noqa: ARG002  a rule has the arguments of its contract, used or not
        return (lambda: gradient * value,)


class Cos(Elementwise):
    """cos x, elementwise; the result has the shape of x."""

    def __init__(self, x, name=None):
        super().__init__([x], name)

    def compute(self, xp, x):
        return xp.cos(x)

    def vjp(self, xp, gradient, value, x):  # noqa: ARG002
        return (lambda: -gradient * xp.sin(x),)


def measure(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """200 times within 10 s, and what was measured then, in mrad: the truth and noise."""
    A, g, w, p = TRUTH.values()
    t = np.linspace(0, 10, 200)
    return t, A * np.exp(-g * t) * np.cos(w * t + p) + NOISE * np.random.default_rng(seed).normal(size=t.shape)


def hessian(gradient: Callable[[np.ndarray], np.ndarray], at: np.ndarray, h: float = 1e-4) -> np.ndarray:
    """Second derivatives, as central differences of the gradient (an error of the order h²); made symmetric."""
    rows = np.array([(gradient(at + h * e) - gradient(at - h * e)) / (2 * h) for e in np.eye(len(at))])
    return (rows + rows.T) / 2


def main(plot: str | None = None, seed: int = 0, steps: int = 500) -> dict[str, np.ndarray]:
    """Measure, fit, compare with the truth; returns what is fitted, its covariance, and the way to the minimum."""
    t, y = Input("t"), Input("y")
    A, g, w, p = parameters = [Parameter(np.array(value), name) for name, value in GUESS.items()]
    model = A * Exp(-g * t) * Cos(w * t + p)
    cost = MSE(y, model)
    times, measured = measure(seed)
    feed = {t: times, y: measured}
    gradcheck(cost, feed, wrt=parameters)
    print("gradcheck: the gradients are those of central differences.")

    trainer = Trainer(cost, Adam(learning_rate=0.05))
    for _ in range(steps):  # each on all measurements
        trainer.step(feed)
    fitted = np.array([float(to_numpy(parameter.value)) for parameter in parameters])

    program = Program(cost, wrt=parameters)

    def gradient(at: np.ndarray) -> np.ndarray:
        gradients = program({**feed, **dict(zip(parameters, at, strict=True))}).gradients
        return np.array([float(to_numpy(gradients[parameter])) for parameter in parameters])

    curve = predict(model, [{t: times}])
    variance = float(np.sum((measured - curve) ** 2)) / (len(times) - len(fitted))
    H = hessian(gradient, fitted)
    covariance = 2 * variance / len(times) * np.linalg.inv(H)
    print(f"noise in mrad: {variance**0.5:.4f} by the residuals, in truth {NOISE}")
    for name, value, s in zip(TRUTH, fitted, np.sqrt(np.diag(covariance)), strict=True):
        off = (value - TRUTH[name]) / s
        print(f"{name:9} {value:.4f} ± {s:.4f}, in truth {TRUTH[name]}: {off:+.1f} standard deviations off")
    if plot is not None:
        draw(plot, times, measured, curve)
    return {"fitted": fitted, "covariance": covariance, "to_minimum": np.linalg.solve(H, gradient(fitted))}


def draw(path: str, times: np.ndarray, measured: np.ndarray, curve: np.ndarray) -> None:
    """Measurements and fit above, residuals below, written to ``path``; a message where matplotlib is missing."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        print("matplotlib is not installed: no plot")
        return
    figure = Figure(figsize=(7, 5), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    above.plot(times, measured, ".", color="0.55", label="measured")
    above.plot(times, curve, color="tab:blue", label="fitted")
    above.set(ylabel="angle / mrad", title="Damped oscillation, fitted with miniflow_xp")
    above.legend()
    below.axhline(0, color="tab:blue", linewidth=1)
    below.plot(times, measured - curve, ".", color="0.55")
    below.set(xlabel="time / s", ylabel="residual / mrad")
    figure.savefig(path, dpi=150)
    print(f"plot: {path}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Fit a damped oscillation to noisy measurements.")
    parser.add_argument("--plot", metavar="FILE", help="draw measurements, fit and residuals into this file")
    main(parser.parse_args().plot)
