"""Programs as users of HIPS/autograd write them, each run by autograd itself and by this package's door to it.

A program takes a ``Door``, data and settings, and gives numbers.
"""

from importlib import import_module
from types import SimpleNamespace

import numpy as host


class Door:
    """``autograd``, or what stands for it: its modules under one roof."""

    def __init__(self, name):
        self.name = name
        self.np = import_module(f"{name}.numpy")
        self.npr = import_module(f"{name}.numpy.random")
        top = import_module(name)
        for operator in ("grad", "elementwise_grad", "value_and_grad", "jacobian", "hessian", "make_hvp", "make_jvp"):
            setattr(self, operator, getattr(top, operator))
        self.hessian_vector_product = top.hessian_vector_product
        self.extend = import_module(f"{name}.extend")
        self.flatten = import_module(f"{name}.misc").flatten
        self.optimizers = import_module(f"{name}.misc.optimizers")
        self.fixed_point = import_module(f"{name}.misc.fixed_points").fixed_point
        self.stats = import_module(f"{name}.scipy.stats")
        self.special = import_module(f"{name}.scipy.special")
        self.integrate = import_module(f"{name}.scipy.integrate")
        self.signal = import_module(f"{name}.scipy.signal")


def data(seed=0):
    """Arrays for all programs, the same for every door."""
    draw = host.random.RandomState(seed)
    x = draw.randn(30, 3)
    return SimpleNamespace(
        line=host.linspace(-2.0, 2.0, 9),
        x=x,
        labels=(x @ host.array([1.0, -2.0, 0.5]) + 0.3 * draw.randn(30) > 0).astype(float),
        curve=host.cos(x[:, :1]) + 0.1 * draw.randn(30, 1),
        weights=[(0.3 * draw.randn(m, n), 0.1 * draw.randn(n)) for m, n in ((3, 5), (5, 1))],
        image=draw.randn(2, 1, 6, 6),
        kernels=draw.randn(1, 4, 3, 3),
    )


def tanh_and_its_derivatives(door, given):
    """A function of one's own, and its first four derivatives, elementwise."""
    np = door.np

    def tanh(x):
        y = np.exp(-2.0 * x)
        return (1.0 - y) / (1.0 + y)

    rows, f = [], tanh
    for _ in range(5):
        rows.append(f(given.line))
        f = door.elementwise_grad(f)
    return rows


def taylor_series(door, given):
    """The sine as a loop that ends when its terms are small; its gradient is the cosine's series."""
    np = door.np

    def sine(x):
        total = term = x
        i = 0
        while np.abs(term) > 1e-4:
            term = -term * x * x / ((2 * i + 3) * (2 * i + 2))
            total = total + term
            i += 1
        return total

    return [door.grad(sine)(float(x)) for x in host.linspace(0.1, 3.0, 5)]


def logistic_regression(door, given):
    """Sixty steps of gradient descent on a loss with a penalty, and the loss's curvature there."""
    np = door.np

    def probability(weights, x):
        return 0.5 * (np.tanh(np.dot(x, weights) / 2) + 1)

    def loss(weights):
        p = probability(weights, given.x)
        likely = p * given.labels + (1 - p) * (1 - given.labels)
        return -np.sum(np.log(likely)) + 0.1 * np.dot(weights, weights)

    slope, weights = door.grad(loss), given.x[0] * 0.0
    for _ in range(60):
        weights = weights - slope(weights) * 0.01
    return [weights, loss(weights), door.hessian(loss)(weights), door.hessian_vector_product(loss)(weights, given.x[0])]


def neural_network(door, given):
    """A network in a list of tuples, fitted by Adam with a callback."""
    np, seen = door.np, []

    def predicted(layers, x):
        for w, b in layers:
            outputs = np.dot(x, w) + b
            x = np.tanh(outputs)
        return outputs

    def negative_log_posterior(layers, _):
        flat, _ = door.flatten(layers)
        prior = np.sum(door.stats.norm.logpdf(flat, 0.0, 2.0))
        likelihood = np.sum(door.stats.norm.logpdf(predicted(layers, given.x), given.curve, 0.3))
        return -prior - likelihood

    def callback(layers, step, slopes):
        seen.append(negative_log_posterior(layers, step) + 0.0 * slopes[0][1][0])

    slope = door.grad(negative_log_posterior)
    fitted = door.optimizers.adam(slope, given.weights, callback=callback, num_iters=8, step_size=0.05)
    quick = door.optimizers.rmsprop(slope, given.weights, num_iters=3, step_size=0.01)
    slow = door.optimizers.sgd(slope, given.weights, num_iters=3, step_size=1e-3)
    return [seen[0], seen[-1], *[w for layers in (fitted, quick, slow) for layer in layers for w in layer]]


