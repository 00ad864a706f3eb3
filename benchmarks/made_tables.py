"""Tables made by a seeded generator, written as people write them; none of them holds real data.

They imitate what real ones are like: skewed numbers, texts, missing cells, effects that bend and depend on each other,
and noise that nobody can predict.
"""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

JOBS = ("admin.", "blue-collar", "entrepreneur", "housemaid", "management", "retired", "self-employed", "services")
JOBS += ("student", "technician", "unemployed", "unknown")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


class Made(NamedTuple):
    """Columns by name, each an array of numbers or texts, None or NaN where a cell is missing; one is the target."""

    name: str
    columns: dict[str, Any]
    target: str
    separator: str = ","
    decimal: str = "."
    missing: str = ""
    quoting: int = csv.QUOTE_MINIMAL

    def write(self, path: Path, rows: Any, without: tuple[str, ...] = ()) -> None:
        """The rows of these numbers as a CSV file, ``without`` some of the columns."""
        names = [name for name in self.columns if name not in without]
        cells = [[self.cell(value) for value in self.columns[name][rows].tolist()] for name in names]
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, delimiter=self.separator, quoting=self.quoting)  # type: ignore[arg-type]
            writer.writerow(names)
            writer.writerows(zip(*cells, strict=True))

    def cell(self, value: Any) -> Any:
        """A value as it stands in the file."""
        if value is None or value != value:  # NaN
            return self.missing
        return value if isinstance(value, str | int) else f"{value:.6g}".replace(".", self.decimal)


def bank(rows: int, rng: np.random.Generator) -> Made:
    """Calls of a bank: does a client take its offer? Separated by semicolons, texts in quotes, ``unknown`` a text."""
    age = np.clip(rng.gamma(12, 3.4, rows), 18, 95).astype(int)
    job, month = rng.integers(len(JOBS), size=rows), rng.choice(12, rows, p=MONTH_SHARES)
    balance = np.round(rng.lognormal(6.5, 1.3, rows) - 400).astype(int)
    housing, loan = rng.random(rows) < 0.55, rng.random(rows) < 0.16
    duration = np.round(rng.lognormal(5.2, 0.85, rows)).astype(int)
    campaign = rng.geometric(0.37, rows)
    before = rng.choice(4, rows, p=[0.82, 0.11, 0.04, 0.03])
    education = rng.choice(4, rows, p=[0.15, 0.51, 0.3, 0.04])
    logit = (
        1.9 * (np.log1p(duration) - 6)
        + np.array([0, -0.2, 0.4, 2.2])[before]
        + 0.002 * (age - 42) ** 2
        - np.where(housing, 0.7, 0) * (age < 50)
        - 0.5 * loan
        - 0.15 * np.minimum(campaign, 8)
        + 0.9 * np.tanh(balance / 2000) * ~housing
        + np.array([0, -0.3, -0.2, -0.4, 0.1, 0.5, -0.1, -0.3, 0.6, 0, 0.1, 0])[job]
        + np.array([-0.4, 0.1, 1.4, 0.4, -0.8, 0.1, -0.6, -0.3, 1.3, 1.2, -0.5, 1.3])[month]
        - 1.1
    )
    return Made(
        "bank",
        {
            "age": age,
            "job": np.array(JOBS)[job],
            "marital": rng.choice(["married", "single", "divorced"], rows, p=[0.6, 0.28, 0.12]),
            "education": np.array(["primary", "secondary", "tertiary", "unknown"])[education],
            "balance": balance,
            "housing": yes_or_no(housing),
            "loan": yes_or_no(loan),
            "contact": rng.choice(["cellular", "telephone", "unknown"], rows, p=[0.65, 0.06, 0.29]),
            "day": rng.integers(1, 32, rows),
            "month": np.array(MONTHS)[month],
            "duration": duration,
            "campaign": campaign,
            "poutcome": np.array(["unknown", "failure", "other", "success"])[before],
            "y": yes_or_no(rng.logistic(size=rows) < logit),
        },
        "y",
        separator=";",
        quoting=csv.QUOTE_NONNUMERIC,
    )


