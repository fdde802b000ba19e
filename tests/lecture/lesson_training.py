"""Builds the lesson on training: data, loss, descent, and the loop of five lines."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engine.graph import Graph, Source
from engine.lesson import Step
from tests.lecture.build_networks import document

TRAIN = ("training", "curves")

STEPS = (
    Step(
        "read", "What training needs",
        "Four things make a training:\n\n"
        "**Data**: pairs $(x_i, y_i)$. Here there are four, one a row of **x** and **y**. "
        "The canvas writes their shape as B×1: **B** rows at a time (here 4) of one number.\n\n"
        "A **prediction function** with parameters $\\theta$. Here it is a straight line, $f(x) = w x + b$, "
        "so $\\theta$ is $w$ and $b$. Both begin at 1.\n\n"
        "A **loss**: one number that says how wrong the predictions are.\n\n"
        "A **rule** that changes $\\theta$ so that the loss gets smaller. "
        "You will do each of them by hand once, and then let the program do it many times.",
        at="start",
    ),
    Step(
        "ask", "Predict",
        "The rows of x are 1, 2, 3 and 4.\n\nWhat does the line predict for the **third** row, with "
        "$w = 1$ and $b = 1$?\n\n"
        "Entries are counted from 0: the third row of the only column is the entry **[2,0]**.",
        node="prediction", index=(2, 0),
        hints=("The third x is 3.", "$w x + b = 1 \\cdot 3 + 1$"),
        explanation="The line is computed for all four rows at once: one node holds the whole column.",
    ),
    Step(
        "ask", "How far off?",
        "The third row of **y**, what the prediction should be, is 7.\n\n"
        "What is the third entry of $\\mathrm{error} = \\mathrm{prediction} - y$?",
        node="error", index=(2, 0),
        hints=("Prediction first, then minus 7.",),
        explanation="It is below 0: the line is too low there.",
    ),
    Step(
        "ask", "One number for all rows",
        "The errors of the four rows are $-1$, $-2$, $-3$ and $-4$. The loss is the mean of their "
        "squares:\n\n$\\mathrm{loss} = \\frac{1}{N}\\sum_{i=1}^{N} (f(x_i) - y_i)^2$\n\nWhat is it?",
        node="loss",
        hints=("The squares are 1, 4, 9 and 16.", "30, divided by 4."),
        explanation="This is the **mean squared error**. Squares make every error count upwards, and "
        "large errors count most.",
    ),
    Step(
        "choose", "What may change",
        "The loss depends on x, y, $w$ and $b$. Which of them may training change to make it smaller?",
        choices=("All four of them", "Only w and b", "Only x and y"),
        replies=(
            "x and y are among them: changing the data would be changing the question.",
            "",
            "These are the data: they are given, and the predictions have to fit them.",
        ),
        answer=1,
        explanation="The data are what they are. Training looks for parameters, so it needs the gradient "
        "by the parameters: $\\frac{\\partial\\, \\mathrm{loss}}{\\partial w}$ and "
        "$\\frac{\\partial\\, \\mathrm{loss}}{\\partial b}$.",
    ),
    Step(
        "ask", "Backward, to one error",
        "Each squared error has a quarter of the loss. So the gradient at an error is "
        "$\\frac{1}{4} \\cdot 2 \\cdot \\mathrm{error}$.\n\nWhat is it in the **third** row?",
        node="error", of="gradient", index=(2, 0),
        hints=("The third error is $-3$.", "$-6$, divided by 4."),
        explanation="Below 0: if this prediction grew, the loss would fall.",
    ),
    Step(
        "ask", "Backward, to b",
        "$b$ is added to all four predictions, so its gradient is the **sum** of theirs: "
        "$-0.5$, $-1$, $-1.5$ and $-2$.\n\nWhat is $\\frac{\\partial\\, \\mathrm{loss}}{\\partial b}$?",
        node="b", of="gradient",
        hints=("A value that is read several times adds up what comes back.",),
        explanation="For $w$ each term is multiplied by its x first: "
        "$-0.5 \\cdot 1 - 1 \\cdot 2 - 1.5 \\cdot 3 - 2 \\cdot 4 = -15$.",
    ),
    Step(
        "choose", "Descend",
        "A step of **gradient descent** goes against the gradient, by a share $\\eta$, the **learning "
        "rate**:\n\n$\\theta^{(t+1)} = \\theta^{(t)} - \\eta\\, \\nabla \\mathrm{loss}$\n\n"
        "Here $\\eta = 0.05$ and $\\frac{\\partial\\, \\mathrm{loss}}{\\partial w} = -15$. "
        "What will $w$ be after one step from 1?",
        choices=("0.25", "1.75", "16"),
        replies=(
            "This is $1 - 0.75$: against a gradient below 0 is upwards.",
            "",
            "This is $1 + 15$: the learning rate was left out.",
        ),
        answer=1,
        hints=("$0.05 \\cdot 15 = 0.75$", "Against a gradient below 0 is upwards."),
        explanation="$1 - 0.05 \\cdot (-15) = 1.75$. In the same way $b$ becomes $1 + 0.05 \\cdot 5 = 1.25$.",
    ),
    Step(
        "do", "One step by the program",
        "Press **Step** in the panel Training, or **F6**, once. Look at w and b on the canvas.",
        hints=("Training is the panel with the buttons Train, Step and Epoch.",),
        explanation="The step you worked out: first all partial derivatives by the backward pass, then the "
        "rule, for every parameter at once.",
        goal="trained", settings={"steps": 1.0}, panels=TRAIN,
    ),
    Step(
        "choose", "How large a step?",
        "What would the first step have done to $w$ with $\\eta = 0.5$, a learning rate ten times as large? "
        "All the points lie on a line with $w = 2$.",
        choices=(
            "It would have stopped at 2",
            "It would have gone to 8.5, further from 2 than before",
            "It would have gone to 1.075",
        ),
        replies=(
            "The step is $0.5 \\cdot 15 = 7.5$ long, and 2 is only 1 away.",
            "",
            "This would be a smaller rate, not a larger one: $1 + 0.005 \\cdot 15$.",
        ),
        answer=1,
        hints=("$1 + 0.5 \\cdot 15$",),
        explanation="The gradient says which way is down **here**, not how far it is. Too large a rate jumps "
        "over the valley, further each time, and the loss grows without end: training **diverges**. Too "
        "small a rate takes for ever.",
    ),
    Step(
        "do", "Many steps",
        "Press **Train** and watch the loss in **Curves** until it is below **0.0001**.",
        hints=("Train is the blue button in the panel Training.",
               "If it ended before that, press Train again."),
        explanation="It falls fast at first and slowly later: near the valley's floor the gradient is "
        "small, and so are the steps. $w$ and $b$ have come near to 2 and 1.",
        goal="measured",
        settings={"measure": "loss", "part": "train", "relation": "<", "number": 0.0001}, panels=TRAIN,
    ),
    Step(
        "read", "The loop of five lines",
        "What you did is the training loop of every package. In PyTorch it reads:\n\n"
        "**optimizer.zero_grad()** - all partial derivatives are 0 again\n\n"
        "**prediction = model(x)** - the forward pass\n\n"
        "**loss = criterion(prediction, y)** - one number\n\n"
        "**loss.backward()** - the backward pass\n\n"
        "**optimizer.step()** - the rule, for every parameter\n\n"
        "With much data a step takes a few rows only, a **batch**: its gradient is a guess at that of all "
        "rows, and costs a fraction. This is **stochastic gradient descent**.\n\n"
        "Choose **Export PyTorch script** in the menu File to have this document as such a script. "
        "The example **The training loop of five lines** does it for a network.",
    ),
)  # fmt: skip


def training() -> Graph:
    """A line through four points, trained by gradient descent on all of them."""
    graph = document(
        "training",
        "wx = w * x\nprediction = wx + b\nerror = prediction - y\nsquared = error ^ 2\nloss = mean(squared)",
        Source("table"), {"w": ((), "given"), "b": ((), "given")},
        table={"x": [[1.0], [2.0], [3.0], [4.0]], "y": [[3.0], [5.0], [7.0], [9.0]]},
        panels=("lesson",),
        optimizer="sgd", learning_rate=0.05, epochs=500,
    )  # fmt: skip
    for name in ("w", "b"):
        graph.put("tensors", str(graph.id_of(name)), np.ones(()))
    graph.put("settings", "lesson", STEPS)
    return graph


LESSONS: dict[str, Callable[[], Graph]] = {"training": training}
"""The lesson by its name."""
