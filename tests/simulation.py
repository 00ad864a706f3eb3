"""The measuring core on made-up machines whose truth is known: ``python tests/simulation.py`` prints it.

Every time comes from a synthetic clock, so the figures need no device, do not depend on the machine, and repeat.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import exp
from statistics import median
from typing import Any, NamedTuple

from miniflow_xp.programs.bench.ceilings import lies
from miniflow_xp.programs.bench.compare import compare
from miniflow_xp.programs.bench.crossover import Crossover, coarse_grid, find_crossover
from miniflow_xp.programs.bench.record import Ceiling, Cell, Environment, Record
from miniflow_xp.programs.bench.scheduler import Group, interleave
from miniflow_xp.programs.bench.statistics import CONFIDENCE, Ratio, paired_ratio, verdict

NOISE = 0.10  # standard deviation of the logarithm of a sample
ROUNDS = 16
RUNS = 100
PAIRS = 2000
PEAK = 1e11  # operations a second of the made-up device
SIZES = coarse_grid(16, 65536)

Curve = Callable[[float], float]
"""Size → true seconds a step."""


def steady(seconds: float) -> float:
    """A machine that always runs at its usual speed."""
    return 1.0


@dataclass
class Clock:
    """Time that moves when somebody works. ``speed(t)`` is how quick the machine is at time t; 1 is its usual speed."""

    seconds: float = 0.0
    speed: Callable[[float], float] = steady

    def __call__(self) -> float:
        return self.seconds

    def work(self, seconds: float) -> float:
        """Let work pass that takes so long at the usual speed; returns how long it took."""
        took = seconds / self.speed(self.seconds)
        self.seconds += took
        return took


class MadeUp(NamedTuple):
    """A contestant that takes ``seconds`` a step, with noise, ten steps a sample."""

    name: str
    seconds: float
    clock: Clock
    rng: random.Random
    noise: float = NOISE

    def sample(self) -> float:
        return self.clock.work(10 * self.seconds * exp(self.rng.gauss(0, self.noise))) / 10


class Device:
    """A device with a queue: asking takes 5 µs of the host's time, and waiting as long as the work does."""

    def __init__(self, clock: Clock, ask: float = 5e-6) -> None:
        self.clock = clock
        self.ask = ask
        self.ready = 0.0

    def launch(self, seconds: float) -> None:
        """Ask for work; returns at once."""
        self.clock.work(self.ask)
        self.ready = max(self.ready, self.clock()) + seconds

    def synchronize(self) -> None:
        """Wait until all is done."""
        self.clock.work(max(0.0, self.ready - self.clock()))


def measured_ratio(candidate: float, incumbent: float, clock: Clock, rng: random.Random) -> Ratio:
    """Both measured by the scheduler, in ROUNDS rounds."""
    pair = MadeUp("candidate", candidate, clock, rng), MadeUp("incumbent", incumbent, clock, rng)
    series = interleave([Group("pair", pair)], ROUNDS, float("inf"), rng, clock)
    return paired_ratio(series["candidate"].samples, series["incumbent"].samples)


class World(NamedTuple):
    """Two true curves, the largest size that fits in memory, the expected state, and how the machine's speed moves."""

    name: str
    candidate: Curve
    incumbent: Curve
    state: str
    limit: float = float("inf")
    speed: Callable[[float], float] = steady

    def explore(self, seed: int) -> tuple[Crossover, float]:
        """One adaptive search, and the truth.

        The seed draws the noise, and shifts both curves along the sizes by up to a factor of 2, for else the truth
        would always lie at the same place between two sizes of the grid.
        """
        rng = random.Random(seed)
        clock = Clock(speed=self.speed)
        stretch = 2 ** rng.uniform(-1, 1)

        def measure(size: int) -> Ratio | str | None:
            if size > self.limit:
                return "out of memory"
            return measured_ratio(self.candidate(size * stretch), self.incumbent(size * stretch), clock, rng)

        return find_crossover(measure, SIZES), self.truth(stretch)

    def truth(self, stretch: float) -> float:
        """The size from which the candidate is faster at every larger one: down by steps of 1 %, then 1e-6."""
        size = float(SIZES[-1])
        for step in (1.01, 1.000001):
            while size > SIZES[0] and self.candidate(size * stretch) < self.incumbent(size * stretch):
                size /= step
            size *= step
        return size


def launched(size: float) -> float:
    """A device: 40 µs of launches, then 1 ns a row."""
    return 40e-6 + 1e-9 * size


