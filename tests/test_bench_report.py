"""The report: one small offline page from JSON alone, whatever the JSON lacks; what it says is what the run has."""

import base64
import copy
import gzip
import itertools
import json
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import bench_runs
import pytest
from contrast import contrast, mixed

from miniflow_xp.errors import PackageMissingError, SettingError
from miniflow_xp.programs.bench import report
from miniflow_xp.programs.bench.findings.choices import choices
from miniflow_xp.programs.bench.findings.outcome import winner
from miniflow_xp.programs.bench.findings.run import Contest, Run
from miniflow_xp.programs.bench.findings.sentences import lead, sentences
from miniflow_xp.programs.bench.record import Record
from miniflow_xp.programs.bench.report import bars, charts, machine, tables
from miniflow_xp.programs.bench.schema import WrongError

LIMIT = 500_000  # bytes: what the page may weigh
CPU = ("numpy:cpu", "torch:cpu", "jax:cpu")


class Outline(HTMLParser):
    """Headings, ids, links, elements and whether every element is closed in order."""

    VOID = ("meta", "link", "br", "hr", "img", "input")

    def __init__(self):
        super().__init__()
        self.open, self.levels, self.ids, self.links, self.counts, self.faults = [], [], [], [], {}, []

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.counts[tag] = self.counts.get(tag, 0) + 1
        self.ids += [found["id"]] if "id" in found else []
        self.links += [found[k] for k in ("href", "src") if k in found]
        if re.fullmatch("h[1-6]", tag):
            self.levels.append(int(tag[1]))
        if tag == "th" and "scope" not in found:
            self.faults.append("a header without scope")
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"{tag} closes out of order")


def outline(html):
    found = Outline()
    found.feed(html)
    assert not found.faults
    assert not found.open
    return found


def build(runs, names):
    return report.build([bench_runs.record(run) for run in runs], names)


def figures(runs):
    return report.figures([bench_runs.record(run) for run in runs])


def said_of(run):
    return sentences(bench_runs.record(run))


@pytest.fixture(scope="module")
def run():
    return bench_runs.run()


@pytest.fixture(scope="module")
def html(run):
    return build([run], ["run.json"])


def test_whole_page_is_small_and_has_every_section_in_order(html):
    assert len(html.encode()) < LIMIT
    order = ["decisions", "speedup", "heatmap", "times", "breakdown", "transfer", "breakeven", "nodes"]
    order += ["roofline", "memory", "first", "peers", "missing", "machine", "data"]
    assert [i.removeprefix("r0-") for i in outline(html).ids if i != "r0-trust"] == order
    assert "Not measured here" not in html


def test_nothing_is_fetched(html):
    links = outline(html).links
    assert links
    assert all(link.startswith(("#", "data:")) for link in links)
    assert not re.search(r"https?://|@import|url\(", html)


def test_nothing_waits_for_the_script(html):
    before_script = html[: html.index("<script>")]
    assert "<details" not in before_script
    assert not re.search(r"<[^>]* hidden[\s>=]|display: *none", before_script[before_script.index("<body") :])


def test_headings_descend_by_one(html, run):
    for page in (html, build([run, run], ["a.json", "b.json"])):
        levels = outline(page).levels
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(b <= a + 1 for a, b in itertools.pairwise(levels))


def test_ids_are_unique_with_several_runs(run):
    found = outline(build([run, run], ["a.json", "b.json"]))
    assert len(set(found.ids)) == len(found.ids)
    assert {link[1:] for link in found.links if link.startswith("#")} <= set(found.ids)


def test_every_figure_has_a_title_and_a_description(html):
    plots = re.findall(r'<svg [^>]*class="plot".*?</svg>', html)
    assert len(plots) > 20
    assert all(p.index("<title>") < p.index("<desc>") for p in plots)


def test_rebuilt_from_its_own_data(html, run):
    packed = re.search(r"data:application/gzip;base64,([^\"]+)", html)[1]
    kept = json.loads(gzip.decompress(base64.b64decode(packed)))
    assert kept == json.loads(json.dumps(run))
    assert build([kept], ["run.json"]) == html


def test_large_run_stays_below_the_limit_and_says_what_was_rounded():
    large = bench_runs.run(rounds=60)
    page = build([large], ["run.json"])
    assert len(page.encode()) < LIMIT
    assert "rounded to five digits" in page or "too large" in page


