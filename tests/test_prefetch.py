"""prefetched: the same numbers as without it, errors at their place, nothing left behind.

The copies to a GPU are tested without one: a device is played that does what it was asked in any order that its streams
and events allow, and whose memory is used again at once. Every missing wait shows as wrong numbers.
"""

import ctypes
import gc
import itertools
import random
import weakref
from collections import deque
from contextlib import contextmanager, nullcontext
from functools import partial
from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pytest
from small_training import Training, same_bits

import miniflow_xp as mf
from miniflow_xp.backend import Uploader
from miniflow_xp.backends.copy_stream import CopyStream
from miniflow_xp.backends.numpy.adapter import NumpyBackend
from miniflow_xp.errors import DtypeError, FeedError, SettingError
from miniflow_xp.training import loop
from miniflow_xp.training.batches import Batches
from miniflow_xp.training.prefetch import prefetched, sent_as

DEPTHS = (1, 2, 5)


class Late(Uploader):
    """Copies when it is waited for; ``log`` is what was asked of it."""

    def __init__(self, backend):
        super().__init__(backend)
        self.log = []

    def start(self, arrays, names):
        self.log.append("start")
        return [(array.copy(), name) for array, name in zip(arrays, names, strict=True)]

    def finish(self, started):
        self.log.append("finish")
        return [self.backend.asarray(array, name) for array, name in started]

    def close(self):
        self.log.append("close")


def uploaders(backend, monkeypatch):
    """The uploaders that are made for a backend from now on."""
    made = []
    monkeypatch.setattr(backend, "uploader", lambda depth: made.append(Late(backend)) or made[-1])
    return made


@pytest.fixture
def late_everywhere(backend, monkeypatch):
    """Those of each backend in turn, which is in use."""
    return uploaders(backend, monkeypatch)


@pytest.fixture
def numpy_backend():
    with mf.use_backend("numpy") as chosen:
        yield chosen


@pytest.fixture
def late(numpy_backend, monkeypatch):
    """Those of NumPy's backend, which is in use."""
    return uploaders(numpy_backend, monkeypatch)


def numbers(count, X=None, fail=None):
    """Feeds of one number each; ``fail`` is raised instead of one."""
    X = X or mf.Input("X")
    for n in range(count):
        if fail is not None and n == fail[0]:
            raise fail[1]
        yield {X: np.full(3, float(n))}


def read(feed):
    """The number of a feed."""
    (array,) = feed.values()
    found = {float(x) for x in mf.to_numpy(array)}
    assert len(found) == 1
    return found.pop()


# -- the same feeds


def test_on_the_cpu_nothing_is_gained_and_nothing_is_read_ahead(backend):
    if backend.device.startswith("cuda"):
        pytest.skip("this backend has a GPU")
    assert backend.uploader(2) is None
    taken = []
    feeds = list(numbers(3))
    for n, feed in enumerate(prefetched(taken.append(f) or f for f in feeds)):
        assert feed is feeds[n]
        assert len(taken) == n + 1


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("count", [0, 1, 2, 3, 9])
def test_all_feeds_come_in_order_and_no_more_than_depth_are_read_ahead(count, depth, late):
    taken = []
    for n, feed in enumerate(prefetched((taken.append(f) or f for f in numbers(count)), depth)):
        assert read(feed) == n
        assert len(taken) == min(count, n + 1 + depth)
    assert len(taken) == count
    assert [late[0].log.count(word) for word in ("start", "finish", "close")] == [count, count, 1]


@pytest.mark.parametrize("depth", [0, -1, 1.5, True, None, "2"])
def test_a_wrong_depth_is_told_at_once(depth):
    with pytest.raises(SettingError, match="depth"):
        prefetched(numbers(1), depth)


def fresh(images, labels, X, y, size=8):
    """Feeds of images and labels."""
    for start in range(0, len(images), size):
        yield {X: images[start : start + size].copy(), y: labels[start : start + size].copy()}