MONTH_SHARES = np.array([3, 6, 1, 6, 30, 12, 15, 14, 1, 2, 9, 1]) / 100


def yes_or_no(flags: Any) -> Any:
    """Flags as texts."""
    return np.where(flags, "yes", "no")


def with_gaps(values: Any, share: float, rng: np.random.Generator) -> Any:
    """The values with None in the place of a ``share`` of them."""
    found = values.astype(object)
    found[rng.random(len(found)) < share] = None
    return found


def houses(rows: int, rng: np.random.Generator) -> Made:
    """Sales of houses; the logarithm of the price is a sum, but for what depends on each other. Gaps: ``NA``."""
    area = np.round(rng.lognormal(7.25, 0.33, rows)).astype(int)
    lot = np.round(rng.lognormal(9.1, 0.5, rows)).astype(int)
    built = (2010 - rng.gamma(1.6, 23, rows)).astype(int).clip(1872)
    quality, condition = rng.binomial(9, 0.55, rows) + 1, rng.binomial(8, 0.55, rows) + 1
    basement = np.round(np.maximum(0, area * rng.uniform(0.2, 1.1, rows) - 250)).astype(int)
    garage = rng.choice(["attached", "detached", "built in", "none"], rows, p=[0.59, 0.27, 0.08, 0.06])
    hood = rng.choice(25, rows, p=rng.dirichlet(np.full(25, 3.0)))
    worth = rng.normal(0, 0.18, 25)
    logarithm = (
        11.0
        + 0.45 * (np.log(area) - 7.25)
        + 0.00028 * area
        + 0.08 * (np.log(lot) - 9.1)
        + 0.085 * (quality - 6) * np.where(built > 1990, 1.3, 0.9)
        + 0.03 * (condition - 5) * (built < 1970)
        + 0.0028 * np.maximum(built - 1950, 0)
        + 0.00011 * basement
        + worth[hood]
        + np.select([garage == "built in", garage == "none"], [0.06, -0.12], 0)
        + 0.1 * rng.standard_normal(rows)
    )
    return Made(
        "houses",
        {
            "lot_area": with_gaps(lot, 0.05, rng),
            "neighbourhood": np.array([f"hood {n}" for n in range(25)])[hood],
            "quality": quality,
            "condition": condition,
            "built": built,
            "living_area": area,
            "basement_area": with_gaps(basement, 0.08, rng),
            "rooms": np.clip(np.round(area / 230 + rng.normal(0, 1, rows)), 2, 14).astype(int),
            "baths": with_gaps(np.clip(np.round(area / 800 + rng.normal(0, 0.4, rows)), 1, 4).astype(int), 0.02, rng),
            "garage": with_gaps(garage, 0.03, rng),
            "roof": rng.choice(["gable", "hip", "flat"], rows, p=[0.78, 0.2, 0.02]),
            "month_sold": rng.integers(1, 13, rows),
            "price": np.round(np.exp(logarithm), -2).astype(int),
        },
        "price",
        missing="NA",
    )


def clusters(rows: int, rng: np.random.Generator) -> Made:
    """Two classes of 8 clusters each in 15 directions; 10 mixtures of these, 25 columns of noise; 5 % wrong labels."""
    centres, classes = rng.uniform(-1.5, 1.5, (16, 15)), rng.permutation(16) % 2
    shapes = rng.uniform(-1, 1, (16, 15, 15))
    which = rng.integers(16, size=rows)
    X = rng.standard_normal((rows, 50))
    for n in range(16):
        X[which == n, :15] = X[which == n, :15] @ shapes[n] + centres[n]
    X[:, 15:25] = X[:, :15] @ rng.uniform(-1, 1, (15, 10))
    label = classes[which] ^ (rng.random(rows) < 0.05)
    order = rng.permutation(50)
    return Made(
        "clusters", {**{f"x{n}": X[:, order[n]] for n in range(50)}, "label": np.array(["a", "b"])[label]}, "label"
    )