def test_crossover_is_the_one_that_was_put_in(run):
    # width 32: numpy takes 8 µs + batch · 0.205 µs, the made-up GPU 110 µs + batch · 1.5 ns: equal at batch 502
    lead = next(s for s in said_of(run) if s.startswith("cupy:0 against numpy:cpu: training step, width 32"))
    assert "between 256 and 1,024" in lead
    assert "16 pairs, floor" in lead
    assert "as long" in lead  # the loss at the small end is told, too


def test_no_gpu_is_said():
    said = " ".join(said_of(bench_runs.run(backends=CPU)))
    assert "cupy:0 was not measured: cupy: the driver is not installed. No GPU was measured" in said
    assert "No GPU" not in " ".join(said_of(bench_runs.run()))


def test_one_backend_against_itself_is_a_tie():
    twin = bench_runs.run(backends=("numpy:cpu",), nodes=())
    for cell in list(twin["cells"]):
        twin["cells"].append({**cell, "backend": "twin:cpu"})
    said = [s for s in said_of(twin) if s.startswith("twin:cpu against numpy:cpu")]
    assert said
    assert "a tie at every size measured" in said[0]
    assert "wins" not in said[0]


def test_what_the_noise_hides_is_neither_a_win_nor_a_tie():
    noisy = bench_runs.run(backends=("numpy:cpu",), nodes=(), rounds=8)
    for cell in list(noisy["cells"]):
        spread = [s * f for s, f in zip(cell["samples"], (0.6, 1.7, 0.7, 1.5) * 2, strict=False)]
        noisy["cells"].append({**cell, "backend": "noisy:cpu", "samples": spread})
    page = build([noisy], ["run.json"])
    chips = re.findall(r'class="chip [^"]*"><b>batch 64</b> (?:<svg.*?</svg>)?([^<]*)', page)
    assert chips
    assert all(chip.startswith("unclear: ") for chip in chips)


def test_slower_everywhere_is_said_as_a_loss():
    slow = bench_runs.run(backends=("numpy:cpu",), nodes=())
    for cell in list(slow["cells"]):
        slow["cells"].append({**cell, "backend": "slow:cpu", "samples": [2 * s for s in cell["samples"]]})
    said = next(s for s in said_of(slow) if s.startswith("slow:cpu against numpy:cpu"))
    assert "slower at every size measured" in said
    assert "it takes 2.00× (2.00–2.00) as long" in said


def test_a_part_of_the_machine_is_said():
    part = bench_runs.run(nodes=())
    assert not any("cores" in s for s in said_of(part))
    part["environment"]["machine"]["usable_cores"] = 2
    assert "The run used 2 of 8 cores: with all of them, other sizes may win." in said_of(part)


def grade(page):
    return re.search(r'badge (\w+)">', page)[1]


def quiet(run):
    return copy.deepcopy(run)


def test_quiet_run_is_good(run):
    assert grade(build([run], ["r"])) == "good"


@pytest.mark.parametrize(
    ("spoil", "expected", "reason"),
    [
        (lambda r: r.update(control=[]), "fair", "no A/A control"),
        (lambda r: r["control"][0].update(b=[1.3 * t for t in r["control"][0]["a"]]), "poor", "noise floor 30"),
        (lambda r: r["environment"]["before"].update(load=[7.0, 1, 1]), "poor", "load of the machine 7"),
        (lambda r: r["environment"]["machine"].update(forced_kernel="Haswell"), "fair", "kernel Haswell"),
        (lambda r: r["environment"]["machine"].update(usable_cores=2), "fair", "it used 2 of 8 cores"),
        (lambda r: r["environment"]["after"].update(gpu={"clock_mhz": 900}), "fair", "clock fell from 1980 to 900"),
        (lambda r: r.update(complete=False), "fair", "the clock ran out"),
        (lambda r: r["planted"][0].update(slowed=r["planted"][0]["plain"]), "poor", "was not found"),
        (
            lambda r: r["planted"].append({**r["planted"][0], "slowed": r["planted"][0]["plain"]}),
            "fair",
            "was not found",  # but another one was
        ),
        (lambda r: r["cells"][0].update(samples=[1e-9] * 16), "poor", "faster than the machine"),
        (lambda r: [c.update(stable=False) for c in r["cells"]], "poor", "had not settled"),
        (
            lambda r: [c["samples"].__setitem__(0, 101 * max(c["samples"])) for c in r["cells"] if c["samples"]],
            "poor",
            "had not settled after the warm-up, or jumped by 100×",
        ),
    ],
)
def test_what_spoils_the_trust_is_told(run, spoil, expected, reason):
    spoiled = quiet(run)
    spoil(spoiled)
    page = build([spoiled], ["r"])
    assert grade(page) == expected
    assert reason in page.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(("busy", "said"), [(0.1, True), (1.0, False)])