def reused(*arguments):
    """The same from a source that uses its arrays again, which ``prefetched`` must not mind."""
    arrays = {}
    for feed in fresh(*arguments):
        for node, array in feed.items():
            arrays.setdefault(node, array.copy())[...] = array
        yield arrays
        for array in arrays.values():
            array[...] = 1


RNG = np.random.default_rng(4)
IMAGES = {
    "uint8": RNG.integers(0, 256, (48, 5), dtype=np.uint8),
    "int16": RNG.integers(-9, 9, (48, 5), dtype=np.int16),
    "bool": RNG.integers(0, 2, (48, 5)).astype(bool),
    "float32": RNG.uniform(-1, 1, (48, 5)).astype("float32"),
    "float64": RNG.uniform(-1, 1, (48, 5)),
}


@pytest.mark.parametrize(
    ("kind", "declared", "forced"),
    [
        ("uint8", None, None),
        ("uint8", None, "float32"),
        ("uint8", float, None),
        ("int16", "float64", None),
        ("bool", None, None),
        ("float32", None, None),
        ("float64", None, None),
        ("float64", None, "float32"),
        ("float64", "float32", None),
        ("float64", float, None),
    ],
)
def test_training_is_the_same_to_the_last_bit(kind, declared, forced, backend, late_everywhere, monkeypatch):
    if forced:
        monkeypatch.setenv("MINIFLOW_DTYPE", forced)
    dtype = forced or ("float64" if declared in ("float64", float) else "float32")
    same_bits(*(trained(way, kind, declared, dtype) for way in (fresh, ahead)))
    assert [uploader.log[-1] for uploader in late_everywhere] == ["close"] * 2


@pytest.mark.parametrize("kind", IMAGES)
def test_training_is_the_same_with_the_copies_of_a_gpu(kind, backend):
    if backend.uploader(2) is None:
        pytest.skip("on the CPU nothing is copied ahead")
    same_bits(*(trained(way, kind, None, "float32") for way in (fresh, ahead)))


def ahead(*arguments):
    return prefetched(reused(*arguments))


def trained(way, kind, declared, dtype):
    """Costs of two epochs, and the parameters that they leave."""
    network = Training(dtype=dtype)
    network.X.dtype = None if declared is None else mf.Input(dtype=declared).dtype
    epochs = (way(IMAGES[kind], np.arange(48) * 7 % 3, network.X, network.y) for _ in range(2))
    costs = [network.trainer.step(feed) for epoch in epochs for feed in epoch]
    return [np.array(mf.to_numpy(a)) for a in (*costs, *(p.value for p in network.parameters))]


class Prefetched:
    """A source of batches for ``fit`` that prefetches those of another one."""

    def __init__(self, source, inputs):
        self.source, self.inputs = source, inputs

    def epoch(self, number, start=0):
        feeds = (dict(zip(self.inputs, batch, strict=True)) for batch in self.source.epoch(number, start))
        for feed in prefetched(feeds):
            yield tuple(feed.values())


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # NumPy's, of the infinity that is fed
@pytest.mark.parametrize("bad", [False, True], ids=["finite", "infinite"])
def test_fit_is_the_same_to_the_last_bit(bad, backend, late_everywhere, monkeypatch):
    monkeypatch.setattr(
        loop, "LOOK_EVERY", np.inf
    )  # the way back after an infinity leads to the last look, by the clock
    X = IMAGES["float32"].copy()
    if bad:
        X[7] = np.inf
    source, ends, told = Batches(X, RNG.integers(0, 3, len(X)), batch_size=7, seed=2), [], []
    for way in (lambda source, inputs: source, Prefetched):
        network = Training()
        inputs = [network.X, network.y]
        try:
            history = mf.fit(network.trainer, inputs, way(source, inputs), 3)
        except mf.MiniflowError as error:
            told.append(str(error))
        else:
            told.append([epoch.cost for epoch in history])
        ends.append(network.values())
    same_bits(*ends)
    assert told[0] == told[1]
    assert isinstance(told[0], str) == bad
    assert {uploader.log[-1] for uploader in late_everywhere} == {"close"}


