"""Builds the lesson on deep networks."""

from __future__ import annotations

from collections.abc import Callable

from engine.graph import Graph, Source
from engine.lesson import Step
from tests.lecture.build_networks import document, xor_block

TRAIN = ("training", "curves", "regions")
GOAL = 0.9
"""The held-out accuracy that the deep network is trained to."""

STEPS = (
    Step(
        "read", "Layers upon layers",
        "A layer takes weighted sums of what it reads and bends each of them with an **activation** $h$. "
        "A network of two layers does it twice:\n\n"
        "$y = h_2\\left(\\sum_j \\beta_j\\, h_1\\left(\\sum_i \\alpha_{ji} x_i\\right)\\right)$\n\n"
        "One hidden layer is enough to come as near as you like to **any** continuous function. So why "
        "would anyone want ten? You will find two answers: one with a pencil, one by training.",
        at="start",
    ),
    Step(
        "ask", "A unit",
        "In the frame at the top, two units with $h = \\mathrm{relu}$, which hands on what is above 0 and "
        "makes 0 of the rest, read two bits $a$ and $b$.\n\nWhat is **up** $= \\mathrm{relu}(a - b)$?",
        node="up",
        hints=("The values of a and b stand at their nodes.",
               "$d = a - b$, and relu keeps it if it is above 0."),
        explanation="It can be above 0 only where $a$ is 1 and $b$ is 0. A unit looks for a pattern.",
    ),
    Step(
        "ask", "A layer",
        "**down** looks for the other pattern: $\\mathrm{relu}(b - a)$. The sum of the two is called "
        "**ab**.\n\nWhat is it?",
        node="ab",
        hints=("down is relu of $b - a$.", "Add up and down."),
        explanation="ab is 1 when just one of the two bits is 1: that is **XOR**, the function that no "
        "straight line can do. A hidden layer of two units is enough.",
    ),
    Step(
        "do", "The parity of three bits",
        "**abc** does the same with ab and a third bit $c$: it is 1 when the number of ones among $a$, $b$ "
        "and $c$ is odd. This is called **parity**.\n\n"
        "Make abc **0** by changing one bit: double-click a, b or c, type 0 or 1, and press Enter.",
        hints=("Any one of the three bits will do.", "Give c the value 1."),
        explanation="Any one bit turns the result over. So no bit can be left out, and no single bit "
        "says anything: this is what makes parity hard.",
        goal="value", settings={"node": "abc", "number": 0.0}, at="forward",
    ),
    Step(
        "do", "The same block again",
        "abc is a **module**: a block with the same two units inside. Look into it: select abc and "
        "press **Ctrl+↓**, or double-click its name.",
        hints=("The menu Edit › Modules and operators has Open module.",),
        explanation="A deep network uses what the layer below has found: here, the parity of two bits. "
        "Press **Ctrl+↑** to come back out.",
        goal="entered", settings={"node": "abc"},
    ),
    Step(
        "choose", "What depth saves",
        "With one more block of 2 units for each further bit, $n$ bits take $2(n - 1)$ units in $n - 1$ "
        "layers.\n\nThe other way is one hidden layer with a unit for each input that is odd, and there "
        "are $2^{n-1}$ of them. How many units do both take for **20** bits?",
        choices=("38 and 40", "38 and 524,288", "380 and 1,024"),
        replies=(
            "40 is twice 20, but the shallow one needs $2^{n - 1}$ units.",
            "",
            "$2(n - 1)$ is 38 for 20 bits, and 1,024 is only $2^{10}$.",
        ),
        answer=1,
        hints=("$2 \\cdot 19$", "$2^{10}$ is about a thousand, so $2^{19}$ is about half a million."),
        explanation="Both compute the same function. The shallow network has to know each pattern by itself; "
        "the deep one shares its parts. The example **Parity, flat and deep** has both for 8 bits, and a "
        "network that learns parity.",
    ),
    Step(
        "choose", "What approximation does not say",
        "“One hidden layer can approximate any continuous function.” What does that sentence **not** say?",
        choices=(
            "That such a network exists",
            "How many units it takes, and whether training finds the weights",
            "That the error can be made small at every point of a bounded range",
        ),
        replies=(
            "This is just what it says.",
            "",
            "This is what approximating means, so it does say it.",
        ),
        answer=1,
        explanation="It says that there is a network, not that it is small or can be found. The example "
        "**One layer approximates any function** shows how the error falls with the number of units.",
    ),
    Step(
        "ask", "Two networks, one loss",
        "Now for the training. Below are two networks for points on two spiral arms: **shallow** has "
        "one hidden layer of 35 units, **deep** has three of 7. Both have 141 parameters.\n\n"
        "They are trained together on $\\mathrm{loss} = \\mathrm{loss}_{deep} + \\mathrm{loss}_{shallow}$. "
        "What is $\\frac{\\partial\\, \\mathrm{loss}}{\\partial\\, \\mathrm{loss}_{deep}}$?",
        node="loss_deep", of="gradient",
        hints=("How much does the sum grow when one term grows by 1?",),
        explanation="The gradient of each term is 1, whatever the other one is, and they share no parameter. "
        "So each network learns as if it were alone.",
    ),
    Step(
        "do", "The race",
        "Press **Train** until the deep network is right on 90 % of the held-out points. **Regions** shows "
        "what it makes of each place in the plane; the table in **Training** has the accuracies of both.",
        hints=("Train is the blue button in the panel Training.",
               "It takes about a hundred epochs; accuracy_deep is to be above 0.9 in the column held out."),
        explanation="Each layer bends the plane once more, and the next one bends what came of it. The "
        "spiral comes undone.",
        goal="measured",
        settings={"measure": "accuracy_deep", "part": "validation", "relation": ">", "number": GOAL},
        panels=TRAIN,
    ),
    Step(
        "choose", "And the shallow one?",
        "Compare **accuracy_shallow** with accuracy_deep in the table of the panel **Training**, in the "
        "column **held out**. How is the shallow network doing?",
        hints=("Not at the nodes: those numbers are of the few rows that the canvas shows.",),
        choices=("Right on more than 95 %", "About as well as the deep one", "Far behind the deep one"),
        replies=(
            "Read the row accuracy_shallow in the column held out once more.",
            "Read both rows in the column held out once more: they are far apart.",
            "",
        ),
        answer=2,
        explanation="It has as many parameters, and trained many times as long it gets better. But it has "
        "to cut the whole spiral with the straight folds of one layer.",
    ),
    Step(
        "read", "When not to go deep",
        "Depth is no cure-all. Gradients of a deep network are products of many factors and may "
        "**vanish**: the lesson **Vanishing gradients** shows it. And with little data a "
        "simple model is often better: the example **How much data a deep network needs** counts it.\n\n"
        "Go on with **The spiral, one to four layers deep**, where four depths race.",
    ),
)  # fmt: skip


