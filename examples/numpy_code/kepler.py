"""Kepler's problem by the leapfrog method: with which velocity does a planet reach a place?"""

import numpy as np


def acceleration(position):
    """Of a body that the sun, at the origin, attracts: -r / |r|³."""
    return -position / np.linalg.norm(position) ** 3


def loss(velocity, position, goal, steps=30, h=0.05):
    """The squared distance from the goal after so many steps, and a little of the energy that was spent."""
    start, v = velocity, velocity + h / 2 * acceleration(position)
    for _ in range(steps):
        position = position + h * v
        v = v + h * acceleration(position)
    return np.sum((position - goal) ** 2) + 0.01 * np.sum(start**2) / 2


def problem():
    """A velocity to start from, where the planet is, and where it should be."""
    return np.array([0.1, 1.1]), np.array([1.0, 0.0]), np.array([-0.5, 0.8])