# -- what goes ahead, and in which dtype


class Narrow(NumpyBackend):
    """Stores no float64, as JAX does by default."""

    def storable(self, dtype):
        return {"float64": "float32", "int64": "int32"}.get(dtype, dtype)


@pytest.mark.parametrize(
    ("declared", "came", "forced", "sent", "sent_by_a_narrow_backend"),
    [
        (None, "float32", None, "float32", "float32"),
        (None, "float64", None, "float64", None),
        (None, "float64", "float32", "float32", "float32"),
        (None, "uint8", None, "uint8", "uint8"),
        (None, "uint8", "float32", "uint8", "uint8"),
        (None, "int64", None, "int64", None),
        (None, "bool", None, "bool", "bool"),
        ("float32", "float64", None, "float32", "float32"),
        ("float32", "float64", "float16", "float32", "float32"),
        ("float32", "uint8", None, "uint8", "uint8"),
        ("float", "uint8", None, "uint8", "uint8"),
        ("float", "float64", None, None, None),  # what the rest of the feed decides
        ("int", "int64", None, None, None),  # labels: their values are checked on the host
        ("int32", "int64", None, None, None),
        ("int", "float64", None, None, None),  # an error, which the step tells
        (None, "complex128", None, None, None),
        (None, ">f8", None, None, None),
        (None, "U3", None, None, None),
        (None, "O", None, None, None),
    ],
)
def test_what_is_sent_ahead(declared, came, forced, sent, sent_by_a_narrow_backend, monkeypatch):
    if forced:
        monkeypatch.setenv("MINIFLOW_DTYPE", forced)
    node, value = mf.Input(dtype=declared), np.zeros((2, 3), dtype=came)
    assert sent_as(node, value, NumpyBackend()) == sent
    assert sent_as(node, value, Narrow()) == sent_by_a_narrow_backend


@pytest.mark.parametrize("value", [np.zeros((0, 3)), [1.0, 2.0], 3.0, None, np.float32(2)], ids=repr)
def test_what_is_no_array_stays_as_it_is(value, late):
    X = mf.Input()
    (feed,) = prefetched([{X: value}])
    if isinstance(value, np.ndarray):
        assert feed[X].shape == value.shape
    else:
        assert feed[X] is value
    assert "start" not in late[0].log


def test_views_read_only_arrays_and_subclasses_are_sent(late):
    X, whole = mf.Input(), np.arange(24.0).reshape(4, 6)
    fixed = whole.copy()
    fixed.flags.writeable = False
    masked = np.ma.masked_array(whole, whole > 3)
    for value in (whole[::-2, ::3], whole.T, fixed, masked, np.array(5.0)):
        (feed,) = prefetched([{X: value}])
        np.testing.assert_array_equal(mf.to_numpy(feed[X]), np.asarray(value))


def test_the_order_of_a_feed_is_kept(late):
    nodes = [mf.Input("a"), mf.Input("b", dtype=int), mf.Input("c")]
    (feed,) = prefetched([{nodes[1]: np.zeros(2, int), nodes[2]: np.zeros(2), nodes[0]: 1.0}])
    assert list(feed) == [nodes[1], nodes[2], nodes[0]]


@pytest.mark.parametrize("way", [lambda feeds: feeds, prefetched], ids=["plain", "prefetched"])
def test_what_a_step_refuses_is_refused_at_its_batch(way, late):
    network, images = Training(), IMAGES["float32"][:8]
    labels = np.zeros(8, int)
    bad = {
        "out of range": (labels + 9, Exception),
        "floats": (labels + 0.5, DtypeError),
        "empty": (labels[:0], FeedError),
    }
    for text, (y, error) in bad.items():
        made = 0
        feeds = [{network.X: images, network.y: labels}, {network.X: images, network.y: y}]
        with pytest.raises(error) as found:  # noqa: PT012  the first step is to pass
            for feed in way(iter(feeds)):
                network.trainer.step(feed)
                made += 1
        assert isinstance(found.value, mf.MiniflowError), text
        assert made == 1, text


