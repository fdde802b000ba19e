"""Builds the first two lessons: graphs and the forward pass, backward and the chain rule."""

from __future__ import annotations

from collections.abc import Callable

from engine import lessons
from engine.graph import Graph
from engine.lesson import Step
from tests.lecture.build_graphs import worked_example


def _taught(name: str, graph: Graph, steps: tuple[Step, ...], panels: tuple[str, ...]) -> Graph:
    graph.put("settings", "title", lessons.INFO[name].title)
    graph.put("settings", "about", lessons.INFO[name].about)
    graph.put("settings", "panels", panels)
    graph.put("settings", "lesson", steps)
    return graph


# ------------------------------------------------------------ graphs and the forward pass

BUILD, WATCH, LOOK = ("palette", "inspector"), ("trace_table",), ("inspector",)

GRAPHS = (
    Step(
        "read", "A formula as a picture",
        "A **computation graph** is a formula taken apart. Each **node** is one variable; each **wire** "
        "carries a value from the node that has it to a node that reads it.\n\n"
        "You will build the graph of\n"
        "$y = x^2 + x$\n"
        "with your own hands, and then let it compute.\n\n"
        "The empty field in the middle is the **canvas**. At its left, below this text, the panel "
        "**Operators** holds everything that a node can do. Press **Next**.",
        panels=BUILD,
    ),
    Step(
        "do", "The first node",
        "Every graph begins with something that is given.\n\n"
        "In the panel Operators, under Sources, **double-click x input**.",
        hints=("You can also drag **x input** onto the canvas and let go.",),
        explanation="A node called x. It is an **input**: its value is given, not computed. "
        "It stands at 0.",
        panels=BUILD, goal="node", settings={"operator": "input", "node": "x"},
    ),
    Step(
        "do", "Give it a value",
        "**Double-click the node x** on the canvas, type **2** and press Enter.",
        hints=("The field **set value** in the panel Inspector does the same.",),
        explanation="The panel Inspector, at the right, always tells more of the node that is selected.",
        panels=BUILD, goal="value", settings={"node": "x", "number": 2.0},
    ),
    Step(
        "do", "A node that computes",
        "$t = x^2$ is a node of its own.\n\n"
        "Under Arithmetic, **double-click x² square**. The new node is selected: press **F2**, type "
        "**t** and press Enter. That is its name.",
        hints=(
            "F2 renames the node that is selected: the one with the blue border. Click it first.",
            "One node too many? Click it and press Del. Ctrl+Z takes back the last thing you did.",
        ),
        explanation="t is **waiting**: the small circle at its left, its **port**, is empty, so it has "
        "nothing to square.",
        panels=BUILD, goal="node", settings={"operator": "square", "node": "t"},
    ),
    Step(
        "do", "A wire",
        "The circle at the right edge of x is its output. **Drag from there to t** and let go "
        "anywhere on t.",
        hints=("Press the mouse on the circle, keep it pressed, move onto t, let go.",),
        explanation="t reads x, so it has a value: $t = 2^2 = 4$. It is stored at the node. What stands "
        "beside **grad** comes in the next lesson.",
        panels=BUILD, goal="wire", settings={"source": "x", "target": "t"},
    ),
    Step(
        "do", "The node for the sum",
        "Now $y = t + x$. **Double-click + add** under Arithmetic, press **F2** and call it **y**.",
        hints=("Nodes can be dragged to where you like them. The wheel zooms, F shows everything.",),
        explanation="y has two ports, because a sum has two operands. Both are empty.",
        panels=BUILD, goal="node", settings={"operator": "add", "node": "y"},
    ),
    Step(
        "do", "Its first operand",
        "**Drag from the output of t to y.**",
        hints=("The output is the circle at the right edge of t.",),
        explanation="y still waits: a node is computed when **all** it reads is known.",
        panels=BUILD, goal="wire", settings={"source": "t", "target": "y"},
    ),
    Step(
        "do", "A value that is read twice",
        "The other operand is x itself. **Drag from the output of x to y.** Let go anywhere on y: the wire "
        "takes the port that is empty.",
        hints=("An output may feed as many nodes as you like: begin at the circle where the wire to t "
               "begins.",),
        explanation="The graph is whole, and y is known. x is read by two nodes; this is called a "
        "**fan-out**.",
        panels=BUILD, goal="wire", settings={"source": "x", "target": "y"},
    ),
    Step(
        "choose", "Which order?",
        "A computer visits one node after the other. In which order can it compute this graph?",
        explanation="Each node comes after everything it reads. Such an order is called "
        "**topological**. The wires alone decide; where the nodes stand does not matter.",
        panels=LOOK, choices=("y, then t, then x", "x, then t, then y", "x, then y, then t"),
        replies=(
            "y reads t and x: both of them have to be known before it.",
            "",
            "y reads t: it cannot be computed before t is known.",
        ),
        answer=1,
    ),
    Step(
        "do", "Another input",
        "A graph is a formula for every x, not for one. The pass stands at its start now: only x has a "
        "value.\n\n"
        "**Double-click x, type 3 and press Enter.**",
        explanation="t and y are not computed for this x yet. That is what the **forward pass** does, node "
        "by node.",
        panels=LOOK, at="start", goal="value", settings={"node": "x", "number": 3.0},
    ),
    Step(
        "do", "The forward pass, step by step",
        "Press **L** (one step on), or the arrow right of the blue button below the canvas, "
        "**once**. Watch the canvas, and the explanation under it.",
        hints=("If nothing happens, click an empty place of the canvas, then press L.",),
        explanation="The step in symbols, and the numbers under them: $t = x^2$, that is 9. J goes one "
        "step back, L one on.",
        panels=LOOK, at="start", goal="stepped", settings={"node": "t"},
    ),
    Step(
        "ask", "Predict the next one",
        "t is computed, y comes next:\n"
        "$y = t + x$\n"
        "Say what it will be before you see it. Read t and x off the nodes.",
        hints=("t is 9 and x is 3.",),
        explanation="The output is known, **as well as all nodes on the way**. The second pass, back "
        "from y, will need every one of them.",
        panels=LOOK, node="y",
    ),
    Step(
        "do", "And another one",
        "Now the whole pass at once: **double-click x, type -1 and press Enter.** Before you do it: what "
        "will y be?",
        hints=("$(-1)^2 + (-1)$ is 0.",),
        explanation="The forward pass ran anew. The panel Trace, at the right, keeps its lines: the forward "
        "pass in the left column, what comes in the next lesson in the right one.",
        panels=WATCH, goal="value", settings={"node": "x", "number": -1.0},
    ),
    Step(
        "choose", "A circle?",
        "Try it: drag from the output of **y** back to **t**. What happens?",
        hints=("The circle at the right edge of y is its output.",),
        explanation="t would depend on y, and y depends on t: there is no order to compute them in. A "
        "computation graph is **directed** and has **no circle** (a DAG).",
        panels=WATCH,
        choices=("t and y count up without end", "The wire from x to t is replaced",
                 "It is refused, and a sentence says why"),
        replies=(
            "A pass visits each node once, so nothing could count up.",
            "The wire from x to t is still there after you let go.",
            "",
        ),
        answer=2,
    ),
    Step(
        "do", "The short way",
        "Nodes can be typed, too. Click the field at the top of the window (or press **Ctrl+E**), type "
        "**J = cos(y)** and press Enter.",
        hints=("A formula may read any node by its name.",),
        explanation="A node J that reads y, just as if you had built it by hand. This is how most graphs "
        "are made: from a formula, or from ready layers.\n\nNext: **Backward and the chain rule**.",
        panels=BUILD, goal="formula", settings={"formula": "cos(x^2 + x)"},
    ),
)  # fmt: skip