def processor(size: float) -> float:
    """A processor: 2 µs, then 30 ns a row."""
    return 2e-6 + 30e-9 * size


def with_cliff(size: float) -> float:
    """A processor that takes twice as long a row once the data has left its cache."""
    return 2e-6 + (20e-9 if size <= 3000 else 40e-9) * size


def with_notch(size: float) -> float:
    """A processor that is slow between 100 and 300 rows only: the candidate wins there, and then loses again."""
    return processor(size) + (60e-6 if 100 <= size <= 300 else 0.0)


def ramp(seconds: float) -> float:
    """A machine that slows down to half its speed within 0.3 s, and recovers, again and again."""
    return 0.5 + abs((seconds / 0.3) % 2 - 1) / 2


WORLDS = (
    World("launches against rows", launched, processor, "between"),
    World("a cache cliff", launched, with_cliff, "between"),
    World("the cliff is the crossover", lambda n: 90e-6 + 1e-9 * n, with_cliff, "between"),
    World("wins, loses, wins", launched, with_notch, "between"),
    World("a throttled clock", launched, processor, "between", speed=ramp),
    World("never", lambda n: 40e-6 + 35e-9 * n, processor, "never"),
    World("nearly parallel", lambda n: 20e-6 + 25e-9 * n, processor, "between"),
    World("out of memory", launched, processor, "never", limit=300),
    World("always", lambda n: 1e-6 + 1e-9 * n, processor, "always"),
)


class Outcome(NamedTuple):
    """Of ``runs`` searches: how many had the right state and, for a bracket, held the truth; width and extra sizes."""

    world: World
    runs: int
    right: int
    width: float | None
    extra: float

    def __str__(self) -> str:
        width = f"×{self.width:.2f}" if self.width else "–"
        return f"{self.world.name:28} {self.world.state:8} {self.right:4} of {self.runs} {width:>8} {self.extra:6.0f}"


def outcome(world: World, runs: int = RUNS) -> Outcome:
    """Search many times; the seeds count from 0."""
    found = [world.explore(seed) for seed in range(runs)]
    right = sum(one.state == world.state and holds(one, truth) for one, truth in found)
    widths = [one.high / one.low for one, _ in found if one.low and one.high]
    extra = median(len(set(one.measured) - set(SIZES)) for one, _ in found)
    return Outcome(world, runs, right, median(widths) if widths else None, extra)


def holds(crossover: Crossover, truth: float) -> bool:
    """Does the bracket, if there is one, hold the truth?"""
    return not (crossover.low and crossover.high) or crossover.low <= truth <= crossover.high


def false_verdicts(runs: int = PAIRS, noise: float = NOISE, speed: Callable[[float], float] = ramp) -> float:
    """How often one thing against itself is said to win or to lose, measured by the scheduler."""
    rng = random.Random(0)
    clock = Clock(speed=speed)
    words = []
    for _ in range(runs):
        pair = [MadeUp(name, 1e-3, clock, rng, noise) for name in "ab"]
        series = interleave([Group("pair", pair)], ROUNDS, float("inf"), rng, clock)
        words.append(verdict(paired_ratio(series["a"].samples, series["b"].samples)))
    return sum(word in ("wins", "loses") for word in words) / runs


def false_verdicts_one_after_the_other(runs: int = PAIRS, noise: float = NOISE) -> float:
    """The same with all samples of a before those of b: what interleaving is for."""
    rng = random.Random(0)
    clock = Clock(speed=ramp)
    words = []
    for _ in range(runs):
        a, b = ([MadeUp("", 1e-3, clock, rng, noise).sample() for _ in range(ROUNDS)] for _ in "ab")
        words.append(verdict(paired_ratio(a, b)))
    return sum(word in ("wins", "loses") for word in words) / runs


Luck = Callable[[random.Random], float]
"""What chance gives a process for its life, as the factor by which a row of it is slower."""


def everywhere(rng: random.Random) -> float:
    """Up to 20 % for every row."""
    return 1 + rng.uniform(0, 0.2)


def rare(rng: random.Random) -> float:
    """20 % for one row of six."""
    return 1.2 if rng.random() < 1 / 6 else 1.0


LUCKS: dict[str, Luck | None] = {
    "one sitting": None,
    "two; a process slows one row of six by 20 %": rare,
    "two; each process slows all by up to 20 %": everywhere,
}