def gaussian_process(door, given):
    """The marginal likelihood of a Gaussian process, its gradient, and predictions with the parameters in a dict."""
    np = door.np

    def covariance(parameters, a, b):
        apart = np.expand_dims(a / np.exp(parameters["scale"]), 1) - np.expand_dims(b / np.exp(parameters["scale"]), 0)
        return np.exp(2 * parameters["height"]) * np.exp(-0.5 * np.sum(apart**2, axis=2))

    def likelihood(parameters):
        noise = np.exp(2 * parameters["noise"]) * np.eye(len(given.x))
        k = covariance(parameters, given.x, given.x) + noise
        mean = parameters["mean"] * np.ones(len(given.x))
        return door.stats.multivariate_normal.logpdf(given.curve[:, 0], mean, k)

    start = {"scale": np.array([0.1, 0.5, 0.7]), "height": 0.2, "noise": -1.0, "mean": 0.3}
    value, slope = door.value_and_grad(likelihood)(start)
    k = covariance(start, given.x, given.x) + np.eye(len(given.x))
    predicted = np.dot(covariance(start, given.x[:4] + 0.1, given.x), np.linalg.solve(k, given.curve[:, 0]))
    return [value, *[slope[name] for name in sorted(slope)], predicted]


def differential_equation(door, given):
    """The rates of predators and prey, from what is seen of them: the gradient of a fit through ``odeint``."""
    np = door.np
    times = given.line[:3] + 2.0

    def rates(y, t, a, b):
        return np.array([y[0] * (a - y[1]), y[1] * (y[0] - b) - 0.01 * t])

    def misfit(start, parameters):
        path = door.integrate.odeint(rates, start, times, parameters, rtol=1e-7, atol=1e-7)
        return np.sum((path - 1.2) ** 2)

    start, parameters = np.array([1.0, 0.5]), (np.array(1.1), np.array(0.9))
    return [door.grad(misfit)(start, parameters), *door.grad(misfit, 1)(start, parameters)]


def mixture(door, given):
    """A mixture of normal distributions: logsumexp, products with Jacobian and Hessian."""
    np = door.np

    def likelihood(means):
        each = door.stats.norm.logpdf(given.x[:, :1], means, 0.7) + np.log(np.array([0.2, 0.3, 0.5]))
        return np.sum(door.special.logsumexp(each, axis=1))

    means = given.x[0]
    product, slope = door.make_hvp(likelihood)(means)
    _, along = door.make_jvp(lambda m: np.sin(m) * np.sum(m))(means)(given.x[1])
    return [slope, product(given.x[1]), along, door.jacobian(lambda m: np.outer(m, m))(means)]


def convolution(door, given):
    """A layer of a convolutional network, as HIPS/autograd's generalised convolution, with the largest of its cells."""
    np = door.np

    def layer(kernels):
        seen = door.signal.convolve(given.image, kernels, axes=([2, 3], [2, 3]), dot_axes=([1], [0]), mode="valid")
        cells = np.reshape(seen, (*seen.shape[:2], 2, 2, 2, 2))
        return np.sum(np.max(np.max(cells, axis=3), axis=4) ** 2)

    return [layer(given.kernels), door.grad(layer)(given.kernels)]


def implicit(door, given):
    """A square root as the fixed point of Newton's steps, and its first two derivatives."""
    np = door.np

    def newton(a):
        return lambda x: 0.5 * (x + a / x)

    def root(a):
        return door.fixed_point(newton, a, 1.0, lambda x, y: np.abs(x - y), 1e-12)

    return [root(2.0), door.grad(root)(2.0), door.grad(door.grad(root))(2.0)]


def rule_of_ones_own(door, given):
    """A function with a rule given by hand, which is computed stably."""
    np = door.np

    @door.extend.primitive
    def log_of_sum(x):
        largest = host.max(x)
        return largest + host.log(host.sum(host.exp(x - largest)))

    def rule(ans, x):
        return lambda g: g * np.exp(x - ans)

    door.extend.defvjp(log_of_sum, rule)

    def f(y):
        return log_of_sum(y**2)

    return [door.grad(f)(given.x[0] * 30), door.hessian(f)(given.x[0])]


def complex_numbers(door, given):
    """Gradients of complex numbers, in HIPS/autograd's convention, through a Fourier transform."""
    np = door.np
    z = given.x[0] + 1j * given.x[1]

    def energy(z):
        return np.sum(np.abs(np.fft.fft(z)) ** 2 * np.arange(1.0, 4.0)) + np.real(z[0] * z[1] ** 2)

    return [door.grad(energy)(z), door.grad(lambda x: energy(x + 0j))(given.x[0])]


def arrays_of_numbers(door, given):
    """Arrays built from numbers of a computation, indices, and functions of NumPy without a counterpart."""
    np = door.np

    def f(x):
        rotation = np.array([[np.cos(x[0]), -np.sin(x[0])], [np.sin(x[0]), np.cos(x[0])]])
        turned = np.dot(rotation, np.stack([x[1:], x[:2]]))
        parts = np.concatenate([np.ravel(turned), np.array([x[0], 1.0])])
        return np.sum(np.cumsum(parts) ** 2) + np.einsum("i,ij->j", x[:2], turned)[0] + np.var(np.sort(parts))

    return [f(given.x[0]), door.grad(f)(given.x[0])]


PROGRAMS = [
    tanh_and_its_derivatives,
    taylor_series,
    logistic_regression,
    neural_network,
    gaussian_process,
    differential_equation,
    mixture,
    convolution,
    implicit,
    rule_of_ones_own,
    complex_numbers,
    arrays_of_numbers,
]
BY_HOST = {differential_equation, rule_of_ones_own}
"""Programs of which a part is computed in NumPy, by SciPy or by hand."""