def test_another_backend_may_be_chosen_on_the_way(monkeypatch):
    first, second = NumpyBackend(), NumpyBackend()
    monkeypatch.setattr(first, "uploader", lambda depth: Late(first))
    monkeypatch.setattr(first, "asarray", lambda host, dtype: SimpleNamespace(host=host.astype(dtype)))
    monkeypatch.setattr(first, "to_numpy", lambda array: array.host)
    mf.set_backend(first)
    feeds = prefetched(numbers(5))
    assert [type(next(feeds).popitem()[1]) for _ in range(2)] == [SimpleNamespace] * 2
    mf.set_backend(second)
    assert [read(feed) for feed in feeds] == [2, 3, 4]


# -- errors and endings


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("place", [0, 1, 4])
def test_an_error_of_the_source_comes_at_its_place(place, depth, late):
    error, seen = OSError("the disk is gone"), []
    with pytest.raises(OSError, match="the disk is gone") as found:  # noqa: PT012  what came before it counts
        for feed in prefetched(numbers(9, fail=(place, error)), depth):
            seen.append(read(feed))  # noqa: PERF401  an error ends the loop
    assert found.value is error
    assert seen == list(range(place))
    assert late[0].log[-1] == "close"


def test_an_error_of_a_copy_comes_at_its_place(late, monkeypatch):
    def refuse(self, arrays, names, start=Late.start):
        if arrays[0][0] == 3:
            raise MemoryError("the device is full")
        return start(self, arrays, names)

    monkeypatch.setattr(Late, "start", refuse)
    feeds, seen = prefetched(numbers(9)), []
    with pytest.raises(MemoryError):
        seen.extend(map(read, itertools.chain.from_iterable([feed] for feed in feeds)))
    assert seen == [0, 1, 2]
    assert late[0].log[-1] == "close"
    assert list(feeds) == []


def test_an_interrupt_does_not_wait_for_its_turn(late):
    with pytest.raises(KeyboardInterrupt):
        next(prefetched(numbers(9, fail=(1, KeyboardInterrupt()))))
    assert late[0].log == ["start", "close"]


class Held(list):
    """Counts what is alive of what a source gave."""

    def give(self, feeds):
        for feed in feeds:
            (array,) = feed.values()
            self.append(weakref.ref(array))
            yield feed

    def alive(self):
        return sum(ref() is not None for ref in self)


@pytest.mark.parametrize("how", ["break", "close", "an error", "the end", "an error of the source"])
def test_however_it_ends_nothing_is_held_and_nothing_runs(how, late):
    held, ended = Held(), []

    def source():
        try:
            yield from held.give(numbers(9, fail=(5, OSError) if how == "an error of the source" else None))
        finally:
            ended.append(True)

    gc.disable()  # counting references is enough: nothing waits for the collector
    try:
        feeds = prefetched(source())
        try:
            for n, _ in enumerate(feeds):
                if n == 2 and how == "break":
                    break
                if n == 2 and how == "close":
                    feeds.close()
                if n == 2 and how == "an error":
                    raise ZeroDivisionError
        except (ZeroDivisionError, OSError):
            pass
        del feeds, _
        assert held.alive() == 0
    finally:
        gc.enable()
    assert ended == [True]
    assert late[-1].log.count("close") == 1
    assert late[-1].log[-1] == "close"


