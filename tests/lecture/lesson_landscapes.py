"""Builds the lessons on nonconvexity, on why SGD works and on vanishing gradients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from engine import edits
from engine.compose import compose
from engine.graph import Graph, Source
from engine.lesson import Step
from engine.lessons import INFO
from tests.lecture.build_landscapes import DEPTH, layer
from tests.lecture.build_networks import document, laid_out

NONCONVEX = (
    Step(
        "read", "Bowls and hills",
        "A function is **convex** when the straight line between any two points of its graph lies nowhere "
        "below the graph: it is a bowl, and whoever walks down a bowl arrives at its lowest point.\n\n"
        "Losses of neural networks are not bowls. Here you see why, and what it does to gradient descent.",
        at="start",
    ),
    Step(
        "ask", "A bowl of a bowl",
        "$t^2 - 1$ is convex, and so is $q^2$. The frame below puts one into the other: "
        "$g = (t^2 - 1)^2$. At $t = -1$ and at $t = 1$ it is 0.\n\nWhat is $g$ between them, at $t = 0$?",
        node="g",
        hints=("$q = 0^2 - 1 = -1$.", "$g = q^2$"),
        explanation="The line between the two lowest points runs at height 0, and the graph rises "
        "**above** it. "
        "So $g$ is not convex: **a composition of convex functions need not be convex**, and a network "
        "is a long composition.",
    ),
    Step(
        "choose", "Could we do without?",
        "Could one use only networks whose output is a convex function of their input?",
        choices=(
            "Yes, convex functions can approximate everything",
            "No: a convex function cannot come near a function with two valleys",
            "Yes, if the network has enough layers",
        ),
        replies=(
            "Try to draw a convex function that follows two valleys and the hill between them.",
            "",
            "More layers do not help as long as the output stays a convex function of the input.",
        ),
        answer=1,
        hints=("Think of $g$: two valleys with a hill between.",),
        explanation="Nothing convex follows the hill between two valleys. What is to approximate any "
        "function "
        "has to be able to bend both ways.",
    ),
    Step(
        "ask", "The simplest saddle",
        "Two numbers multiplied are enough: $z = xy$. On the canvas $x = 0.5$ and $y = 0.2$; **a** and **b** "
        "only cut them off at $\\pm 1$, so that the ground is a square.\n\n"
        "What is $\\frac{\\partial z}{\\partial x}$?",
        node="x", of="gradient",
        hints=("With $y$ held, $z$ is a straight line in $x$.", "Its slope is $y$."),
        explanation="$\\frac{\\partial z}{\\partial x} = y$, and $\\frac{\\partial z}{\\partial y} = x$. "
        "At $(0, 0)$ both are 0, though it is no valley: along one diagonal $z$ rises, "
        "along the other it falls. That is a **saddle**.",
    ),
    Step(
        "choose", "Where will it go?",
        "Descent does $x \\leftarrow x - \\eta\\, y$ and $y \\leftarrow y - \\eta\\, x$. So $x - y$ "
        "grows a little "
        "with each step: it is multiplied by $1 + \\eta$. And $x + y$ shrinks.\n\n"
        "In which corner of the square does it end from $(0.5, 0.2)$?",
        choices=("$(1, 1)$", "$(-1, 1)$", "$(1, -1)$"),
        replies=(
            "There $x - y$ is 0, but it is 0.3 at the start and grows.",
            "There $x - y$ is below 0, but it is 0.3 at the start and grows.",
            "",
        ),
        answer=2,
        hints=("$x - y = 0.3$ is above 0 and keeps its sign.",),
        explanation="$x - y$ is above 0 and grows, $x + y$ goes to 0: $x$ goes up and $y$ goes down.",
    ),
    Step(
        "do", "Watch it",
        "Press **Train** and watch the **Loss surface**: the way begins at the ring and bends away from the "
        "saddle. Go on until $z$ is below $-0.99$.",
        hints=("Train is the blue button in the panel Training.",),
        explanation="At $(1, -1)$ the ground is $-1$, as low as it gets; the corner $(-1, 1)$ is as low. "
        "From the other side of the diagonal descent would have ended there.",
        goal="measured", settings={"measure": "loss", "part": "train", "relation": "<", "number": -0.99},
        panels=("training", "surface"),
    ),
    Step(
        "do", "Ten starts",
        "Open the panel **Compare**, press **Random restarts** and then **Start**. Ten descents begin at "
        "other places; their ways are drawn on the surface.",
        hints=("Compare is in the menu View › Panels.", "Random restarts is also in Train › Compare."),
        explanation="The race shows $z$ along each way. All fall, if late: near the diagonal the slope "
        "is almost 0 "
        "for a long time.",
        goal="panel", settings={"panel": "compare"}, panels=("surface",),
    ),
    Step(
        "choose", "How many ends?",
        "In how many different corners can ways end that do not begin on the diagonal $x = y$?",
        choices=("1", "2", "4"),
        replies=(
            "Begin on the other side of the diagonal: the way ends in another corner.",
            "",
            "In two of the four corners $x - y$ is 0, but off the diagonal it only grows.",
        ),
        answer=1,
        explanation="Two: the start decides which. **Descent finds the nearest valley, not the "
        "deepest.** The "
        "lecture says it upside down: it climbs to the top of the nearest hill, which may not be the "
        "top of the mountain.\n\nGo on with the example **Many hills and valleys**: there the valleys "
        "differ in depth.",
    ),
)  # fmt: skip


def nonconvexity() -> Graph:
    """The saddle on a square at a place with round numbers, and a composition of two convex functions."""
    graph = compose(
        "q = t^2 - 1\ng = q^2\na = clip(x, low=-1, high=1)\nb = clip(y, low=-1, high=1)\nz = a * b",
        {"t": 0.0, "x": 0.5, "y": 0.2},
    )
    for axis in "xy":
        node = graph.nodes[str(graph.id_of(axis))]
        options = {"shape": (), "init": "uniform", "scale": 0.5, "trainable": True}
        graph.put("nodes", node.id, replace(node, op="parameter", options=options))
    edits.set_recipe(graph, loss=graph.id_of("z"), learning_rate=0.05, epochs=150).apply(graph)
    squared = next(n for n in map(graph.name, graph.nodes) if n not in set("txyqgabz"))
    grid = {
        "x": (0, 0), "y": (0, 1), "a": (1, 0), "b": (1, 1), "z": (2, 0.5),
        "t": (0, 3), squared: (1, 3), "q": (2, 3), "g": (3, 3),
    }  # fmt: skip
    graph.put("settings", "title", INFO["nonconvexity"].title)
    graph.put("settings", "about", INFO["nonconvexity"].about)
    graph.put("settings", "panels", ("lesson",))
    frames = (
        ("A saddle: z = x·y on a square", "blue", ("x", "y", "a", "b", "z")),
        ("Convex, put into convex", "yellow", ("t", squared, "q", "g")),
    )
    laid_out(graph, frames, "", grid)
    graph.put("settings", "lesson", NONCONVEX)
    return graph


SGD = (
    Step(
        "read", "Why does it work at all?",
        "The loss of a network is not convex, and stochastic gradient descent looks at a few rows only: "
        "$\\theta^{t+1} = \\theta^t - \\eta_t \\nabla \\ell(f_\\theta(x_i), y_i)$. Nobody promises that it "
        "ends well. Yet it mostly does. First two steps by hand, then a network.",
        at="start",
    ),
    Step(
        "ask", "The slope",
        "In the frame at the top, $J = w^2$ and $w = 2$.\n\nWhat is $\\frac{\\partial J}{\\partial w}$?",
        node="w", of="gradient",
        hints=("The derivative of $w^2$ is $2w$.",),
        explanation="The gradient is 4. Descent goes against it.",
    ),
    Step(
        "choose", "One step",
        "With the learning rate $\\eta = 0.1$, where is $w$ after one step $w \\leftarrow w - \\eta "
        "\\cdot 2w$?",
        choices=("1.96", "1.6", "2.4"),
        replies=(
            "This is a step of 0.04, as with $\\eta = 0.01$.",
            "",
            "This goes uphill: the step is subtracted.",
        ),
        answer=1,
        hints=("$2 - 0.1 \\cdot 4$",),
        explanation="Each step multiplies $w$ by $1 - 2\\eta = 0.8$: it shrinks and shrinks.",
    ),
    Step(
        "choose", "Too long a step",
        "And with $\\eta = 1.1$?",
        choices=(
            "It arrives in fewer steps", "It swings from side to side and away from 0",
            "It stays where it is",
        ),
        replies=(
            "The first step goes from 2 to $2 - 1.1 \\cdot 4 = -2.4$, which is farther from 0.",
            "",
            "It stays only where the gradient is 0, and at 2 it is 4.",
        ),
        answer=1,
        hints=("By what number is $w$ multiplied now?",),
        explanation="$1 - 2 \\cdot 1.1 = -1.2$: each step goes past the valley, and farther than before. "
        "The learning rate is the setting that matters most; Adam and its like adapt it for each parameter.",
    ),
    Step(
        "choose", "A few rows at a time",
        "The network below learns from 50 points, **10 at a time**. The gradient of 10 points drawn at "
        "random is",
        choices=(
            "exactly the gradient of all 50", "right on average, and noisy",
            "the same as the gradient of the points left out",
        ),
        replies=(
            "Ten others give another gradient, so it cannot be exactly that.",
            "",
            "The points left out are not looked at in this step.",
        ),
        answer=1,
        explanation="On average it is the gradient of the whole loss. The noise does not go away by "
        "itself; so the recipe lets the rate fall, $\\eta_t = 0.1/(1 + t/200)$, and the steps get shorter.",
    ),
    Step(
        "do", "Let it learn",
        "Press **Train** until **fit**, the share of the variance of $y$ that is explained, is above "
        "0.7. The panel "
        "**Fit** shows the curve and the points; **Gradient flow** shows how large the gradients are.",
        hints=("Train is the blue button in the panel Training.", "It takes a few seconds."),
        explanation="Ten units of tanh are bent to the wave. The points carry noise, so the fit is not "
        "to become 1.",
        goal="measured", settings={"measure": "fit", "part": "train", "relation": ">", "number": 0.7},
        panels=("training", "curve", "flow"),
    ),
    Step(
        "choose", "What became of the gradients?",
        "In theory, nonconvex descent with a falling rate **converges**. What does that word mean here?",
        choices=(
            "It finds the lowest point of all",
            "The gradients get arbitrarily small",
            "The loss becomes 0",
        ),
        replies=(
            "Descent only feels the slope: it cannot know how deep other valleys are.",
            "",
            "A valley's floor may lie above 0, and it is flat there all the same.",
        ),
        answer=1,
        hints=("Look at the bars of Gradient flow, and at the lines that show how they were.",),
        explanation="Only that. In the example **Many solutions, most of them good** the smallest "
        "gradient up to step "
        "1,000 is about a seventieth of the one at the start. That is a place where it is flat, "
        "not the deepest place.",
    ),
    Step(
        "do", "From ten starts",
        "Is the place a good one? Open **Compare**, press **Random restarts** and **Start**: ten networks "
        "from ten starts.",
        hints=("Compare is in the menu View › Panels.", "Random restarts is also in Train › Compare."),
        explanation="Look at the losses above the curves, and at the **Table**.",
        goal="panel", settings={"panel": "compare"}, panels=("curve",),
    ),
    Step(
        "choose", "The best and the good",
        "Which is true of the ten losses when all are done?",
        choices=(
            "One start succeeds, the others fail",
            "All are alike, because they end in the same parameters",
            "All are within twice the best, with different parameters",
        ),
        replies=(
            "Compare the largest of the ten with the smallest: it is less than twice as large.",
            "Near each other is not alike: each start ends in parameters of its own.",
            "",
        ),
        answer=2,
        hints=("Open the Table: its rows are sorted by the loss.",),
        explanation="**The best solution is not the only good one.** It is not always so: with only as many "
        "units as needed, many starts fail. The example **Random restarts** shows that, and the cure: "
        "the best of ten.",
    ),
    Step(
        "read", "And if it does not?",
        "You know the remedies now: a better **learning rate** or a schedule for it, an **adaptive** "
        "optimizer, "
        "**random restarts**, a **search** over settings, and **regularization** against learning the noise. "
        "Each has an example of its own: A race of optimizers, Random restarts, Searching for settings, "
        "Over-fitting, dropout and L2.",
    ),
)  # fmt: skip


def why_sgd_works() -> Graph:
    """A square to step down by hand, and the network of the example "many-solutions"."""
    graph = document(
        "why-sgd-works",
        "J = w^2\nv = x @ W1\nu = v + b1\nh = tanh(u)\no = h @ W2\nprediction = o + b2\n"
        "loss = mse(prediction, y)\nfit = r2(prediction, y)",
        Source("function", options={
            "formula": "sin(2*x)", "low": -3.0, "high": 3.0, "count": 50, "noise": 0.2,
        }),
        {"W1": (("features", 10), "xavier"), "b1": ((10,), "uniform"),
         "W2": ((10, 1), "xavier"), "b2": ((1,), "zeros")},
        inputs={"w": 2.0},
        frames=(
            ("By hand: J = w²", "yellow", ("w", "J")),
            ("A network of ten tanh units", "blue",
             ("v", "u", "h", "o", "prediction", "loss", "fit", "W1", "b1", "W2", "b2")),
        ),
        grid={
            "w": (1, 0), "J": (2, 0), "x": (0, 2.6), "y": (0, 5), "v": (2, 2.6), "u": (3, 2.6), "h": (4, 2.6),
            "o": (5, 2.6), "prediction": (6, 2.6), "loss": (7, 2.6), "fit": (7, 3.8),
            "W1": (1, 3.6), "b1": (2, 3.8), "W2": (4, 3.8), "b2": (5, 3.8),
        },
        panels=("lesson",),
        learning_rate=0.1, schedule="formula", formula="lr / (1 + t / 200)", batch_size=10, epochs=200,
    )  # fmt: skip
    graph.put("settings", "output", graph.id_of("J"))  # stepped by hand; the recipe trains loss
    graph.put("settings", "lesson", SGD)
    return graph


VANISHING = (
    Step(
        "read", "A long product",
        "The gradient of an edge at the base of a network is a **product**: the chain rule multiplies the "
        "local derivatives of all that lies above it. What becomes of a product of many small numbers?\n\n"
        "In the frame at the top four sigmoids follow each other, from $s_0 = 0$ to $s_4$.",
        at="start",
    ),
    Step(
        "ask", "A sigmoid at 0",
        "$\\sigma(s) = \\frac{1}{1 + e^{-s}}$\n\nWhat is $s_1 = \\sigma(0)$?",
        node="s1",
        hints=("$e^0 = 1$",),
        explanation="Right in the middle between 0 and 1, where a sigmoid is steepest.",
    ),
    Step(
        "ask", "The last slope",
        "The slope of a sigmoid is $\\sigma'(s) = \\sigma(s)\\,(1 - \\sigma(s))$. The values are on the "
        "canvas: "
        "$s_4 = 0.6572$.\n\nWhat is $\\frac{\\partial s_4}{\\partial s_3}$?",
        node="s3", of="gradient", tolerance=0.01,
        hints=("Put $s_4$ into the formula of the slope.", "$0.6572 \\cdot (1 - 0.6572)$"),
        explanation="$p(1-p)$ is never more than $\\frac14$, which it is at $p = \\frac12$.",
    ),
    Step(
        "ask", "All four",
        "Go back through the next ones: each multiplies what comes from above by its own slope, "
        "$s_1(1 - s_1)$ for the first.\n\nWhat is $\\frac{\\partial s_4}{\\partial s_0}$? The gradient "
        "at $s_1$ "
        "is on the canvas.",
        node="s0", of="gradient", tolerance=0.02,
        hints=("The slope of the first sigmoid is $0.5 \\cdot 0.5$.", "A quarter of the gradient at s1."),
        explanation="Four layers, and three thousandths are left. Nothing is wrong with any one of the "
        "slopes: "
        "there are just four of them.",
    ),
    Step(
        "choose", "Ten layers",
        "At most, what is left of a gradient behind the slopes of **ten** sigmoids? "
        "$\\left(\\frac14\\right)^{10}$ is about",
        choices=("a fortieth", "a thousandth", "a millionth"),
        replies=(
            "This is $\\frac{1}{4 \\cdot 10}$: ten factors are multiplied, not counted.",
            "This is what five of them leave: $4^5 = 1024$.",
            "",
        ),
        answer=2,
        hints=("$4^5 = 1024$, so $4^{10}$ is about a million.",),
        explanation="The weights are factors, too. Large ones could make up for it, but then the sigmoids "
        "are driven to their ends, where the slope is almost 0.",
    ),
    Step(
        "choose", "And relu?",
        "$\\mathrm{relu}(s)$ is $s$ above 0, and 0 below. Which slopes does it have?",
        choices=("0 or 1", "Between 0 and 1/4", "Always 1"),
        replies=(
            "",
            "These are the slopes of the sigmoid.",
            "Below 0 relu is level: its slope is 0 there.",
        ),
        answer=0,
        explanation="Where a unit is at work its slope is 1, and a product of ones does not shrink. "
        "Where it is off, "
        "nothing passes at all.",
    ),
    Step(
        "do", "Two deep networks",
        "Below are two networks of ten layers, alike but for the activation. They are trained together, "
        "on the sum of "
        "their losses.\n\nPress **Train** until **relu_accuracy** on the held-out points is above 0.85. "
        "**Gradient flow** has a bar for each parameter, on a scale of powers of ten.",
        hints=("Train is the blue button in the panel Training.", "It takes a few seconds."),
        explanation="The two have the same data, the same rate and as many parameters.",
        goal="measured",
        settings={"measure": "relu_accuracy", "part": "validation", "relation": ">", "number": 0.85},
        panels=("training", "flow", "curves"),
    ),
    Step(
        "choose", "The other one",
        "Look at **sigmoid_loss**. Where has it been all the time?",
        choices=("It fell with the other", "Near 0.693", "It grew"),
        replies=(
            "Look at the curves again: only one of them falls.",
            "",
            "Look at its curve again: it is level.",
        ),
        answer=1,
        hints=("The table in Training has the losses of both.",),
        explanation="$0.693 = \\ln 2$ is the loss of a coin: the network has learned nothing. Its first "
        "layers do not "
        "move, and the last ones have nothing to learn from.",
    ),
    Step(
        "choose", "The verdict",
        "What does **Gradient flow** say of sigmoid_loss?",
        choices=("Exploding", "Vanishing", "Healthy"),
        replies=(
            "Then the first layer would get far more than the last; here it gets far less.",
            "",
            "Then the first layer would get about as much as the last; here it gets far less.",
        ),
        answer=1,
        hints=("The names of what was found stand above the bars.",),
        explanation="It compares what reaches the first layer with what reaches the last: less than a "
        "thousandth, and it says **vanishing**.",
    ),
    Step(
        "read", "What helps",
        "Activations with a slope of 1, such as **relu**; starts that suit them; **residual** connections, "
        "which add a way around a layer whose slope is 1; normalization; and training **layer by layer**, "
        "which the lecture comes to next. Before 2006 nobody knew that set of tricks.",
    ),
)  # fmt: skip


def vanishing() -> Graph:
    """Four sigmoids in a row to work out, and ten layers of sigmoids beside ten of relu."""
    names: dict[str, list[str]] = {"sigmoid": [], "relu": []}
    lines = [f"s{i} = sigmoid(s{i - 1})" for i in range(1, 5)]
    grid = {f"s{i}": (float(i), 0.0) for i in range(5)} | {"x": (0.0, 2.6), "y": (0.0, 4.6)}
    for row, (name, module) in enumerate((("sigmoid", "SigmoidLayer"), ("relu", "ReluLayer"))):
        before, at = "x", 2.6 + 3.4 * row
        for i in range(1, DEPTH + 1):
            lines.append(f"{name}{i} = {module}({before})")
            before = f"{name}{i}"
            names[name].append(before)
            grid[before] = (float(i), at)
        lines += [
            f"{name}_logits = Dense({before}, units=1)",
            f"{name}_loss = bce_with_logits({name}_logits, y)",
            f"{name}_accuracy = accuracy({name}_logits, y)",
        ]
        names[name] += [f"{name}_logits", f"{name}_loss", f"{name}_accuracy"]
        grid |= {
            f"{name}_logits": (11.0, at), f"{name}_loss": (12.0, at - 0.5),
            f"{name}_accuracy": (12.0, at + 0.5),
        }  # fmt: skip
    grid["loss"] = (14.0, 4.3)
    lines.append("loss = sigmoid_loss + relu_loss")
    graph = document(
        "vanishing-gradients-by-hand", "\n".join(lines),
        Source("toy", "moons", standardize=True, validation=0.2,
               options={"count": 200, "noise": 0.1, "labels": "0 and 1"}),
        {}, inputs={"s0": 0.0},
        own={"SigmoidLayer": layer("sigmoid", "xavier"), "ReluLayer": layer("relu", "he")},
        frames=(
            ("By hand: four sigmoids", "yellow", tuple(f"s{i}" for i in range(5))),
            ("Ten sigmoid layers", "grey", tuple(names["sigmoid"])),
            ("Ten relu layers", "blue", tuple(names["relu"])),
        ),
        grid=grid, panels=("lesson",),
        learning_rate=0.1, batch_size=20, epochs=60,
    )  # fmt: skip
    graph.put("settings", "output", graph.id_of("s4"))  # stepped by hand; the recipe trains loss
    graph.put("settings", "lesson", VANISHING)
    return graph


LESSONS: dict[str, Callable[[], Graph]] = {
    "nonconvexity": nonconvexity, "why-sgd-works": why_sgd_works,
    "vanishing-gradients-by-hand": vanishing,
}  # fmt: skip
"""The lessons by their names."""
