"""Predators and prey: the parameters of a differential equation fitted to observations, through a Runge-Kutta solver.

u' = αu - βuv,  v' = δuv - γv
"""

import numpy as np
from array_api_compat import array_namespace


def slope(state, rates):
    """The right-hand side: ``state`` (2,), ``rates`` (4,) α, β, γ, δ; the result is (2,)."""
    xp = array_namespace(state, rates)
    u, v = state[0], state[1]
    met = u * v
    return xp.stack([rates[0] * u - rates[1] * met, rates[3] * met - rates[2] * v])


def step(state, rates, h):
    """One step of the classical Runge-Kutta method."""
    k1 = slope(state, rates)
    k2 = slope(state + h / 2 * k1, rates)
    k3 = slope(state + h / 2 * k2, rates)
    k4 = slope(state + h * k3, rates)
    return state + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def loss(rates, start, observed, every=10, h=0.05, step=step):
    """Mean squared distance to ``observed`` (n, 2), which are ``every`` steps apart; a scalar."""
    xp = array_namespace(rates, start, observed)
    state, total = start, 0.0
    for n in range(observed.shape[0]):
        for _ in range(every):
            state = step(state, rates, h)
        total = total + xp.sum((state - observed[n, :]) ** 2)
    return total / observed.shape[0]


def problem(steps=200, seed=0):
    """Rates to start from, the state at time 0, and observations of every tenth step."""
    random = np.random.default_rng(seed)
    start, true = np.array([1.0, 0.5]), np.array([1.1, 0.8, 1.0, 0.6])
    state, seen = start, []
    for n in range(steps):
        state = step(state, true, 0.05)
        if (n + 1) % 10 == 0:
            seen.append(state)
    return np.array([1.0, 0.7, 1.2, 0.5]), start, np.array(seen) + 0.01 * random.normal(size=(steps // 10, 2))