def test_batches_that_are_done_with_are_not_held(numpy_backend, monkeypatch):
    class Counted(Late):
        alive = most = 0

        def finish(self, started):
            (array,) = super().finish(started)
            Counted.alive += 1
            Counted.most = max(Counted.most, Counted.alive)
            weakref.finalize(array, self.gone)
            return [array]

        def gone(self):
            Counted.alive -= 1

    monkeypatch.setattr(numpy_backend, "uploader", lambda depth: Counted(numpy_backend))
    for _ in prefetched(numbers(9)):
        pass
    assert Counted.most == 2  # the loop's own, which goes when the next one comes


# -- a device that is played


class Device:
    """Streams do what they were asked in any order that events allow; memory that is freed is used again at once."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.streams, self.memory, self.free = [], [], {}
        self.compute = self.current = Stream(self)

    def run(self, until):
        """Work until something holds."""
        while not until():
            ready = [s for s in self.streams if s.asked and s.asked[0].ready()]
            assert ready, "nothing can go on"
            self.random.choice(ready).asked.popleft().work()

    def run_some(self):
        """Work for a while, or not at all, or until nothing is left."""
        left = self.random.choice([0, 0, 1, 3, 10**6])
        steps = itertools.count()
        self.run(lambda: next(steps) >= left or not any(s.asked for s in self.streams))

    def take(self, pool, size):
        """(address, what gives it back): the memory that was freed last, if any, with what was in it."""
        kept = self.free.setdefault((pool, size), [])
        if not kept:
            self.memory.append(np.full(size, 0xEE, np.uint8))
            kept.append(self.memory[-1].ctypes.data)
        address = kept.pop()
        return address, partial(kept.append, address)

    def array(self, shape, dtype):
        return OnDevice(self, shape, np.dtype(dtype))

    def pinned(self, size):
        address, give_back = self.take("pinned", size)
        buffer = (ctypes.c_char * size).from_address(address)
        weakref.finalize(buffer, give_back)
        return buffer


class Work:
    def __init__(self, work=lambda: None, ready=lambda: True):
        self.work, self.ready = work, ready


class Event:
    def __init__(self, **_):
        self.done, self.device = True, None

    def record(self, stream):
        self.done, self.device = False, stream.device
        stream.ask(self.reached)

    def reached(self):
        self.done = True

    def synchronize(self):
        self.device.run(lambda: self.done)


class Stream:
    def __init__(self, device):
        self.device, self.asked = device, deque()
        device.streams.append(self)

    def ask(self, work):
        self.asked.append(Work(work))

    def record(self, event):
        event.record(self)
        return event

    def wait_event(self, event):
        self.asked.append(Work(ready=lambda: event.done))

    def synchronize(self):
        self.device.run(lambda: not self.asked)


class OnDevice:
    """An array in the device's memory, from the pool of the stream that was current; freed with its last reference."""

    def __init__(self, device, shape, dtype):
        self.device, self.shape, self.dtype = device, shape, dtype
        self.size = max(1, int(np.prod(shape))) * dtype.itemsize
        self.address, give_back = device.take(device.current, self.size)
        weakref.finalize(self, give_back)

    def set(self, host, stream):
        assert (host.shape, host.dtype) == (self.shape, self.dtype)
        assert host.flags.c_contiguous
        stream.ask(partial(ctypes.memmove, self.address, host.ctypes.data, self.size))

    def copy_(self, host, non_blocking):
        assert non_blocking
        self.set(host, self.device.current)

    def contents(self):
        return np.frombuffer(ctypes.string_at(self.address, self.size), self.dtype).reshape(self.shape)


class PinnedTensor(np.ndarray):
    """A tensor in pinned memory, as far as it is asked."""

    def numpy(self):
        return self.view(np.ndarray)

    def copy_(self, other):
        self.numpy()[...] = other


def cupy_copies(device, backend, depth, monkeypatch):
    pytest.importorskip("cupy", reason="CuPy is not installed")
    from miniflow_xp.backends.cupy import copies as cupy_copies

    cuda = SimpleNamespace(
        Stream=lambda non_blocking: Stream(device),
        Event=Event,
        get_current_stream=lambda: device.current,
        alloc_pinned_memory=device.pinned,
    )
    monkeypatch.setattr(cupy_copies, "cupy", SimpleNamespace(cuda=cuda, empty=device.array))
    return cupy_copies.CupyCopies(backend, depth)


