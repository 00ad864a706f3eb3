"""The likelihood of observations under a linear state-space model, by the Kalman filter.

x' = F x + w, w ~ N(0, Q);  y = H x + v, v ~ N(0, R)
"""

import math

import numpy as np
from array_api_compat import array_namespace


def loss(model, observed, H):
    """Negative log-likelihood of ``observed`` (t, p); ``H`` (p, d); a scalar.

    ``model``: {"F": (d, d), "q": (), "r": ()}; the variances are exp(q) and exp(r) times the identity.
    """
    F = model["F"]
    xp = array_namespace(F, observed, H)
    d, p = F.shape[0], H.shape[0]
    identity = xp.eye(d, dtype=F.dtype)
    Q, R = xp.exp(model["q"]) * identity, xp.exp(model["r"]) * xp.eye(p, dtype=F.dtype)
    x, P, total = xp.zeros((d,), dtype=F.dtype), identity, 0.0
    for t in range(observed.shape[0]):
        x, P = F @ x, F @ P @ F.mT + Q
        error, S = observed[t, :] - H @ x, H @ P @ H.mT + R
        gain = xp.linalg.solve(S, H @ P).mT
        total = total + xp.sum(error * xp.linalg.solve(S, error)) + xp.linalg.slogdet(S)[1]
        x, P = x + gain @ error, (identity - gain @ H) @ P
    return (total + observed.shape[0] * p * math.log(2 * math.pi)) / 2


def problem(steps=200, d=4, p=2, seed=0):
    """A model to start from, and observations of an oscillator."""
    random = np.random.default_rng(seed)
    F = 0.97 * np.linalg.qr(random.normal(size=(d, d)))[0]
    H, x, seen = random.normal(size=(p, d)), np.zeros(d), []
    for _ in range(steps):
        x = F @ x + 0.3 * random.normal(size=d)
        seen.append(H @ x + 0.5 * random.normal(size=p))
    start = {"F": F + 0.05 * random.normal(size=(d, d)), "q": np.array(-2.0), "r": np.array(-1.0)}
    return start, np.array(seen), H
