"""Builds the lessons on auto-encoders and on pre-training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from engine import edits, lessons
from engine.compose import compose
from engine.graph import Graph, Note, Recipe, Stage
from engine.lesson import Step
from tests.lecture.build_autoencoders import denoising, pretraining

PICTURE = {"x1": 2.0, "x2": 1.0}
WEIGHTS = {"w1": 0.5, "w2": 0.25, "d1": 1.0, "d2": 0.4}
PROGRAM = """
p1 = w1 * x1
p2 = w2 * x2
a = p1 + p2
z = relu(a)
q1 = d1 * z
q2 = d2 * z
r1 = relu(q1)
r2 = relu(q2)
e1 = x1 - r1
e2 = x2 - r2
J = e1^2 + e2^2
"""
PLACES = {
    "x1": (0, 0.5), "w1": (0, 1.5), "w2": (0, 2.5), "x2": (0, 3.5), "p1": (1, 1), "p2": (1, 3),
    "a": (2, 2), "z": (3, 2), "d1": (4, 0.5), "d2": (4, 3.5), "q1": (5, 1), "q2": (5, 3),
    "r1": (6, 1), "r2": (6, 3), "e1": (7, 1), "e2": (7, 3), "v1": (8, 1), "v2": (8, 3), "J": (9, 2),
}  # fmt: skip
ACROSS, DOWN = 176.0, 100.0


BY_HAND = (
    Step(
        "read", "What should it predict?",
        "Labels are dear, pictures are cheap. A network that is to learn from pictures **without labels** "
        "needs something else to predict. What else do we know of a picture? The picture itself.\n\n"
        "An **auto-encoder** has two halves. The encoder makes a short code $z = h(Wx)$ of the picture, "
        "the decoder makes a picture $x' = h(W'z)$ of the code. Both learn together.\n\n"
        "Here the picture is two numbers, $x_1$ and $x_2$, and the code is one, $z$. The function $h$ is "
        "relu. What comes back is called $r_1$ and $r_2$.",
        at="start",
    ),
    Step(
        "choose", "A loss without a label",
        "Which loss can be computed when nobody has said what is on the picture?",
        choices=(
            "$-\\log p_y$, with $p_y$ the probability given to the right class",
            "$\\|x - x'\\|^2$, the squared distance between what went in and what came out",
            "$(y - \\hat{y})^2$, with $\\hat{y}$ the number predicted for $y$",
        ),
        replies=(
            "It needs the right class, and nobody has said which one that is.",
            "",
            "It needs y, and nobody has written a y beside the picture.",
        ),
        answer=1,
        hints=("Two of the three need $y$, the label.",),
        explanation="It needs the picture alone. The target is the input, and the rest is what you know: a "
        "forward pass, a backward pass, a step against the gradient.",
    ),
    Step(
        "ask", "Encode by hand",
        "The encoder weighs the two numbers and adds: $a = w_1 x_1 + w_2 x_2$. The code $z$ is relu of that, "
        "which hands on what is above 0.\n\nWhat is $a$?",
        node="a",
        hints=("The four numbers stand at their nodes.",),
        explanation="It is above 0, so $z$ is the same: two numbers became one. "
        "Whatever $z$ does not hold, the decoder cannot know.",
    ),
    Step(
        "ask", "Decode by hand",
        "The decoder has a weight for each number that is to come back: $r_1 = h(d_1 z)$ and "
        "$r_2 = h(d_2 z)$.\n\nWhat is $q_2 = d_2 z$?",
        node="q2",
        hints=("$z$ is as large as $a$, and $d_2$ stands at its node.",),
        explanation="It is above 0, so $r_2$ is the same. Both numbers come back smaller than they went in.",
    ),
    Step(
        "ask", "How far off is it?",
        "The loss is the squared distance $J = (x_1 - r_1)^2 + (x_2 - r_2)^2$. How large is it?",
        node="J",
        hints=("First the differences $e_1 = x_1 - r_1$ and $e_2 = x_2 - r_2$.",
               "Then $e_1^2 + e_2^2$."),
        explanation="The weights were picked by hand. Gradient descent will find better ones; for that it "
        "needs the gradient.",
    ),
    Step(
        "ask", "Back to the code",
        "Now backward. At the differences the gradient is $2e_1$ and $2e_2$; at what came out it has the "
        "other sign, for $e = x - r$.\n\n"
        "The code feeds **both** outputs. What is $\\frac{\\partial J}{\\partial z}$?",
        node="z", of="gradient",
        hints=("Two ways lead from $J$ back to $z$: over $r_1$ and over $r_2$. Their terms are added.",
               "$\\frac{\\partial J}{\\partial z} = -2 e_1 d_1 - 2 e_2 d_2$, since relu's slope is 1 "
               "here."),
        explanation="It is negative: a larger code would make the loss smaller. One number hears what both "
        "outputs want.",
    ),
    Step(
        "ask", "Into the encoder",
        "One step on: $a$ has the gradient of $z$, because relu's slope is 1 here, and $p_1 = w_1 x_1$.\n\n"
        "What is $\\frac{\\partial J}{\\partial w_1}$?",
        node="w1", of="gradient",
        hints=("$\\frac{\\partial J}{\\partial w_1} = \\frac{\\partial J}{\\partial z} \\cdot x_1$.",),
        explanation="No label was needed, and yet the encoder knows how to change. This is the same "
        "backpropagation as in any network of two layers.",
    ),
    Step(
        "do", "Train it",
        "The recipe takes steps against the gradient, on all four weights. Press **Train** and let it "
        "take at least 20 steps.",
        goal="trained", settings={"steps": 20.0}, panels=("training",), at="end",
        hints=("The button Train stands in the panel Training.",),
        explanation="The loss is almost 0: $r_1$ and $r_2$ have become $x_1$ and $x_2$. That was easy, for "
        "there was one picture to remember.",
    ),
    Step(
        "do", "Another picture",
        "What does it do with a picture that it never saw? Give $x_2$ a value above 2.5: double-click its "
        "number, or select it and type.",
        goal="value", settings={"node": "x2", "relation": ">", "number": 2.5},
        hints=("Select the node x2; its value can be typed in the inspector.",),
        explanation="The loss is large again. What comes back is still twice as large in $r_1$ as in "
        "$r_2$, whatever goes in.",
    ),
    Step(
        "choose", "What one number can hold",
        "After training, $d_1$ is twice $d_2$. Which pictures can this decoder draw at all?",
        choices=(
            "Every pair of numbers of 0 or more",
            "Only the pair that it was trained on",
            "The pairs on one line through 0: $r_1 = 2 r_2$",
        ),
        replies=(
            "Only one number stands behind the two: they grow together.",
            "Another code draws another pair.",
            "",
        ),
        answer=2,
        hints=("Both outputs are the same code, times $d_1$ and times $d_2$.",),
        explanation="The code says how far along the line. That is the **bottleneck**: it cannot copy, so "
        "it has to "
        "choose what matters. Trained on many pictures it chooses the line that is nearest to all of them.",
    ),
    Step(
        "choose", "One matrix for both",
        "Often $W'$ is tied to $W$: the decoder uses the encoder's weights, transposed. Here that would be "
        "$d_1 = w_1$ and $d_2 = w_2$.\n\n"
        "Of how many terms is $\\frac{\\partial J}{\\partial w_1}$ the sum then?",
        choices=("One: the encoder's", "Two: the encoder's and the decoder's", "None: a tied weight stays"),
        replies=(
            "The decoder reads $w_1$ as well, so a term comes back from there.",
            "",
            "Tied means that two places share it, not that it is fixed.",
        ),
        answer=1,
        hints=("Count the nodes that read $w_1$: each sends back a term.",),
        explanation="A weight that is read in two places gets a term from each. The example **An "
        "auto-encoder with tied weights** shows it on digits.",
    ),
    Step(
        "read", "On to pictures",
        "Everything here is the same with 64 pixels and a code of 16 numbers: open the example "
        "**An auto-encoder** and train it. Reconstructions become digits, and in the latent plane the "
        "classes part, although no class was told.\n\n"
        "Then **Denoising auto-encoders**: noise goes in, the clean picture is asked for. And in the next "
        "lesson auto-encoders build a deep network, layer by layer.",
    ),
)  # fmt: skip


LAYER_STEPS = 1720.0
"""Steps of a stage that trains one layer: 43 batches of 32 of 1,348 digits, 40 times."""

WITHOUT_LABELS = (
    Step(
        "read", "Many pictures, few labels",
        "There are 1,348 digits to learn from, and only 100 of them have a label. The upper row of the "
        "document reads all of them, the rows below it those with labels.\n\n"
        "Only the last layer of a network depends directly on knowing the label. So the layers below can "
        "learn **before** there are labels: each as an auto-encoder of what it reads. That is "
        "unsupervised **pre-training**.\n\n"
        "The recipe has five stages: one for each of four layers, and one with labels.",
        panels=("training", "curves"), at="end",
    ),
    Step(
        "choose", "The first stage",
        "$h_1$ is a layer of 64 sigmoids on the pixels; $back_1$ makes pixels of it again. The loss of "
        "the first stage is $J_1$, the distance between the two pictures.\n\n"
        "Which parameters does this stage train?",
        choices=(
            "Those of all layers: they are one network",
            "Those of $h_1$ and of $back_1$",
            "Those of $h_1$ alone: $back_1$ is thrown away later",
        ),
        replies=(
            "$J_1$ does not depend on the layers above $h_1$: they get no gradient from it.",
            "",
            "It is thrown away later, but $J_1$ depends on it now, so it learns as well.",
        ),
        answer=1,
        hints=("Follow the wires back from $J_1$: which layers does it depend on?",),
        explanation="$J_1$ depends on these two and on nothing else. Of them only $h_1$ is kept: $back_1$ "
        "was needed to have something to predict.",
    ),
    Step(
        "do", "Train layer 1",
        "Press **Train**. The first stage ends after 1,720 steps; the curve shows its loss. You may pause "
        "there or let it run on.",
        goal="trained", settings={"steps": LAYER_STEPS}, panels=("training", "curves"),
        hints=("The button Train stands in the panel Training.",),
        explanation="The loss falls from above 10 to about 0.2: from 64 numbers the decoder makes nearly "
        "the same picture.",
    ),
    Step(
        "choose", "Then fix it",
        "In the second stage $h_2$ learns to give back what it reads, the output of $h_1$. The recipe "
        "says that $h_1$ is **frozen** meanwhile. Why?",
        choices=(
            "To save time: frozen layers need not be computed",
            "Because $h_1$ has no gradient in this stage",
            "Because the loss $J_2$ could be made small by making the output of $h_1$ constant",
        ),
        replies=(
            "They are computed in every forward pass all the same: $h_2$ reads them.",
            "It would have one: $J_2$ depends on $h_1$, since $h_2$ reads it.",
            "",
        ),
        answer=2,
        hints=("$J_2$ compares $back_2$ with the output of $h_1$. What is the easiest output to give "
               "back?",),
        explanation="If every picture had the same $h_1$, it would be easy to give back, and worth "
        "nothing. So a layer is fixed before the next one learns to reproduce it.",
    ),
    Step(
        "do", "See it in the recipe",
        "Open the panel **Recipe** and look at the stages 2, 3 and 4: the loss, and what each of them "
        "freezes.",
        goal="panel", settings={"panel": "recipe"},
        hints=("Recipe is a tab beside Training, and in the menu View, Panels.",),
        explanation="Each stage freezes all layers below its own. This is the list on the slide: train "
        "hidden layer 1, "
        "then fix its parameters; train hidden layer 2, then fix its parameters; and so on.",
    ),
    Step(
        "do", "All four layers",
        "Train on until four layers have learned: 6,880 steps.",
        goal="trained", settings={"steps": 4 * LAYER_STEPS}, panels=("training", "curves"),
        hints=("Train goes on where it was paused.",),
        explanation="Where a stage begins the loss jumps, for there is another thing to give back; then it "
        "falls. No label was read so far.",
    ),
    Step(
        "choose", "Your prediction",
        "Now come the labels. Stage 5 trains the four layers with a last one on top, and at the same time "
        "the same network **from scratch**, with the same 100 labels and the same steps.\n\n"
        "How many of the held-out digits will the one from scratch read right after 200 epochs?",
        choices=(
            "About as many as the pre-trained one",
            "About one in ten, as by guessing",
            "About half as many",
        ),
        replies=(
            "Without pre-training hardly any gradient comes through four sigmoids to the first layer.",
            "",
            "For half of them the first layers would have to learn, and hardly any gradient gets there.",
        ),
        answer=1,
        hints=("A sigmoid's slope is a quarter at most, and four of them lie between the loss and the "
               "first layer.",),
        explanation="You will see it happen in the next step.",
    ),
    Step(
        "do", "Fine-tuning",
        "Train to the end of the recipe, until **tuned_accuracy** on the held-out digits is above 0.85. "
        "Watch scratch_accuracy beside it.",
        goal="measured",
        settings={"measure": "tuned_accuracy", "part": "validation", "relation": ">", "number": 0.85},
        panels=("training", "curves", "latent"),
        hints=("The table below the curve in Training has a row for the held-out digits.",),
        explanation="The pre-trained network reads about nine of ten, from a hundred labels. From scratch, "
        "the gradients that reach the lowest layers are so small that hardly anything moves.",
    ),
    Step(
        "choose", "A fair question",
        "The document has a third network: a **single layer** on the pixels, with the same labels. Its "
        "single_accuracy is about nine of ten too.\n\nWhat follows?",
        choices=(
            "Pre-training made a deep network trainable; on this task depth itself won nothing",
            "Pre-training does not work",
            "A single layer is always enough",
        ),
        replies=(
            "",
            "Compare tuned with scratch: they differ in the pre-training alone.",
            "It is as good **on this task**; that says nothing of all others.",
        ),
        answer=0,
        hints=("Compare three numbers: tuned, scratch, single.",),
        explanation="Both is true: pre-training saved the deep network, and with so few labels a simple "
        "model is as good. Always compare with a simple baseline.",
    ),
    Step(
        "read", "Today",
        "With relu and Adam a deep network learns from scratch as well; the example **Pre-training with "
        "relu and Adam** shows how little is left of the advantage.\n\n"
        "And the layers need not be trained one by one: in **All layers at once with an auto-encoder** the "
        "whole stack learns together. By plain descent that stands still, by Adam it comes close to what "
        "you have seen here.\n\n"
        "The idea is alive: learn from much data without labels first, then tune with few.",
    ),
)  # fmt: skip


CLEANED = (
    Step(
        "read", "Copying is not learning",
        "An auto-encoder with a code as wide as the picture could nearly **copy**: every number through "
        "a unit of its own. Its loss would be small, and its code worth nothing.\n\n"
        "One way out is a narrow code. Another one is noise: the network gets $\\tilde{x} = x + "
        "\\mathrm{noise}$ and is asked for the clean $x$. Its loss is "
        "$\\|x - \\mathrm{decoder}(\\mathrm{encoder}(\\tilde{x}))\\|^2$. That is a **denoising** "
        "auto-encoder.\n\n"
        "The document has one for each of three noises, and a plain one that never sees noise.",
        panels=("training", "reconstructions"), at="end",
    ),
    Step(
        "choose", "What copying would cost",
        "Suppose the network that sees noise gave back exactly what it gets. How large would its loss be?",
        choices=(
            "0, since what comes out equals what went in",
            "As large as the noise itself",
            "Infinite",
        ),
        replies=(
            "What comes out is compared with the clean picture, not with what went in.",
            "",
            "Noisy and clean pictures differ by finite numbers, so their squares are finite.",
        ),
        answer=1,
        hints=("The loss compares with the clean picture, not with what went in.",),
        explanation="It compares $\\tilde{x}$ with $x$, and their difference is the noise. So a copy is "
        "no longer "
        "a good answer: to do better, the network has to know what digits look like.",
    ),
    Step(
        "do", "Four at once",
        "Press **Train** and let it run for 30 epochs. The loss is a sum, and its terms share no "
        "parameter; so each of the four gets the gradient that it would get alone.",
        goal="trained", settings={"steps": 1.0, "epochs": 30.0}, panels=("training", "reconstructions"),
        hints=("The button Train stands in the panel Training.",),
        explanation="In Reconstructions you see rows that were held out: the clean digit, the same one "
        "with noise, "
        "and what the network made of that.",
    ),
    Step(
        "do", "To the end",
        "Train on until **J_gaussian** on the held-out digits is below 0.025.",
        goal="measured",
        settings={"measure": "J_gaussian", "part": "validation", "relation": "<", "number": 0.025},
        panels=("training", "reconstructions"),
        hints=("The table below the curve has a row for the held-out digits.",),
        explanation="The Gaussian noise has a deviation of 0.3, so a copy would be off by $0.3^2 = 0.09$ "
        "on the mean. "
        "Less than a third of that is left.",
    ),
    Step(
        "choose", "Your prediction",
        "J_plain, the loss of the one without noise, is far smaller: on clean digits it gives back nearly "
        "everything.\n\nNow both get the same **noisy** digits. Which is nearer to the clean ones?",
        choices=("The plain one: its loss is smaller", "The denoising one", "They are equally near"),
        replies=(
            "Its loss was measured on clean digits, and these are noisy.",
            "",
            "They learned different things: only one of them has ever seen noise.",
        ),
        answer=1,
        hints=("What did each of them learn to do with a grey speck beside a stroke?",),
        explanation="A small loss on what one was trained on says little about anything else.",
    ),
    Step(
        "do", "Compare",
        "In the frame **Gaussian noise** the upper row is the denoising network, the lower one the plain "
        "network on "
        "the same noisy digits. Select **error_gaussian** and compare its value with that of J_gaussian.",
        goal="selected", settings={"node": "error_gaussian"}, at="end",
        hints=("It is the last node of the lower row in the frame Gaussian noise.",),
        explanation="The plain network is off by clearly more, and so it is in the two other frames. It "
        "hands on what it "
        "gets, noise and all.",
    ),
    Step(
        "choose", "How can it know?",
        "The network never sees the clean picture when it is used. How can it take the noise away?",
        choices=(
            "It has learned all training digits by heart",
            "It subtracts the mean of the noise",
            "Pixels of a digit hang together and noise does not: what fits no digit is left out",
        ),
        replies=(
            "The digits that you see were held out: it has never met them.",
            "The mean of the Gaussian noise is 0: taking it away changes nothing.",
            "",
        ),
        answer=2,
        hints=("The digits that you see were held out.", "The mean of the Gaussian noise is 0."),
        explanation="To clean a pixel it has to be guessed from the others. So the code holds what "
        "strokes and digits "
        "are made of. That is what makes it worth something for other tasks.",
    ),
    Step(
        "read", "Further",
        "Behind the button **⋯** of Reconstructions you choose which noise and which output are shown: "
        "try plain_peppered beside clean_peppered.\n\n"
        "The noises have settings, too: select the node **gaussian** and give it another deviation, then "
        "train "
        "again. With much noise the network gives back a blurred mean of digits; with none it is a plain "
        "auto-encoder.",
    ),
)  # fmt: skip


def by_hand() -> Graph:
    graph = compose(PROGRAM, {**PICTURE, **WEIGHTS})
    for name in WEIGHTS:
        node = graph.nodes[str(graph.id_of(name))]
        graph.put("nodes", node.id, replace(node, op="parameter", options={"init": "given"}))
    places = {str(graph.id_of(name)): (ACROSS * c, DOWN * r) for name, (c, r) in PLACES.items()}
    edits.move(graph, places).apply(graph)
    for title, colour, left, right in (
        ("Encoder", "blue", "p1", "z"), ("Decoder", "violet", "d1", "r1"), ("Loss", "grey", "e1", "J"),
    ):  # fmt: skip
        first, last = (PLACES[name][0] * ACROSS for name in (left, right))
        area = (first - 20, 0.0, last - first + 168, 4.7 * DOWN)
        note = Note(graph.new_note_id(), "frame", title, colour, *area)
        graph.put("notes", note.id, note)
    graph.put("settings", "output", graph.id_of("J"))
    stage = Stage("", str(graph.id_of("J")), learning_rate=0.05, epochs=20)
    graph.put("settings", "recipe", Recipe((stage,)))
    return _taught("autoencoder-by-hand", graph, BY_HAND)


def _taught(name: str, graph: Graph, steps: tuple[Step, ...]) -> Graph:
    graph.put("settings", "title", lessons.INFO[name].title)
    graph.put("settings", "about", lessons.INFO[name].about)
    graph.put("settings", "lesson", steps)
    return graph


def cleaned() -> Graph:
    return _taught("cleaning-pictures", denoising(), CLEANED)


def without_labels() -> Graph:
    return _taught("learning-without-labels", pretraining(), WITHOUT_LABELS)


LESSONS: dict[str, Callable[[], Graph]] = {
    "autoencoder-by-hand": by_hand, "cleaning-pictures": cleaned, "learning-without-labels": without_labels,
}  # fmt: skip
