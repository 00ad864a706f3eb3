"""What is published: the wheel and the sdist, what is in them, what is said of them, and that they work alone."""

import email
import os
import re
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import pytest
from conftest import HANGS

import miniflow_xp

pytest.importorskip("hatchling.build", reason="it builds the archives: pip install hatchling")
ROOT = Path(__file__).resolve().parent.parent
VERSION = miniflow_xp.__version__
BUILD = "import sys, hatchling.build as backend; print(getattr(backend, 'build_' + sys.argv[1])(sys.argv[2]))"


def built(kind, source, folder):
    """The archive that the build backend makes of a source tree; kind: wheel or sdist."""
    done = subprocess.run(
        [sys.executable, "-c", BUILD, kind, folder], cwd=source, capture_output=True, text=True, timeout=HANGS
    )
    assert done.returncode == 0, done.stderr
    return folder / done.stdout.splitlines()[-1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return built("wheel", ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def sdist(tmp_path_factory):
    return built("sdist", ROOT, tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def told(wheel):
    """The wheel's metadata."""
    with zipfile.ZipFile(wheel) as archive:
        return email.message_from_bytes(archive.read(f"miniflow_xp-{VERSION}.dist-info/METADATA"))


def kept_files():
    """What is under version control, or would be: no caches, no results of a run; links stand for what they lead to."""
    if not (shutil.which("git") and (ROOT / ".git").exists()):
        pytest.skip("this is no checkout, or git is missing")
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return {name for name in listed.stdout.splitlines() if (ROOT / name).is_file() and not (ROOT / name).is_symlink()}


def contents(wheel):
    """{file name: checksum}"""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        assert len(names) == len(set(names))
        return {entry.filename: entry.CRC for entry in archive.infolist()}


def test_the_wheel_holds_the_package_and_what_is_said_of_it(wheel):
    about = (
        "METADATA",
        "RECORD",
        "WHEEL",
        "entry_points.txt",
        "licenses/LICENSE",
        "licenses/miniflow_xp/data/SOURCES.md",
    )
    package = {name for name in kept_files() if name.startswith("miniflow_xp/")}
    assert "miniflow_xp/py.typed" in package
    assert set(contents(wheel)) == package | {f"miniflow_xp-{VERSION}.dist-info/{name}" for name in about}


def test_the_sdist_holds_the_repository(sdist):
    with tarfile.open(sdist) as archive:
        files = [member for member in archive.getmembers() if not member.isdir()]
    assert [member.name for member in files if not member.isfile()] == []
    names = [member.name.removeprefix(f"miniflow_xp-{VERSION}/") for member in files]
    assert sorted(names) == sorted(kept_files() | {"PKG-INFO"})


def test_the_sdist_builds_the_same_wheel(sdist, wheel, tmp_path):
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    assert contents(built("wheel", tmp_path / f"miniflow_xp-{VERSION}", tmp_path)) == contents(wheel)


def test_the_wheel_is_for_every_machine_and_brings_one_command(wheel):
    assert wheel.name == f"miniflow_xp-{VERSION}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        entries = archive.read(f"miniflow_xp-{VERSION}.dist-info/entry_points.txt").decode()
    assert entries.split() == ["[console_scripts]", "miniflow-xp", "=", "miniflow_xp.__main__:main"]


def test_metadata_name_versions_licences_and_few_requirements(told):
    assert (told["Name"], told["Version"], told["Requires-Python"]) == ("miniflow_xp", VERSION, ">=3.11")
    assert told["License-Expression"] == "MIT AND CC-BY-4.0"
    assert told.get_all("License-File") == ["LICENSE", "miniflow_xp/data/SOURCES.md"]
    required = [text for text in told.get_all("Requires-Dist") if "extra ==" not in text]
    assert required == ["array-api-compat>=1.11", "numpy>=2.0"]
    assert told["Description-Content-Type"] == "text/markdown"
    assert told.get_payload().startswith("# miniflow_xp\n")


def test_every_python_that_is_named_is_tried(told):
    named = [text.rpartition(" ")[2] for text in told.get_all("Classifier") if re.search(r"Python :: 3\.\d", text)]
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    tried = re.findall(r"^ +python: \[(.*)\]$", workflow, re.MULTILINE)
    assert named == ["3.11", "3.12", "3.13", "3.14"]
    assert tried == [", ".join(f'"{version}"' for version in named)] * len(tried) != []


def test_changelog_and_citation_tell_of_this_version():
    """The newest head of the changelog; until its release it says "unreleased", and there is no date to cite."""
    heads = re.findall(r"^## \[(.+)\] - (.+)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    cited = dict(re.findall(r"^([a-z-]+): (\S+)$", (ROOT / "CITATION.cff").read_text(encoding="utf-8"), re.MULTILINE))
    version, day = heads[0]
    assert (version, cited["version"]) == (VERSION, VERSION)
    assert day == cited.get("date-released", "unreleased")
    assert re.fullmatch(r"unreleased|\d{4}-\d\d-\d\d", day)


def test_the_forms_for_issues_are_forms():
    """Each has a name, a description, and fields of kinds that GitHub knows, each with an id and a label of its own."""
    yaml = pytest.importorskip("yaml", reason="it reads the forms: pip install pyyaml")
    forms = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
    read = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in forms}
    assert sorted(read.pop("config")) == ["blank_issues_enabled", "contact_links"]
    assert list(read) == ["bug", "question", "slow", "wrong-gradient"]
    for form in read.values():
        assert {"name", "description", "labels", "body"} == set(form)
        fields = [field for field in form["body"] if field["type"] != "markdown"]
        assert {field["type"] for field in fields} <= {"checkboxes", "dropdown", "input", "textarea"}
        for said in (lambda field: field["id"], lambda field: field["attributes"]["label"]):
            assert len({said(field) for field in fields}) == len(fields) > 0


def test_the_workflow_runs_what_is_run_here():
    yaml = pytest.importorskip("yaml", reason="it reads the workflow: pip install pyyaml")
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))["jobs"]
    lines = {name: [step["run"] for step in job["steps"] if "run" in step] for name, job in jobs.items()}
    assert lines["suite"] == ["bash .ci/run"]
    assert "python -m build" in lines["wheel"][0]
    assert "tests/smoke.py" in lines["wheel"][1]


def test_extras_name_each_package_once(told):
    """A package that several extras bring has one lower bound, but for SciPy, whose rules need a later one."""
    bounds = {}
    for text in told.get_all("Requires-Dist"):
        name, bound = re.match(r"([\w-]+)([^;]*)", text).groups()
        bounds.setdefault(name, set()).add(bound.strip())
    assert {name: sorted(found) for name, found in bounds.items() if len(found) > 1} == {"scipy": [">=1.11", ">=1.13"]}


@pytest.fixture(scope="module")
def alone(wheel, told, tmp_path_factory):
    """The Python of an environment that holds the wheel and what it requires, and nothing else."""
    if not find_spec("pip"):
        pytest.skip("it installs the wheel: python -m ensurepip")
    folder = tmp_path_factory.mktemp("alone")
    venv.create(folder, with_pip=False)
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    install = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-index", "--no-deps"]
    subprocess.run([*install, "--no-compile", wheel], check=True, capture_output=True, timeout=HANGS)
    where = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    site = Path(subprocess.run(where, check=True, capture_output=True, text=True).stdout.strip())
    for text in told.get_all("Requires-Dist"):
        if "extra ==" not in text:
            link(metadata.distribution(re.match(r"[\w-]+", text)[0]), site)
    return python


def link(distribution, site):
    """Link what a distribution has installed here into another environment."""
    tops = {path.parts[0] for path in distribution.files} - {"..", "__pycache__"}
    for top in tops:
        (site / top).symlink_to(distribution.locate_file(top), target_is_directory=True)


@pytest.mark.skipif(sys.platform == "win32", reason="links to the dependencies need a right there that few have")
def test_the_wheel_works_with_nothing_but_its_dependencies(alone, tmp_path):
    usual = {name: value for name, value in os.environ.items() if not name.startswith(("MINIFLOW_", "PYTHON"))}
    done = subprocess.run(
        [alone, ROOT / "tests" / "smoke.py"], cwd=tmp_path, env=usual, capture_output=True, text=True, timeout=HANGS
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert "FAILED" not in done.stdout
    assert not list(tmp_path.iterdir())
