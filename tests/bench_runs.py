"""Made-up runs of the benchmark in the form of its JSON, for tests of what is built from it. Nothing here was measured.

A step costs overhead + work / throughput; every backend has its own two numbers, so that crossovers are known.
"""

import math
import random

from miniflow_xp.programs.bench.record import Record

HOST = {"numpy:cpu": (8e-6, 6e10), "torch:cpu": (6e-5, 1.4e11), "jax:cpu": (2.5e-5, 0.9e11)}
GPU = {"cupy:0": (1.1e-4, 8e12)}
BUS = 1.2e10  # bytes per second to the made-up GPU
SIZES = (16, 64, 256, 1024, 4096, 16384)
NODES = ("Linear", "MatMul", "Sigmoid", "ReLU", "Tanh", "Softmax", "MSE", "CrossEntropy")


def run(backends=(*HOST, *GPU), rounds=16, noise=0.03, seed=0, sizes=SIZES, nodes=NODES):
    """A whole run; with no GPU among the backends, cupy is listed as unusable."""
    make = Maker(seed, rounds, noise, {**HOST, **GPU}, backends)
    gpu = "cupy:0" in backends
    return {
        "format": "miniflow_xp bench",
        "version": 1,
        "created": "2026-11-24T00:40:00+00:00",
        "command": "miniflow-xp bench --full -o run.json",
        "mode": "full",
        "budget_s": 900.0,
        "seconds": 612.4,
        "seed": seed,
        "complete": True,
        "environment": environment(gpu),
        "backends": descriptions(backends),
        "ceilings": {
            b: {"float32": {"flops_per_s": 1.3 * make.speeds[b][1], "bytes_per_s": 3e12 if b in GPU else 9e10}}
            for b in backends
        },
        "control": [make.control(b) for b in backends],
        "planted": [make.planted(backends[0])] if backends else [],
        "cells": [
            *make.steps(sizes),
            *make.nodes(sizes, nodes),
            *make.transfers(),
            *make.captures(sizes),
            *make.memory(sizes),
            *make.peers(sizes),
        ],
    }


NEEDED = {"backends": {}, "cells": [], "environment": {}}
CELL = {"family": "", "series": "", "case": "", "axes": {}, "axis": "", "backend": "numpy:cpu", "contestant": "ours"}
CELL |= {"dtype": "float32", "residence": None, "state": "measured", "samples": []}


def record(raw):
    """The record of such JSON, through the door, after what a file always has was filled in."""
    cells = [{**CELL, "rounds": list(range(len(cell.get("samples", [])))), **cell} for cell in raw.get("cells", [])]
    about = {name: {"describe": "", **one} for name, one in raw.get("backends", {}).items()}
    return Record.from_json({**NEEDED, **raw, "cells": cells, "backends": about})


def environment(gpu):
    device = {"name": "Made-up GPU", "driver": "999.1", "memory_bytes": 80 * 2**30} if gpu else None
    return {
        "machine": {
            "cpu": "Made-up CPU",
            "cores": 8,
            "platform": "Linux-x86_64",
            "python": "3.11.9",
            "memory_bytes": 32 * 2**30,
            "gpu": device,
            "blas": [{"library": "openblas", "version": "0.3.29", "kernel": "SkylakeX", "threads": 8}],
            "forced_kernel": None,
            "packages": {"numpy": "2.4.6", "torch": "2.13.0", "jax": "0.10.2", "miniflow_xp": "0.3.0"},
            "threads": {"torch": 8},
        },
        "before": {"load": [0.1, 0.2, 0.3], "gpu": {"clock_mhz": 1980, "temperature_c": 41} if gpu else None},
        "after": {"load": [3.1, 1.2, 0.6], "gpu": {"clock_mhz": 1965, "temperature_c": 58} if gpu else None},
    }


def descriptions(backends):
    known = {b: {"describe": f"{b.partition(':')[0]}, made up", "usable": True} for b in backends}
    missing = {"describe": "cupy: the driver is not installed", "usable": False}
    return known if "cupy:0" in backends else {**known, "cupy:0": missing}