def torch_copies(device, backend, depth, monkeypatch):
    pytest.importorskip("torch", reason="PyTorch is not installed")
    from miniflow_xp.backends.torch import copies as torch_copies

    def empty(shape, dtype, device, pin_memory=False):
        if not pin_memory:
            return played.array(shape, dtype)
        assert device == "cpu"
        buffer = played.pinned(max(1, int(np.prod(shape))) * np.dtype(dtype).itemsize)
        return PinnedTensor(shape, dtype, buffer)

    @contextmanager
    def on(stream):
        before, played.current = played.current, stream
        yield
        played.current = before

    played = device
    cuda = SimpleNamespace(
        Stream=lambda device: Stream(played),
        Event=Event,
        current_stream=lambda device: played.current,
        stream=on,
    )
    fake = SimpleNamespace(
        cuda=cuda, empty=empty, tensor=lambda a, device: a.copy(), **{d: np.dtype(d) for d in IMAGES}
    )
    monkeypatch.setattr(torch_copies, "torch", fake)
    return torch_copies.TorchCopies(backend, depth, "cuda:0")


class Played(NumpyBackend):
    """A backend on the device that is played."""

    array_type = OnDevice

    def __init__(self, make, seed, monkeypatch, depth=2):
        super().__init__()
        self.played = Device(seed)
        self.make = lambda depth: make(self.played, self, depth, monkeypatch)

    def uploader(self, depth):
        self.made = self.make(depth)
        return self.made

    def activate(self):
        return nullcontext()


def steps(backend, count=12, depth=2, stop=None):
    """What ``count`` steps on the device read, each of two arrays; the device is slow, then fast, by chance."""
    X, Z, device, found = mf.Input("X"), mf.Input("Z"), backend.played, []
    source = np.empty((2, 3), np.float32)

    def feeds():
        for n in range(count):
            source[...] = n
            yield {X: source, Z: np.full(2 if n % 5 == 4 else 4, n, np.uint8)}

    with mf.use_backend(backend):
        for n, feed in enumerate(prefetched(feeds(), depth)):
            for array in feed.values():
                address = array.address, array.size, array.dtype  # read later, when the array itself is free already
                device.compute.ask(lambda address=address: found.append(seen(*address)))
            scratch = device.array((2, 3), np.float32)  # what a step computes takes memory as well
            device.compute.ask(partial(ctypes.memset, scratch.address, 0xAA, scratch.size))
            del feed, array, scratch
            device.run_some()
            if n == stop:
                break
    source[...] = -1
    overwritten = [device.pinned(24), device.pinned(4)]  # somebody else takes pinned memory, and memory on the device
    for buffer in overwritten:
        ctypes.memset(buffer, 0xBB, len(buffer))
    others = [device.array((2, 3), np.float32) for _ in range(4)]
    for other in others:
        device.compute.ask(partial(ctypes.memset, other.address, 0xCC, other.size))
    device.run(lambda: not any(s.asked for s in device.streams))
    assert all(set(ctypes.string_at(b, len(b))) == {0xBB} for b in overwritten)
    assert all(set(ctypes.string_at(o.address, o.size)) == {0xCC} for o in others), "a copy came late"
    return found


def seen(address, size, dtype):
    contents = np.frombuffer(ctypes.string_at(address, size), dtype)
    return float(contents[0]) if (contents == contents[0]).all() else contents.tolist()


MAKERS = pytest.mark.parametrize("make", [cupy_copies, torch_copies], ids=["cupy", "torch"])
SEEDS = range(40)