def test_a_busy_core_is_no_clock_that_was_stopped_too_early(run, busy, said):
    spoiled = quiet(run)
    spoiled["cells"][0].update(samples=[1e-9] * 16)
    spoiled["environment"]["before"]["busy_cores"] = busy
    first = said_of(spoiled)[0]
    assert ("the clock was stopped before the work was done" in first) == said
    assert ("1 cell is faster than the peaks that were measured while others took their part" in first) != said


def test_what_would_mend_the_trust_is_told_once_and_not_where_it_was_done(run):
    spoiled = quiet(run)
    spoiled["control"][0].update(b=[1.3 * t for t in spoiled["control"][0]["a"]])
    spoiled["environment"]["before"]["busy_cores"] = 7.0
    idle = "run it while nothing else runs on the machine"
    assert said_of(spoiled)[1].count(idle) == 1
    assert "--cores 1" in said_of(spoiled)[1]
    spoiled["environment"]["machine"]["usable_cores"] = 1
    assert said_of(spoiled)[1] == f"To trust it more: {idle}."


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"cells": []},
        {"cells": [{}]},
        {"cells": [{"samples": [1e-3], "rounds": [7]}, {"state": "failed", "samples": [1e-3]}]},
        {"cells": [{"family": "step", "axes": {"n": 1e15}, "axis": "n", "samples": [1e-3]}]},
        {"cells": [{"family": "step", "axes": {}, "axis": "n", "samples": [1e-3]}]},
        {"control": [{"backend": "", "case": "", "a": [1.0], "b": []}]},
        {"planted": [{"backend": "", "case": "", "plain": [], "slowed": []}]},
        {"ceilings": {"numpy:cpu": {"float32": {"flops_per_s": 0, "bytes_per_s": None}}, "x": {}}},
        {"environment": {"before": {"load": []}, "machine": {"cores": 0, "blas": [], "gpu": "none"}}},
    ],
)
def test_what_is_missing_breaks_nothing(raw):
    page = build([raw], ["run.json"])
    outline(page)
    assert "Not measured here" in page
    assert "nan" not in page.lower().replace("nano", "")
    figures([raw])
    said_of(raw)


