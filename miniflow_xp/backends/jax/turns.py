"""The turns of a loop in equations that repeat themselves: which there are, and what each read of a turn is.

A read is fixed (the same value in every turn), carried (what this turn or one before it made), or taken (a value from
outside, another one for each turn).
"""

import numpy as np

from miniflow_xp.backends.jax.listing import Listing
from miniflow_xp.backends.jax.repeats import Flags, Numbers

BACK = 4  # how many turns back a turn may read


class Turns:
    """``count`` turns of ``period`` equations from ``start``; fewer than asked for where the first or last differ.

    ``reads``: (count, reads of a turn), numbers of the listing; ``reader``: the equation of a turn that reads. A
    carried read is of the equation ``maker`` of the turn ``back`` turns before. ``boxes``: (count, axes), of the
    equation ``boxed``. ``hoisted``: equations that take a slice of what is fixed, another one in each turn.
    """

    def __init__(self, listing: Listing, start: int, count: int, period: int) -> None:
        self.listing, self.start, self.count, self.period = listing, start, count, period
        self.reads, self.boxes = listing.reads_of(start, count, period), listing.starts_of(start, count, period)
        places = slice(start, start + period + 1)
        self.reader = np.repeat(np.arange(period), np.diff(listing.first_read[places]))
        self.boxed = np.repeat(np.arange(period), np.diff(listing.first_start[places]))
        middle = count // 2
        now, before = self.reads[middle], self.reads[middle - 1]
        self.fixed: Flags = now == before
        self.carried: Flags = (now - before == period) & (before >= start) & (now < self.stop)
        self.back: Numbers = np.where(self.carried, middle - (now - start) // period, 0)
        self.maker: Numbers = np.where(self.carried, (now - start) % period, -1)
        self._leave_out(middle)
        self.hoisted = self._hoisted()
        self.carried &= ~np.isin(self.maker, self.hoisted)

    @property
    def stop(self) -> int:
        """Where the last turn ends."""
        return self.start + self.count * self.period

    @property
    def taken(self) -> Flags:
        """Which reads are of another value from outside in each turn."""
        return ~(self.fixed | self.carried)

    def places(self, equation: int) -> range:
        """Where an equation of the turn stands, in each turn."""
        return range(self.start + equation, self.stop, self.period)

    def _leave_out(self, middle: int) -> None:
        """Leave out first and last turns that differ from the middle one."""
        turns = np.arange(self.count)[:, None]
        now = self.reads[middle]
        other = self.reads != now + (turns - middle) * self.period * self.carried
        other &= self.fixed | self.carried
        fits = self._fits(now)
        begins = other & (self.back > 0) & fits  # a first turn reads what was there before
        wrong = ((other & ~begins) | (self.taken & ~fits)).any(1)
        used = self.reads[middle, self.fixed]
        used = used[(used >= self.start) & (used < self.stop)]
        first = [0, *np.flatnonzero(wrong[:middle]) + 1, *(used - self.start) // self.period + 1]
        first += [int(n) for n in (turns - self.back + 1)[:middle][begins[:middle]]]
        last = [self.count, *np.flatnonzero(wrong | begins.any(1))]
        self._keep(int(max(first)), int(min([n for n in last if n > middle])))

    def _fits(self, now: Numbers) -> Flags:
        """Which reads have the form of the middle turn's, or are numbers that are carried in it."""
        listing, reads = self.listing, self.reads
        begins = listing.is_number[reads] & listing.is_scalar[now] & (listing.ranks[reads] <= listing.ranks[now])
        found: Flags = (listing.forms[reads] == listing.forms[now]) | (begins & self.carried)
        return found

    def _hoisted(self) -> list[int]:
        """The equations that take a slice of what is fixed, another one in each turn."""
        moving = np.unique(self.boxed[(self.boxes != self.boxes[:1]).any(0)])
        found = []
        for equation in moving.tolist():
            reads = self.reader == equation
            if self.listing.values[self.start + equation].op == "getitem" and self.fixed[reads].all():
                found.append(equation)
        return found

    def are_given(self) -> bool:
        """Does a turn read nothing but what it may: from outside, of turns before, and not from far back?

        First turns that begin with what they make themselves are left out.
        """
        for _ in range(BACK):
            if self.count <= BACK or (self.back > BACK).any():
                break
            wrong = np.flatnonzero(self._reads_itself().any(1))
            if not len(wrong):
                return True
            if wrong[-1] >= BACK:
                break
            self._keep(int(wrong[-1]) + 1, self.count)
        return False

    def _reads_itself(self) -> Flags:
        """Which reads, that ought to be from outside, are of what the loop makes."""
        inside = (self.reads >= self.start) & (self.reads < self.stop)
        inside &= ~np.isin((self.reads - self.start) % self.period, self.hoisted)
        begins = np.arange(self.count)[:, None] < self.back
        found: Flags = inside & (self.taken | self.fixed | begins)
        return found

    def _keep(self, first: int, last: int) -> None:
        """Leave out all turns but these."""
        self.start, self.count = self.start + first * self.period, max(last - first, 0)
        self.reads, self.boxes = self.reads[first:last], self.boxes[first:last]