@MAKERS
@pytest.mark.parametrize("depth", DEPTHS)
def test_every_step_reads_its_own_batch_whatever_the_device_does_first(depth, make, monkeypatch):
    for seed in SEEDS:
        assert steps(Played(make, seed, monkeypatch), depth=depth) == [n for n in range(12) for _ in range(2)]


@MAKERS
@pytest.mark.parametrize("stop", [0, 3, 11])
def test_a_loop_that_is_left_leaves_no_copy_behind(stop, make, monkeypatch):
    for seed in SEEDS:
        backend = Played(make, seed, monkeypatch)
        assert steps(backend, stop=stop) == [n for n in range(stop + 1) for _ in range(2)]
        assert not backend.made._flying


def go_without(name):
    """A CopyStream that leaves one guard out."""

    def patch(monkeypatch):
        if name == "the step waits for the copy":
            monkeypatch.setattr(CopyStream, "finish", lambda self, started: started[0])
        elif name == "the copy waits for the steps":
            real = CopyStream.start

            def start(self, arrays, names):
                self.copies.wait_event = lambda event: None
                return real(self, arrays, names)

            monkeypatch.setattr(CopyStream, "start", start)
        elif name == "pinned memory is held":
            real = CopyStream.start

            def start(self, arrays, names):
                started = real(self, arrays, names)
                self._flying.clear()
                return started

            monkeypatch.setattr(CopyStream, "start", start)
        elif name == "pinned memory is waited for":
            monkeypatch.setattr(Event, "synchronize", lambda self: None)
        else:
            monkeypatch.setattr(CopyStream, "close", lambda self: self._flying.clear())

    return patch


@MAKERS
@pytest.mark.parametrize(
    "guard",
    [
        "the step waits for the copy",
        "the copy waits for the steps",
        "pinned memory is held",
        "pinned memory is waited for",
        "the end waits for the copies",
    ],
)
def test_the_played_device_shows_every_guard_that_is_missing(guard, make, monkeypatch):
    go_without(guard)(monkeypatch)
    wrong = 0
    for seed in SEEDS:
        for stop in (3, 11):
            try:
                found = steps(Played(make, seed, monkeypatch), stop=stop)
            except AssertionError:
                wrong += 1
            else:
                wrong += found != [n for n in range(stop + 1) for _ in range(2)]
    assert wrong > 0


@MAKERS
@pytest.mark.parametrize("depth", DEPTHS)
def test_pinned_and_device_memory_are_bounded_however_slow_the_device(depth, make, monkeypatch):
    backend = Played(make, 0, monkeypatch)
    monkeypatch.setattr(backend.played, "run_some", lambda: None)
    steps(backend, count=60, depth=depth)
    pinned = [len(kept) for (pool, size), kept in backend.played.free.items() if pool == "pinned" and size == 24]
    batches = [len(kept) for (pool, size), kept in backend.played.free.items() if pool != "pinned" and size == 24]
    assert pinned == [depth + 1]
    assert batches == [max(4, depth + 2)]  # those ahead, the one in use and the step's own; at the end four are taken


@MAKERS
def test_the_order_of_the_calls(make, monkeypatch):
    backend, log = Played(make, 0, monkeypatch), []
    device = backend.played
    uploader = backend.uploader(1)
    for stream, name in ((device.compute, "compute"), (uploader.copies, "copies")):
        stream.wait_event = lambda event, name=name: log.append(f"{name} waits")
        stream.ask = lambda work, name=name: log.append(f"{name}: {'event' if work.__name__ == 'reached' else 'copy'}")
    memmove = ctypes.memmove
    monkeypatch.setattr(OnDevice, "set", lambda self, host, stream: stream.ask(memmove))
    memmove.__name__ = "memmove"
    started = uploader.start([np.zeros(3), np.zeros((2, 2), np.uint8)], ["float32", "uint8"])
    assert log == ["compute: event", "copies waits", "copies: copy", "copies: copy", "copies: event"]
    log.clear()
    arrays = uploader.finish(started)
    assert log == ["compute waits"]
    assert [(a.shape, a.dtype.name) for a in arrays] == [((3,), "float32"), ((2, 2), "uint8")]