class Maker:
    """Draws the samples; a drift and a part of the noise are shared by all cells of one round."""

    def __init__(self, seed, rounds, noise, speeds, backends):
        self.random = random.Random(seed)
        self.noise, self.speeds, self.backends = noise, speeds, tuple(backends)
        self.shared = [1 + 0.1 * k / max(rounds, 1) + self.random.gauss(0, noise) for k in range(rounds)]

    def draw(self, seconds):
        return [seconds * s * math.exp(self.random.gauss(0, self.noise / 3)) for s in self.shared]

    def control(self, backend):
        return {"backend": backend, "case": "step n=64", "a": self.draw(1e-4), "b": self.draw(1e-4)}

    def planted(self, backend):
        plain, slowed = self.draw(1e-4), self.draw(1.05e-4)
        return {"backend": backend, "case": "step n=64", "slowdown": 0.05, "plain": plain, "slowed": slowed}

    def cell(self, family, series, axes, axis, backend, seconds, **more):
        device = backend in GPU
        samples = self.draw(seconds)
        return {
            "family": family,
            "series": series,
            "case": " ".join(f"{name}={number}" for name, number in axes.items()),
            "axes": axes,
            "axis": axis,
            "backend": backend,
            "contestant": "ours",
            "dtype": "float32",
            "residence": "resident",
            "cache": "hot",
            "kind": "latency",
            "state": "measured",
            "why": "",
            "samples": samples,
            "rounds": list(range(len(samples))),
            "calls": 12,
            "host_s": self.draw(min(seconds, self.speeds[backend][0])) if device else None,
            "first_call_s": None,
            "capture_s": None,
            "warmup_calls": 20,
            "stable": True,
            "flops": None,
            "bytes": None,
            "peak_bytes": None,
            "error": 2e-7 if backend != "numpy:cpu" else 0.0,
            "note": "",
            **more,
        }

    def skip(self, cell, state, why):
        return {**cell, "state": state, "why": why, "samples": [], "rounds": [], "host_s": None, "peak_bytes": None}

    def step(self, batch, width, series, axis, backend, residence="resident"):
        flops = 6.0 * batch * width * width * 2
        moved = 4.0 * (batch * width * 4 + width * width * 4)
        overhead, speed = self.speeds[backend]
        seconds = overhead + flops / speed
        if residence == "streamed" and backend in GPU:
            seconds += 2e-5 + 4.0 * batch * width / BUS
        first = {"numpy:cpu": 2e-3, "torch:cpu": 9e-3, "jax:cpu": 0.18, "cupy:0": 1.4}[backend]
        more = {"flops": flops, "bytes": moved, "first_call_s": first, "capture_s": first / 2, "residence": residence}
        cell = self.cell("step", series, {"batch": batch, "width": width, "depth": 2}, axis, backend, seconds, **more)
        if backend == "jax:cpu" and batch * width >= 16384 * 256:
            return self.skip(cell, "skipped", "the budget was spent")
        return cell

    def steps(self, sizes):
        for backend in self.backends:
            for width in (32, 128, 512):
                for batch in sizes:
                    yield self.step(batch, width, f"training step, width {width}", "batch", backend)
            for batch in sizes:
                yield self.step(batch, 128, "training step, width 128", "batch", backend, "streamed")
            for width in (16, 64, 256, 1024):
                yield self.step(256, width, "training step, batch 256", "width", backend)

    def nodes(self, sizes, nodes):
        for place, node in enumerate(nodes):
            for way, factor in (("forward", 1.0), ("backward", 2.1)):
                for backend in self.backends:
                    overhead, speed = self.speeds[backend]
                    for n in sizes:
                        work = factor * n * (2 * 128 * 128 if place < 2 else 128 * 20)
                        cell = self.cell(
                            "node", f"{node} {way}", {"n": n}, "n", backend, overhead / 4 + work / speed, flops=work
                        )
                        failed = backend == "torch:cpu" and node == "Softmax" and n == sizes[-1]
                        yield self.skip(cell, "failed", "out of memory") if failed else cell

    def transfers(self):
        for backend in set(self.backends) & set(GPU):
            for residence, bus in (("host→device", BUS), ("device→host", 0.9 * BUS)):
                for size in (2**k for k in range(12, 27, 2)):
                    more = {"residence": residence, "bytes": float(size)}
                    yield self.cell("transfer", "copy", {"bytes": size}, "bytes", backend, 1.2e-5 + size / bus, **more)

    def captures(self, sizes):
        for backend in self.backends:
            overhead, speed = self.speeds[backend]
            for batch in sizes[:4]:
                flops = 6.0 * batch * 128 * 128 * 2
                for contestant, factor in (("captured", 1.0), ("plain loop", 2.6)):
                    seconds = factor * overhead + flops / speed
                    axes, name = {"batch": batch}, "captured step and plain loop"
                    yield self.cell("capture", name, axes, "batch", backend, seconds, contestant=contestant)

    def memory(self, sizes):
        for backend in self.backends:
            for batch in sizes:
                peak = int(4 * (batch * 128 * 4 + 128 * 128 * 4) * (1.5 if backend in GPU else 1.0))
                axes = {"batch": batch, "width": 128}
                cell = self.cell("memory", "peak of a step", axes, "batch", backend, 1e-3, peak_bytes=peak)
                yield {**cell, "samples": [], "rounds": [], "host_s": None}

    def peers(self, sizes):
        contestants = {"ours": 1.0, "torch autograd": 1.7, "jax jit": 1.02, "products": 0.6}
        for contestant, factor in contestants.items():
            for batch in sizes[:5]:
                seconds = factor * (2e-5 + 6.0 * batch * 64 * 64 * 2 / 1e11)
                backend = {"torch autograd": "torch:cpu", "jax jit": "jax:cpu"}.get(contestant, "numpy:cpu")
                axes = {"batch": batch, "width": 64}
                yield self.cell(
                    "peers", "digits network", axes, "batch", backend, seconds, contestant=contestant, first_call_s=0.01
                )
