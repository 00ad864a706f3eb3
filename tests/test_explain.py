"""miniflow-xp explain: the graph in a lesson's script, as it stands, told node by node."""

from pathlib import Path

import pytest

pytest_plugins = ["command_line"]  # the fixture cli
LESSON = """
import numpy as np
from miniflow_xp import *

X, y, W, b = Input(), Input(), Input(), Input()
f = Linear(X, W, b)
a = Sigmoid(f)
cost = MSE(y, a)
graph = topological_sort({
    X: np.array([[-1.0, -2.0], [-1.0, -2.0]]), y: np.array([1, 2]), W: np.array([[2.0], [3.0]]), b: np.array([-3.0])
})
trainables = [W, b]
forward_and_backward(graph)
"""
BUILD = """
from miniflow_xp import *

def build(batch=2):
    x, y = Input("x"), Input("y")
    return MSE(y, Tanh(x, name="t"), name="cost"), {x: [0.5] * batch, y: [1.0] * batch}
"""
WRONG = """
class Halved(Sigmoid):
    def backward(self):
        super().backward()
        self.gradients = {node: gradient / 2 for node, gradient in self.gradients.items()}
"""
BROKEN = """
class Broken(Node):
    def forward(self):
        self.value = self.inbound_nodes[0].value

    def backward(self):
        raise KeyError("planted")
"""


@pytest.fixture
def explain(cli):
    """Runs the command on a file with this text; returns exit code, output and messages."""

    def run(text, *options, name=""):
        Path("lesson.py").write_text(text, encoding="utf-8")
        return cli("explain", f"lesson.py{name}", *options)

    return run


def test_a_lessons_script_as_it_stands(explain):
    code, output, messages = explain(LESSON)
    assert (code, messages) == (0, "")
    assert "f = X @ W + b" in output  # called as the script calls them
    assert "a[0, 0] = 1 / (1 + exp(-(-11))) = 1.67e-05" in output
    assert output.index("forward") < output.index("backward") < output.index("∂W = Xᵀ @ ∂f")
    assert output.count("✓ Right: central differences agree.") == 7


def test_what_is_wrong_is_told_and_the_exit_code_is_1(explain):
    code, output, _ = explain(LESSON.replace("\nX, y", WRONG + "\nX, y", 1).replace("Sigmoid(f)", "Halved(f)"))
    assert code == 1
    assert "✗ Wrong." in output
    assert output.endswith("\n✗ Wrong in the backward pass: Halved a (step 6)\n")
    assert "∂f[0, 0] is -8.350431989e-06, and central differences give -1.67008" in output


def test_the_page_is_written(explain):
    code, output, _ = explain(LESSON, "-o", "lesson.html")
    assert code == 0
    assert output.endswith("Written to lesson.html\n")
    assert Path("lesson.html").read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (LESSON, ":graph"),
        (LESSON, ":cost"),
        (LESSON.replace("graph", "nodes"), ""),  # the only list that is a graph
        (
            LESSON.replace("graph = topo", "(lambda _: None)(topo").replace("})", "}))").replace("forward_and_b", "#"),
            "",
        ),
        ("if __name__ == '__main__':\n" + LESSON.replace("\n", "\n    "), ""),
        (LESSON + "import sys\nassert sys.argv == ['lesson.py']\n", ""),
        (BUILD, ""),
        (BUILD, ":build"),
        (BUILD + "cost, feed = build()\ngraph = topological_sort(feed)\n", ":graph"),
    ],
)
def test_the_graph_is_found(explain, text, name):
    code, output, messages = explain(text, name=name)
    assert (code, messages) == (0, "")
    assert "begins with  ∂cost  () float64  1" in output


def test_modules_beside_the_script_are_found(explain):
    Path("beside_the_lesson.py").write_text("rate = 1\n", encoding="utf-8")
    assert explain("import beside_the_lesson\n" + LESSON)[0] == 0


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        ("import nothing_of_this_name", "", "lesson.py raises ModuleNotFoundError: No module named"),
        ("raise SystemExit(3)", "", "lesson.py raises SystemExit: 3"),
        ("x = 1", "", "no name in it stands for one"),
        ("x = 1", ":x", "it is a int"),
        ("x = 1", ":y", "lesson.py has no 'y'"),
        (LESSON + "second = [*graph]\nfirst = graph\ndel graph\n", "", "it has several: second, first"),
        (BUILD.replace("return MSE", "raise ValueError('planted')\n    return MSE"), ":build", "ValueError: planted"),
        ("def build(): return 5", "", "called, it returns a int"),
        (BUILD.replace("x: [0.5] * batch, ", ""), "", "Input 'x': it has no value"),
        ("x = (1,\n", "", "lesson.py raises SyntaxError"),
        (
            BUILD.replace("Tanh(x, name", "Broken([x], name") + BROKEN,
            "",
            "its pass raises KeyError: 'planted' (at lesson.py:",
        ),
    ],
)
def test_mistakes_are_told(explain, text, name, said):
    code, output, messages = explain(text, name=name)
    assert code == 1
    assert output == ""
    assert said in messages
    assert messages.startswith("Error: ")
    assert "Traceback" not in messages


def test_a_file_that_is_not_there_is_told(cli):
    code, _, messages = cli("explain", "none.py")
    assert code == 1
    assert "there is no file none.py" in messages


@pytest.mark.parametrize("name", ["", ":graph"])
def test_the_lesson_is_not_overwritten(explain, name):
    code, _, messages = explain(LESSON, "-o", "lesson.py", name=name)
    assert code == 1
    assert "it would be overwritten" in messages
    assert Path("lesson.py").read_text(encoding="utf-8") == LESSON