@pytest.mark.parametrize(
    ("raw", "key"),
    [
        ({"cells": None}, "cells"),
        ({"backends": None}, "backends"),
        ({"environment": None}, "environment"),
        ({"control": None}, "control"),
        ({"ceilings": None}, "ceilings"),
        ({"cells": ["no cell"]}, "cells[0]"),
        ({"cells": [{**bench_runs.CELL, "samples": [float("nan")], "rounds": [0]}]}, "cells[0].samples[0]"),
        ({"cells": [{**bench_runs.CELL, "samples": [1e-3, 0], "rounds": [0, 1]}]}, "cells[0].samples[1]"),
        ({"cells": [{**bench_runs.CELL, "samples": [1e-3], "rounds": [0, 1]}]}, "cells[0].rounds"),
        ({"cells": [{**bench_runs.CELL, "rounds": [], "axes": {"n": float("inf")}}]}, "cells[0].axes.n"),
        ({"control": [{}]}, "control[0].backend"),
        ({"control": [7]}, "control[0]"),
        ({"planted": [{"backend": "", "case": "", "plain": [0], "slowed": [0]}]}, "planted[0].plain[0]"),
        (
            {"ceilings": {"numpy:cpu": {"float32": {"bytes_per_s": float("nan")}}}},
            "ceilings.numpy:cpu.float32.bytes_per_s",
        ),
        ({"ceilings": {"x": 3}}, "ceilings.x"),
        ({"environment": {"machine": {"blas": {}}}}, "environment.machine.blas"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_spoiled_is_refused_by_its_key(raw, key):
    with pytest.raises(WrongError) as caught:
        Record.from_json({**bench_runs.NEEDED, **raw})
    assert caught.value.key == key


def refused(raw):
    """The key by which it is refused; None where a page can be made of it."""
    try:
        record = Record.from_json(raw)
    except WrongError as wrong:
        return wrong.key
    outline(report.build([record], ["run.json"]))
    return None


@pytest.mark.parametrize("key", list(bench_runs.run(backends=CPU, sizes=(16,), nodes=("Linear",))["cells"][0]))
def test_any_key_of_the_cells_that_not_every_file_has_may_be_missing_or_null(key):
    some = bench_runs.run(backends=CPU[:2], sizes=(16, 64), nodes=("Linear",))
    missing = [{k: v for k, v in c.items() if k != key} for c in some["cells"]]
    null = [{**c, key: None} for c in some["cells"]]
    needed = {*bench_runs.CELL, "rounds"}
    no_null = {*needed - {"residence"}, "cache", "kind", "why", "note"}
    for cells, keys in ((missing, needed), (null, no_null)):
        assert refused({**some, "cells": cells}) == (f"cells[0].{key}" if key in keys else None)


@pytest.mark.parametrize("key", list(bench_runs.run(backends=CPU, sizes=(16,))))
def test_any_key_of_the_run_that_not_every_file_has_may_be_missing(key):
    some = bench_runs.run(backends=CPU[:2], sizes=(16, 64), nodes=("Linear",))
    found = refused({k: v for k, v in some.items() if k != key})
    assert found == (key if key in bench_runs.NEEDED else None)


def test_single_backend_and_single_size():
    for some in (bench_runs.run(backends=("numpy:cpu",)), bench_runs.run(sizes=(64,)), bench_runs.run(rounds=1)):
        outline(build([some], ["run.json"]))


def test_everything_skipped():
    some = bench_runs.run(backends=CPU, sizes=(16, 64))
    for cell in some["cells"]:
        cell.update(state="skipped", why="the budget was spent", samples=[], rounds=[])
    page = build([some], ["run.json"])
    assert "nothing was measured" in page
    assert "the budget was spent" in page


def test_samples_of_a_failed_cell_do_not_count(run):
    failed = quiet(run)
    for cell in failed["cells"]:
        if cell["backend"] == "cupy:0":
            cell.update(state="failed", why="its results differ")
    assert not any(s.startswith("cupy:0 against numpy:cpu") for s in said_of(failed))


def test_pairs_are_of_one_round(run):
    shifted = quiet(run)
    for cell in shifted["cells"]:
        if cell["backend"] == "cupy:0":
            cell["rounds"] = [r + 1000 for r in cell["rounds"]]
    assert not any(s.startswith("cupy:0 against numpy:cpu") for s in said_of(shifted))


HOSTILE = '</script><script>alert("x")</script><img src=x onerror=alert(1)>&amp;]]>\x00\u2028"\''


def test_hostile_and_huge_texts_are_only_text(run):
    hostile = quiet(run)
    for cell in hostile["cells"]:
        for key in ("series", "case", "backend", "contestant", "dtype", "axis", "why", "note"):
            cell[key] = HOSTILE + "x" * 3000
    hostile["command"] = hostile["created"] = hostile["mode"] = HOSTILE
    hostile["backends"] = {HOSTILE: {"describe": HOSTILE, "usable": False}}
    hostile["environment"]["machine"]["cpu"] = HOSTILE
    page = build([hostile], [HOSTILE])
    found = outline(page)
    assert found.counts["script"] == 1
    assert "img" not in found.counts
    assert len(page.encode()) < LIMIT
    for svg in figures([hostile]).values():
        ElementTree.fromstring(svg)


def test_figures_stand_alone(run):
    found = figures([run])
    kinds = {name.split("-")[0] for name in found}
    assert {"speedup", "times", "transfer", "memory", "winner", "roofline", "breakdown"} <= kinds
    for name, svg in found.items():
        assert re.fullmatch(r"[a-z0-9-]+", name)
        assert "var(" not in svg
        root = ElementTree.fromstring(svg)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert all(name.startswith(("1-", "2-")) for name in figures([run, run]))


def test_written_with_figures(tmp_path):
    pytest.importorskip("resvg_py", reason="turns SVG into PNG; the extra 'report'")
    some = bench_runs.run(backends=CPU[:2], sizes=(16, 64), nodes=("Linear",))
    report.write([bench_runs.record(some)], ["run.json"], tmp_path / "r.html", tmp_path / "figures")
    assert (tmp_path / "r.html").read_text(encoding="utf-8") == build([some], ["run.json"])
    svgs, pngs = (sorted(p.stem for p in (tmp_path / "figures").glob(f"*.{end}")) for end in ("svg", "png"))
    assert svgs == pngs == sorted(figures([some]))
    assert all(p.read_bytes().startswith(b"\x89PNG") for p in (tmp_path / "figures").glob("*.png"))


def test_missing_package_is_our_error_and_the_page_is_there(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(PackageMissingError, match=r"miniflow_xp\[report\]"):
        report.write([bench_runs.record(bench_runs.run())], ["run.json"], tmp_path / "r.html", tmp_path / "figures")
    assert (tmp_path / "r.html").exists()


def test_unwritable_places_are_our_errors(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingError):
        report.write([bench_runs.record({})], ["r"], tmp_path / "missing" / "r.html")
    with pytest.raises(SettingError):
        report.write([bench_runs.record({})], ["r"], tmp_path / "r.html", tmp_path / "file" / "figures")


def test_as_many_names_as_runs():
    with pytest.raises(ValueError, match="shorter"):
        build([{}, {}], ["one"])


def peers_of(*cells):
    """A run of peers, each (contestant, backend, seconds)."""
    make = bench_runs.Maker(0, 12, 0.01, {}, ("numpy:cpu", "torch:cpu"))
    axes = {"n": 8}
    made = [make.cell("peers", "a step", axes, "n", b, s, contestant=c) for c, b, s in cells]
    backends = {b: {} for _, b, _ in cells}
    return Run(bench_runs.record({"cells": made, "backends": backends, "control": [make.control("numpy:cpu")]}))


def test_peers_are_compared_with_ours_on_their_own_backend():
    run = peers_of(("ours", "numpy:cpu", 1e-3), ("ours", "torch:cpu", 2e-3), ("autograd", "torch:cpu", 4e-3))
    (series,) = run.of("peers")
    assert run.rival(series, "autograd (torch:cpu)") == "ours (torch:cpu)"
    (said,) = (s for s in sentences(run.record) if "autograd" in s)
    assert said.startswith("ours (torch:cpu): against autograd (torch:cpu), 1 case: 1 win; 2.0× (")


def test_a_part_of_the_work_wins_nothing():
    run = peers_of(("products", "numpy:cpu", 1e-4), ("ours", "numpy:cpu", 1e-3), ("lesson", "numpy:cpu", 2e-3))
    (series,) = run.of("peers")
    assert winner(run, series.cases[0]).labels == ["ours (numpy:cpu)"]
    assert not any("products" in sentence for sentence in sentences(run.record))


@pytest.mark.parametrize(("device_s", "host", "device"), [(None, 2e-4, 8e-4), (3e-4, 7e-4, 3e-4), (2e-3, 0.0, 1e-3)])
def test_the_devices_own_clock_goes_before_the_hosts(device_s, host, device):
    make = bench_runs.Maker(0, 8, 0.0, {"cupy:0": (2e-4, 1.0)}, ("cupy:0",))
    make.shared = [1.0] * 8
    cell = make.cell("step", "training", {"batch": 8}, "batch", "cupy:0", 1e-3, device_s=device_s)
    ((_, _, (split,)),) = bars.breakdowns(Run(bench_runs.record({"cells": [cell]})))
    assert (split.host, split.device) == pytest.approx((host, device), abs=1e-9)


def test_what_is_paid_once_holds_start_and_upload():
    make = bench_runs.Maker(0, 8, 0.0, {}, ("numpy:cpu", "torch:cpu"))
    make.shared = [1.0] * 8
    made = [
        make.cell("step", "training", {"batch": 8}, "batch", b, s, first_call_s=s + first, upload_s=upload)
        for b, s, first, upload in (("numpy:cpu", 2e-3, 0.0, 0.0), ("torch:cpu", 1e-3, 0.5, 0.25))
    ]
    backends = {"numpy:cpu": {"start_s": 0.05}, "torch:cpu": {"start_s": 1.3}}
    run = Run(bench_runs.record({"cells": made, "backends": backends, "control": [make.control("numpy:cpu")]}))
    (series,) = run.of("step")
    row = tables.payback_row(run, series, series.cases[0], "torch:cpu", "numpy:cpu")
    assert row[-1].value == pytest.approx((1.3 - 0.05 + 0.5 + 0.25) / 1e-3)


def test_the_terminal_is_told_what_was_left_out_and_what_speaks_against_the_run():
    raw = bench_runs.run(backends=CPU)
    said = said_of(raw)
    assert any(s.startswith("Skipped, the budget was spent: training step, width 512 on jax:cpu") for s in said)
    assert said[0] == "Trust: good."
    assert not any("relied" in s for s in said)
    forced = copy.deepcopy(raw)
    forced["environment"]["machine"]["forced_kernel"] = "Haswell"
    first, mend, *others = said_of(forced)
    assert first == "Trust: fair: the environment forces the BLAS kernel Haswell."
    assert mend == "To trust it more: unset OPENBLAS_CORETYPE."
    assert {s.removeprefix("Not to be relied on: ") for s in others} == set(said[1:])
    verdicts = [s for s in others if " against " in s or " use " in s]
    assert verdicts
    assert all(s.startswith("Not to be relied on: ") for s in verdicts)
    page = build([forced], ["r"])
    assert "To trust it more: unset OPENBLAS_CORETYPE." in page
    assert "Not to be relied on: Verdict" in page
    assert "Not to be relied on" not in build([raw], ["r"])


def test_what_the_terminal_is_told_needs_neither_page_nor_figures():
    program = (
        "import sys, miniflow_xp.programs.cli; page = 'miniflow_xp.programs.bench.report'; "
        "sys.exit(' '.join(name for name in sys.modules if name.startswith(page)) or None)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.strip()) == (0, "")


def advised(way):
    """The cells of a user's graph, used in one way."""
    make = bench_runs.Maker(0, 12, 0.01, {}, ("numpy:cpu", "torch:cpu"))
    for b, fixed, growing in (("numpy:cpu", 1e-5, 1e-6), ("torch:cpu", 1e-4, 1e-7)):
        for n in (1, 64, 4096):
            axes, more = {"batch": n}, {"first_call_s": 0.1, "residence": way}
            yield make.cell("user", "model.py:build", axes, "batch", b, fixed + growing * n, **more)


def test_each_way_to_use_a_graph_has_its_sentence_and_a_single_step_breaks_nothing_even():
    cells = [cell for way in ("resident", "streamed", "once") for cell in advised(way)]
    raw = {"cells": cells, "backends": {"numpy:cpu": {}, "torch:cpu": {}}}
    said = [s for s in said_of(raw) if "torch:cpu against numpy:cpu: " in s]
    assert [s.split(": ")[2].rpartition(", ")[2] for s in said] == ["resident", "streamed", "once"]
    assert all("from a batch between 64 and 4,096 on" in s for s in said)
    page = build([raw], ["advice.json"])
    for section in ("breakeven", "first"):
        (found,) = re.findall(rf'<section id="r0-{section}">(.*?)</section>', page)
        assert "build, streamed" in found
        assert "build, once" not in found


@pytest.mark.parametrize(("busy", "said"), [(0.1, "Trust: good."), (6.0, "others kept 6 of 8 cores busy")])
def test_the_cores_that_others_use_go_before_the_load_of_the_last_minute(busy, said):
    raw = copy.deepcopy(bench_runs.run(backends=CPU))
    raw["environment"]["before"] = {"load": [7.9, 1.0, 1.0], "busy_cores": busy}
    assert said in said_of(raw)[0]
    del raw["environment"]["before"]["busy_cores"]
    assert "load of the machine 7.9 before" in said_of(raw)[0]


def test_what_others_do_after_the_run_counts_as_what_they_did_before():
    raw = copy.deepcopy(bench_runs.run(backends=CPU))
    raw["environment"]["before"]["busy_cores"], raw["environment"]["after"]["busy_cores"] = 0.0, 7.0
    assert said_of(raw)[0] == "Trust: poor: others kept 7 of 8 cores busy after the run."


def test_peers_of_one_backend_stand_together():
    run = peers_of(
        ("ours", "numpy:cpu", 1e-3),
        ("ours", "torch:cpu", 2e-3),
        ("autograd", "torch:cpu", 4e-3),
        ("lesson", "numpy:cpu", 4e-3),
        ("torch.optim", "torch:cpu", 4e-3),
    )
    subjects = [s.partition(": against")[0] for s in sentences(run.record) if ": against" in s]
    assert subjects == sorted(subjects)


def test_what_to_use_for_which_size_stands_first(run):
    trust, first, *_ = said_of(run)
    assert trust == "Trust: good."
    assert first == "training step, width 32: up to batch = 256 use numpy:cpu, from 1,024 on use cupy:0."
    page = build([run], ["r"])
    assert page.index(f"<li>{first}</li>") < page.index("<h2>Verdict")
    assert "<li>A training step is one of a network batch × width → width … → 1" in page
    own = report.build([made_up(a=[1], b=[2]).record], ["r"])
    assert "<li>A training step is one of your own graph, as model.py:build builds it.</li>" in own


def made_up(**seconds):
    """A run of one series: {backend: seconds a step at batch 1, 4, 16 …; None where it was not measured}."""
    make = bench_runs.Maker(0, 12, 0.01, {}, tuple(seconds))
    make.shared = [1.0] * 12
    cells = [
        make.cell("user", "model.py:build", {"batch": 4**k}, "batch", b, one)
        for b, own in seconds.items()
        for k, one in enumerate(own)
        if one is not None
    ]
    return Run(bench_runs.record({"cells": cells, "backends": {b: {} for b in seconds}}))


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        ({"a": [1, 1, 1], "b": [2, 2, 2]}, "for batch = 1 to 16 use a"),
        ({"a": [1], "b": [2]}, "for batch = 1 use a"),
        ({"a": [1, 1, 1], "b": [2, 1, 0.5]}, "up to batch = 4 use a, from 16 on use b"),  # a tie in between
        ({"a": [1, 1, 1, 1], "b": [2, 2, 0.5, 2]}, "up to batch = 4 use a, for 16 use b, from 64 on use a"),
        ({"a": [1] * 4, "b": [2, 0.5, 0.5, 2]}, "up to batch = 1 use a, for 4 to 16 use b, from 64 on use a"),
        ({"a": [1, 1, 1], "b": [2, None, 0.5]}, "up to batch = 1 use a, from 16 on use b"),
        ({"a": [1, 1, 1], "b": [2, 2, None]}, "for batch = 1 to 4 use a"),
        ({"a": [1, 1], "b": [1, 1], "c": [2, 2]}, "for batch = 1 to 4 use a or b, which were not told apart"),
    ],
)
def test_as_few_backends_as_will_do_are_named(seconds, said):
    (line,) = choices(made_up(**seconds))
    assert line == f"model.py:build: {said}."


def test_of_a_single_backend_there_is_no_choice():
    assert choices(made_up(a=[1, 1])) == []


def bands(svg):
    """The x of each band of a figure."""
    return [
        [float(x) for x in re.findall(r"[ML]([\d.]+) ", d)]
        for d in re.findall(r'<path class="a [^"]*" d="([^"]*)"', svg)
    ]


def test_where_there_is_no_interval_no_band_is_drawn():
    whole = made_up(a=[1e-3] * 4, b=[2e-3] * 4)
    for few, count in (((), 8), ((3,), 6), ((0, 3), 4), ((1, 3), 4 + 4), ((0, 1, 2, 3), 0)):
        cells = [
            replace(c, samples=c.samples[:3], rounds=[0, 1, 2]) if c.axes["batch"] in [4**k for k in few] else c
            for c in whole.record.cells
        ]
        run = Run(replace(whole.record, cells=cells))
        drawn = bands(charts.speedup(run, run.series[0]))
        assert sum(map(len, drawn)) == count
    assert "a marker without one had too few pairs" in report.build([run.record], ["r"])


def test_a_line_of_speedups_runs_between_the_ends_of_its_band():
    """Every round differs: the estimate is then strictly inside of its interval."""
    run = Run(bench_runs.record(bench_runs.run()))
    series = next(s for s in run.of("step") if s.axis == "batch")
    pairs = [(c, run.compare(c.cells["torch:cpu"], c.cells[run.reference])) for c in series.cases]
    for case, compared in pairs:
        _, low, middle, high, _ = charts.speedup_point(case.name, case.size, compared)
        ratio = compared.speedup
        assert (low, middle, high) == (ratio.low, ratio.estimate, ratio.high)
        assert low < middle < high


def test_a_table_that_is_wider_than_the_screen_shows_where_it_goes_on(html):
    style = html[html.index("<style>") : html.index("</style>")]
    (rule,) = re.findall(r"\n\.scroll \{(.*?)\}", style, re.DOTALL)
    shadows = re.findall(r"var\(--(\w+)\).*? (local|scroll)[,;]", rule)
    assert shadows == [("paper", "local"), ("paper", "local"), ("shade", "scroll"), ("shade", "scroll")]
    colours = [dict(re.findall(r"--(paper|shade): #(\w+);", part)) for part in style.split("@media screen")[:2]]
    for one in colours:  # light and dark
        paper, shade, part = f"#{one['paper']}", f"#{one['shade'][:6]}", int(one["shade"][6:], 16) / 255
        assert contrast(paper, mixed(paper, shade, part)) > 1.5
    assert not re.search(r"\n(td|th|thead th|table|tr|\.chip)\b[^{]*\{[^}]*background", style)  # over the shadows
    assert html.count('class="scroll"') == html.count('<b class="more" aria-hidden="true">scroll →</b>') > 5


def test_page_and_terminal_say_what_was_trained_and_how_it_was_used():
    run = bench_runs.run()
    own = {"cells": [cell for way in ("resident", "streamed", "once") for cell in advised(way)]}
    one = {"cells": list(advised("once"))}  # no title tells the use, then
    for raw, network, uses in (
        (run, "A training step is one of a network", "Resident: data on the device; streamed: data from the host at"),
        (own, "A training step is one of your own graph", "every step; once: a single step from host to host, capture"),
        (one, "A training step is one of your own graph, as model.py:build builds it", ""),
    ):
        (told,) = [s for s in lead(Run(bench_runs.record(raw))) if s.startswith(network)]
        assert uses in told
        assert ("data on the device" in told) is bool(uses)
        assert f"<li>{told}</li>" in build([raw], ["r"])
        record = bench_runs.record(raw)
        first = lead(Run(record))
        assert sentences(record)[: len(first)] == first


def test_a_section_in_which_nothing_was_measured_is_told_as_missing():
    spent = {"state": "skipped", "why": "the budget was spent", "samples": [], "rounds": [], "peak_bytes": None}
    raw = bench_runs.run(backends=CPU)
    page = build([{**raw, "cells": [{**cell, **spent} for cell in raw["cells"]]}], ["r"])
    shown = re.findall(r'<section id="r0-(\w+)">', page)
    assert shown == ["missing", "machine", "data"]
    (absent,) = re.findall("Not measured here: (.*?)<", page)
    assert "winners over two axes" in absent
    assert "peers" in absent


def test_figures_that_are_left_out_come_with_the_command_that_writes_them(html):
    words = "4 further figures: miniflow-xp report run.json --figures FOLDER writes all of them."
    assert words in re.sub("<[^>]*>", "", html)


def test_an_option_stays_on_one_line_of_the_page(run):
    spoiled = quiet(run)
    spoiled["control"][0].update(b=[1.3 * t for t in spoiled["control"][0]["a"]])
    page = build([spoiled], ["r"])
    assert '<span class="option">--cores 1</span>, where runs repeat themselves best' in page
    assert re.search(r"\n\.option \{ white-space: nowrap; \}", page)


def test_facts_of_the_machine_have_units():
    gpu = {"name": "G", "memory.total": "81559", "clocks.max.sm": "1980"}
    state = {"load": [0.5, 0.25, 1.0], "busy_cores": 2.0, "gpu": {"clocks.sm": "345", "temperature.gpu": "41"}}
    run = Run(
        bench_runs.record({"environment": {"machine": {"memory_bytes": 32 * 10**9, "gpu": gpu}, "before": state}})
    )
    assert dict(machine.facts(run)) == {
        "memory": "32.0\N{NO-BREAK SPACE}GB",
        "gpu": "name G, memory.total 81559 MiB, clocks.max.sm 1980 MHz",
        "load before": "0.5, 0.25, 1 over 1, 5 and 15 minutes",
        "busy cores before": "2",
        "gpu before": "clocks.sm 345 MHz, temperature.gpu 41 °C",
    }


def test_no_two_lines_of_a_figure_look_the_same():
    """More peers than there are colours."""
    (peers,) = Run(bench_runs.record(bench_runs.run())).of("peers")
    for count in (2, 6, 7, 11):
        cells = dict.fromkeys(f"peer {k}" for k in range(count))
        looks = charts.styles(Run(bench_runs.record({})), peers._replace(cases=[Contest("n=1", 1.0, cells)]))
        assert len({(look.colour, look.hollow) for look in looks.values()}) == count