def graphs() -> Graph:
    """An empty canvas: the student builds everything."""
    return _taught("graphs", Graph(), GRAPHS, ("lesson", *BUILD))


# ------------------------------------------------------------ backward and the chain rule

BACKWARD = (
    Step(
        "read", "How does J depend on x?",
        "This is the graph of\n"
        "$J = \\cos(\\sin(x^2) + 3x^2)$\n"
        "at x = 1. The forward pass is done: every node has its value.\n\n"
        "We want $\\frac{dJ}{dx}$: how fast J changes when x does. The **chain rule** takes it apart "
        "along the wires. Where any node b reads a node a,\n"
        "$\\frac{\\partial J}{\\partial a} = \\frac{\\partial J}{\\partial b} \\cdot "
        "\\frac{\\partial b}{\\partial a}$\n"
        "The first factor comes from behind, the second is b's own **local derivative**. So we go "
        "backwards, from J to x.",
        at="forward",
    ),
    Step(
        "do", "Where it begins",
        "At first all gradients are 0; the nodes show a dash beside **grad**.\n\n"
        "Press **L** once.",
        hints=("If nothing happens, click an empty place of the canvas, then press L.",),
        explanation="$\\frac{\\partial J}{\\partial J} = 1$: J changes as fast as itself. From "
        "here, numbers travel along the wires towards x.",
        at="forward", goal="stepped", settings={"node": "J", "of": "gradient"},
    ),
    Step(
        "choose", "One node back",
        "J reads u: $J = \\cos(u)$. Which local derivative belongs at the dots?\n"
        "$\\frac{\\partial J}{\\partial u} = \\frac{\\partial J}{\\partial J} \\cdot \\ldots$",
        explanation="The derivative of the cosine is minus the sine, taken **at the value of u that the "
        "forward pass stored**. This is why every value was kept.",
        hints=("What is the derivative of the cosine?", "It is taken at what J reads."),
        choices=("$\\sin(u)$", "$-\\sin(u)$", "$-\\sin(J)$"),
        replies=(
            "The sign is missing: the cosine falls where the sine is above 0.",
            "",
            "The right function at the wrong place: it is taken at what J reads, not at J.",
        ),
        answer=1, node="u", of="gradient",
    ),
    Step(
        "do", "See it done",
        "Press **L** once more, and read the line below the canvas: symbols above, numbers below.",
        hints=("If nothing happens, click an empty place of the canvas, then press L.",),
        explanation="$1 \\cdot (-\\sin(3.841)) = 0.6441$. The term travelled back along the wire from J "
        "to u.",
        goal="stepped", settings={"node": "u", "of": "gradient"},
    ),
    Step(
        "choose", "The local derivatives of a sum",
        "u is a sum: $u = u_1 + u_2$. What are $\\frac{\\partial u}{\\partial u_1}$ and "
        "$\\frac{\\partial u}{\\partial u_2}$?",
        explanation="If one operand grows by a little, the sum grows by as much. A sum hands its "
        "gradient on unchanged.",
        choices=("$u_2$ and $u_1$", "1 and 1", "$\\frac{1}{2}$ and $\\frac{1}{2}$"),
        replies=(
            "These are the derivatives of the product $u_1 \\cdot u_2$.",
            "",
            "These are the derivatives of the mean $\\frac{1}{2}(u_1 + u_2)$.",
        ),
        answer=1, node="u1", of="gradient",
    ),
    Step(
        "ask", "Through the sum",
        "So what is\n"
        "$\\frac{\\partial J}{\\partial u_1} = \\frac{\\partial J}{\\partial u} \\cdot "
        "\\frac{\\partial u}{\\partial u_1}$\n"
        "Four digits are enough.",
        hints=("The second factor is 1: read the gradient at u off its node.",),
        explanation="$u_2$ gets the same in the next step.",
        node="u1", of="gradient",
    ),
    Step(
        "ask", "Two ways to one node",
        "Two nodes read t: $u_1 = \\sin(t)$ and $u_2 = 3t$. When t changes, J changes along **both** "
        "ways, and the two effects add up:\n"
        "$\\frac{\\partial J}{\\partial t} = \\frac{\\partial J}{\\partial u_1} \\cdot \\cos(t) + "
        "\\frac{\\partial J}{\\partial u_2} \\cdot 3$\n"
        "All four numbers are at hand: t is 1, and $\\frac{\\partial J}{\\partial u_2}$ is as large as "
        "$\\frac{\\partial J}{\\partial u_1}$. The answer may be a formula, such as 0.2*cos(1) + 0.5.",
        hints=("Both gradients are 0.6441.", "Type 0.6441*cos(1) + 0.6441*3"),
        explanation="Two steps made this sum: press **J** and **L** to see the terms come one by one.",
        node="t", of="gradient",
    ),
    Step(
        "ask", "The last step",
        "$t = x^2$ has the local derivative $2x$. What is\n"
        "$\\frac{dJ}{dx} = \\frac{\\partial J}{\\partial t} \\cdot 2x$",
        hints=("x is 1, so the local derivative is 2.",),
        explanation="At x = 1, J grows 4.561 times as fast as x. This is what the lecture computes by "
        "hand, in the same order.",
        node="x", of="gradient",
    ),
    Step(
        "choose", "Why += ?",
        "The panel Trace, at the right, keeps the whole pass. It writes\n"
        "$\\frac{\\partial J}{\\partial t} \\mathrel{+}= \\ldots$\n"
        "twice. Why not =, as in the forward column?",
        explanation="Each wire that leaves t brings a term. They are added up one after another, "
        "beginning at 0, and t passes its gradient on only when the last one has come.",
        choices=("It is the same; += is only a habit", "The second term would replace the first one",
                 "Gradients are always positive"),
        replies=(
            "With = another number would come out: read the two lines for t once more.",
            "",
            "They need not be: at x = 0.5 all but the first are below 0.",
        ),
        answer=1, panels=WATCH,
    ),
    Step(
        "do", "A gradient that vanishes",
        "A gradient is a product along the wires. If one factor is 0, nothing gets through.\n\n"
        "Find an x at which $\\frac{dJ}{dx}$ is 0: **double-click x** and type a number.",
        hints=("One of the factors is $2x$.", "Type 0."),
        explanation="At x = 0 the local derivative $2x$ is 0, whatever comes from behind. Here nothing "
        "even comes: u is 0, too, so J hands on $1 \\cdot (-\\sin(0)) = 0$. One such factor is enough.",
        panels=WATCH, goal="value", settings={"node": "x", "of": "gradient", "number": 0.0},
    ),
    Step(
        "do", "Another point",
        "The pass stands at the end of the forward part again: values, and no gradients yet. "
        "Give x the value **0.5**.",
        hints=("Double-click x, type 0.5 and press Enter.",),
        explanation="All values were computed anew, and so will be the gradients.",
        panels=LOOK, at="forward", goal="value", settings={"node": "x", "number": 0.5},
    ),
    Step(
        "ask", "On your own",
        "At x = 0.5, what is $\\frac{\\partial J}{\\partial t}$ now?\n\n"
        "The values are on the nodes; the gradients come as far as $u_1$ and $u_2$.",
        hints=("It is a sum of two terms, one for each node that reads t.",
               "The local derivatives are $\\cos(t)$ and 3, and t is 0.25."),
        explanation="Wrong answers are the most instructive here: the program says which factor went "
        "wrong.",
        node="t", of="gradient",
    ),
    Step(
        "choose", "What did it cost?",
        "A network may have a million inputs. How often does one backward pass visit each node to get "
        "the gradients at **all** of them?",
        explanation="Once, in reverse topological order. All gradients together cost about as much as a few "
        "forward passes; this is why deep networks can be trained.",
        choices=("Once for each input", "Once for each way from J to it", "Once"),
        replies=(
            "That would be a pass for each input, but one pass serves them all.",
            "What comes along all ways to a node is added up before the node is visited.",
            "",
        ),
        answer=2,
        panels=WATCH,
    ),
    Step(
        "do", "The derivative is a graph, too",
        "Click the node **J** and press **Shift+D** (Explain › Differentiate). Then press **F** to see all.",
        hints=("J has to be selected: its border is blue.",),
        explanation="The backward pass became nodes. Its last one, $\\frac{\\partial J}{\\partial x}$, has "
        "the same number as the gradient at x. It can be stepped and differentiated again: that is "
        "automatic differentiation, to any order.",
        panels=WATCH, goal="derived", settings={"of": "J", "by": "x"},
    ),
)  # fmt: skip


def backward() -> Graph:
    """The lecture's example at x = 1."""
    return _taught("backward", worked_example(), BACKWARD, ("lesson",))


LESSONS: dict[str, Callable[[], Graph]] = {"graphs": graphs, "backward": backward}
"""Both lessons by their names."""