@pytest.mark.parametrize("name", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("came", ["float64", "float32", "float16"])
@pytest.mark.parametrize("order", [np.asarray, np.flip], ids=["forwards", "backwards"])
def test_torch_converts_as_without_prefetching(order, came, name, monkeypatch):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from miniflow_xp.backends.torch import adapter, copies

    class OnTheCpu:
        """PyTorch itself, without pinned memory and streams, which need a GPU."""

        cuda = SimpleNamespace(Stream=lambda device: None, stream=lambda stream: nullcontext())

        def __getattr__(self, name):
            return getattr(torch, name)

        def empty(self, shape, dtype, device, pin_memory=False):
            return torch.empty(shape, dtype=dtype)

    monkeypatch.setattr(copies, "torch", OnTheCpu())
    backend = adapter.TorchBackend()
    mine = copies.TorchCopies(backend, 2, "cpu")
    array = order(RNG.uniform(-9, 9, (700, 5)).astype(came))
    array[:3, 0] = np.inf, -0.0, 1e-7
    host = mine.pinned(array, name)
    target = mine.empty(host)
    mine.copy(host, target)
    assert target.dtype == getattr(torch, name)
    assert torch.equal(target.view(torch.uint8), backend.asarray(array, name).view(torch.uint8))


@MAKERS
def test_a_backend_on_a_gpu_has_an_uploader(make, monkeypatch):
    name = make.__name__.removesuffix("_copies")
    made = make(Device(0), NumpyBackend(), 2, monkeypatch)
    kind = getattr(import_module(f"miniflow_xp.backends.{name}.adapter"), f"{name.capitalize()}Backend")
    backend = kind.__new__(kind)
    monkeypatch.setattr(kind, "activate", lambda self: nullcontext())
    backend._device = SimpleNamespace(type="cuda")
    assert type(backend.uploader(3)) is type(made)
    assert backend.uploader(3)._most == 4


def test_jax_has_an_uploader_where_it_does_not_compute_on_the_cpu():
    pytest.importorskip("jax", reason="JAX is not installed")
    from miniflow_xp.backends.jax.adapter import JaxBackend

    backend = JaxBackend.__new__(JaxBackend)
    for platform, kind in (("cpu", type(None)), ("gpu", Uploader), ("tpu", Uploader)):
        backend._device = SimpleNamespace(platform=platform)
        assert type(backend.uploader(2)) is kind


def test_what_suits_a_library_whose_copies_are_asynchronous():
    uploader, source = Uploader(NumpyBackend()), np.arange(3.0)
    started = uploader.start([source], ["float32"])
    source[...] = 9
    (found,) = uploader.finish(started)
    uploader.close()
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, [0, 1, 2])


# -- the check on a GPU, as far as it goes without


def test_the_check_finds_an_uploader_that_hands_out_too_early(numpy_backend, monkeypatch):
    pytest.importorskip("cupy", reason="the checks import CuPy")
    from miniflow_xp.programs.verify import feeding
    from miniflow_xp.programs.verify.report import CheckError, Figures

    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 256, (64, 6), dtype=np.uint8), rng.standard_normal((64, 1), dtype=np.float32)
    monkeypatch.setattr(numpy_backend, "uploader", lambda depth: Late(numpy_backend))
    figures = Figures()
    feeding.compare_feeding(numpy_backend, "uint8", X, y, 16, figures, epochs=2)
    (times,) = figures.values()
    assert len(times) == 3
    monkeypatch.setattr(Late, "finish", lambda self, started: [np.zeros_like(a).astype(n) for a, n in started])
    with pytest.raises(CheckError, match="other costs than plain"):
        feeding.compare_feeding(numpy_backend, "uint8", X, y, 16, Figures(), epochs=2)