def power(rows: int, rng: np.random.Generator) -> Made:
    """Output of a power plant by weather and hour, with decimal commas, separated by semicolons."""
    hour, day = rng.integers(24, size=rows), rng.integers(7, size=rows)
    temperature = 15 + 9 * rng.standard_normal(rows) + 4 * np.sin((hour - 9) * np.pi / 12)
    vacuum = 54 + 1.1 * (temperature - 15) + 6 * rng.standard_normal(rows)
    pressure = 1013 - 0.25 * (temperature - 15) + 5 * rng.standard_normal(rows)
    humidity = np.clip(75 - 0.9 * (temperature - 15) + 12 * rng.standard_normal(rows), 20, 100)
    wind = rng.weibull(1.9, rows) * 6
    output = (
        455
        - 16 * np.tanh((temperature - 15) / 14)
        - 0.25 * (vacuum - 54)
        + 0.06 * (pressure - 1013)
        - 0.002 * humidity * np.maximum(temperature - 18, 0)
        + 3 / (1 + np.exp(4 - wind))
        + 2.5 * np.sin((hour - 7) * np.pi / 12) * (day < 5)
        + 3 * rng.standard_normal(rows)
    )
    columns = {"temperature": temperature, "vacuum": vacuum, "pressure": pressure, "humidity": humidity, "wind": wind}
    return Made(
        "power", {**columns, "hour": hour, "weekday": day, "output": output}, "output", separator=";", decimal=","
    )


def patients(rows: int, rng: np.random.Generator) -> Made:
    """Patients with a low, middle or high risk, told by measurements of which many are missing, and by texts."""
    age, bmi = rng.normal(54, 15, rows).clip(18, 95).round().astype(int), rng.gamma(26, 1.05, rows)
    pressure = 118 + 0.4 * (age - 54) + 0.9 * (bmi - 27) + 13 * rng.standard_normal(rows)
    sugar = 92 + rng.lognormal(2.0, 0.9, rows) + 0.8 * (bmi - 27)
    smoker = rng.choice(["never", "former", "current"], rows, p=[0.55, 0.25, 0.2])
    sport = rng.choice(["none", "weekly", "daily"], rows, p=[0.4, 0.45, 0.15])
    sex = rng.choice(["f", "m"], rows)
    pulse = 72 + 9 * rng.standard_normal(rows) - 5 * (sport == "daily")
    score = (
        0.05 * (age - 54)
        + 0.03 * (pressure - 118)
        + 0.9 * (smoker == "current") * (age > 45)
        + 0.02 * np.maximum(sugar - 105, 0)
        + 0.004 * (bmi - 24) ** 2
        - 0.6 * (sport == "daily")
        + 0.35 * (sex == "m") * (age < 60)
        + 0.55 * rng.logistic(size=rows)
    )
    return Made(
        "patients",
        {
            "age": age,
            "sex": sex,
            "bmi": with_gaps(bmi, 0.1, rng),
            "pressure": with_gaps(pressure, 0.06, rng),
            "sugar": with_gaps(sugar, 0.2, rng),
            "pulse": with_gaps(pulse, 0.15, rng),
            "smoker": with_gaps(smoker, 0.08, rng),
            "sport": with_gaps(sport, 0.12, rng),
            "region": rng.choice([f"region {n}" for n in range(16)], rows),
            "risk": np.array(["low", "middle", "high"])[np.digitize(score, [0.3, 1.8])],
        },
        "risk",
        missing="NA",
    )


MAKERS: dict[Callable[[int, np.random.Generator], Made], int] = {
    bank: 40_000,
    houses: 3_000,
    clusters: 100_000,
    power: 10_000,
    patients: 5_000,
}
"""{maker: how many rows the table has in full}."""