def deep_networks() -> Graph:
    """A circuit of relu units to work out, and a shallow and a deep network with as many parameters."""
    deep = [name for layer in (1, 2, 3) for name in (f"a{layer}", f"h{layer}")]
    graph = document(
        "deep-networks",
        "d = a - b\ne = b - a\nup = relu(d)\ndown = relu(e)\nab = up + down\nabc = Xor(ab, c)\n"
        "fold = Dense(x, units=35)\nfolded = relu(fold)\nshallow = Dense(folded, units=1)\n"
        "loss_shallow = bce_with_logits(shallow, y)\naccuracy_shallow = accuracy(shallow, y)\n"
        "a1 = Dense(x, units=7)\nh1 = relu(a1)\na2 = Dense(h1, units=7)\nh2 = relu(a2)\n"
        "a3 = Dense(h2, units=7)\nh3 = relu(a3)\ndeep = Dense(h3, units=1)\n"
        "loss_deep = bce_with_logits(deep, y)\naccuracy_deep = accuracy(deep, y)\n"
        "loss = loss_deep + loss_shallow",
        Source("toy", "spiral", validation=0.2, options={"labels": "0 and 1"}), {},
        inputs={"a": 1.0, "b": 0.0, "c": 0.0}, own={"Xor": xor_block()},
        frames=(
            ("Work it out: parity of three bits", "yellow",
             ("a", "b", "c", "d", "e", "up", "down", "ab", "abc")),
            ("Shallow: one layer of 35", "grey",
             ("fold", "folded", "shallow", "loss_shallow", "accuracy_shallow")),
            ("Deep: three hidden layers of 7 units", "blue",
             (*deep, "deep", "loss_deep", "accuracy_deep")),
        ),
        grid={
            "a": (0, 0), "b": (0, 1), "d": (1, 0), "e": (1, 1), "up": (2, 0), "down": (2, 1),
            "ab": (3, 0.5), "c": (3, 1.5), "abc": (4, 1), "x": (0, 3.6), "y": (0, 4.7),
            **{name: (1 + place, 3.6) for place, name in enumerate((*deep, "deep"))},
            "loss_deep": (8, 3.1), "accuracy_deep": (8, 4.1), "fold": (1, 7), "folded": (2, 7),
            "shallow": (3, 7), "loss_shallow": (4, 6.5), "accuracy_shallow": (4, 7.5), "loss": (8, 6.5),
        },
        panels=("lesson",),
        optimizer="adam", learning_rate=0.01, batch_size=50, epochs=500,
    )  # fmt: skip
    graph.put("settings", "lesson", STEPS)
    return graph


LESSONS: dict[str, Callable[[], Graph]] = {"deep-networks": deep_networks}
"""The lesson by its name."""