def made_up_cell(samples: list[float], **facts: Any) -> Cell:
    """A measured cell of one step."""
    identity = {"family": "node", "series": "made up", "case": "", "axes": {}, "axis": "n", "backend": "numpy:cpu"}
    more = {"contestant": "ours", "dtype": "float32", "residence": None, "state": "measured"}
    return Cell(**identity | more | facts, samples=samples, rounds=list(range(len(samples))))


def made_up_run(
    rng: random.Random, slowdown: float = 1.0, noise: float = 0.02, rows: int = 200, luck: Luck | None = None
) -> Record:
    """A run: ``noise`` within the run, 1 % of a row's own between runs, and other work in one sample of five.

    With ``luck`` there are two sittings, and each draws its own.
    """
    cells = []
    for row in range(rows):
        seconds = 1e-6 * 1.05**row * exp(rng.gauss(0, 0.01)) * slowdown
        sittings = [luck(rng) if luck else 1.0 for _ in range(2)]
        samples = [seconds * sittings[k // 6] * exp(abs(rng.gauss(0, noise)) + busy(rng)) for k in range(12)]
        cells.append(made_up_cell(samples, case=f"n={row}"))
    return Record(environment=Environment(), backends={}, cells=cells, second_sitting=6 if luck else None)


def busy(rng: random.Random) -> float:
    """Other work on the machine: in one sample of five, up to 40 %."""
    return rng.uniform(0, 0.4) if rng.random() < 0.2 else 0.0


def share(state: str, slowdown: float, runs: int = 10, luck: Luck | None = None) -> float:
    """Of the rows of two runs, the share that ``compare`` calls ``state``; the second is slower by that factor."""
    rows = []
    for seed in range(runs):
        rng = random.Random(seed)
        rows += compare(made_up_run(rng, luck=luck), made_up_run(rng, slowdown, luck=luck)).rows
    return sum(row.state == state for row in rows) / len(rows)


def caught(waits: bool, runs: int = RUNS) -> float:
    """How often the lie detector flags cells of a device, whose clock is stopped after it was waited for, or before."""
    cells = []
    for seed in range(runs):
        rng, clock = random.Random(seed), Clock()
        device = Device(clock)
        flops = 10 ** rng.uniform(7, 11)
        samples = [device_sample(device, flops / PEAK * exp(abs(rng.gauss(0, NOISE))), waits) for _ in range(ROUNDS)]
        cells.append(made_up_cell(samples, backend="made up", flops=flops))
    return len(lies(cells, {"made up": {"float32": Ceiling(flops_per_s=PEAK)}})) / runs


def device_sample(device: Device, seconds: float, waits: bool) -> float:
    """Seconds a step, of ten; without the wait the clock tells how long it took to ask."""
    device.synchronize()
    start = device.clock()
    for _ in range(10):
        device.launch(seconds)
    if waits:
        device.synchronize()
    return (device.clock() - start) / 10


def table(outcomes: Sequence[Outcome]) -> str:
    """The searches, one a line."""
    head = f"{'made-up machine':28} {'state':8} {'right':>10} {'width':>9} {'extra':>6}"
    return "\n".join([head, *map(str, outcomes)])


def main() -> None:
    """Print all of it."""
    print(f"Crossover searches with {NOISE:.0%} noise, {ROUNDS} rounds, sizes {SIZES[0]} to {SIZES[-1]}; {RUNS} seeds")
    print("right: the state is, and the bracket holds the truth; width and extra sizes: medians")
    print(table([outcome(world) for world in WORLDS]))
    print(f"\nOne thing against itself, {PAIRS} times, on a machine whose speed halves and recovers: said to differ")
    print(f"  interleaved            {false_verdicts():7.1%}   (stated: at most {1 - CONFIDENCE:.0%})")
    print(f"  one after the other    {false_verdicts_one_after_the_other():7.1%}")
    print(f"\nLie detector, {RUNS} cells of a device of {PEAK:.0e} operations a second: flagged")
    print(f"  clock stopped early    {caught(waits=False):7.1%}")
    print(f"  after the wait         {caught(waits=True):7.1%}")
    print(f"\n{'compare, 10 times 200 rows of two runs':46}{'SAME':>8}{'wrong':>8}{'10 % slower: SLOWER':>21}")
    for words, luck in LUCKS.items():
        wrong = share("SLOWER", 1.0, luck=luck) + share("FASTER", 1.0, luck=luck)
        print(f"  {words:44}{share('SAME', 1.0, luck=luck):8.1%}{wrong:8.1%}{share('SLOWER', 1.1, luck=luck):21.1%}")


if __name__ == "__main__":
    main()
