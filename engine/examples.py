"""The shipped examples and modules, by name."""

from __future__ import annotations

import importlib.resources
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from engine import files
from engine.graph import Graph

TOPICS = (
    "Graphs and forward", "Backward and the chain rule", "Training", "Nonconvexity", "Why SGD works",
    "Vanishing gradients", "Deep networks", "Auto-encoders and pre-training",
)  # fmt: skip
"""The parts of the lecture, in its order; each has examples and a lesson."""


@dataclass(frozen=True)
class Info:
    """What the gallery says of an example.

    `topic` is a part of the lecture, `systems` are the rows of the lecture's table of systems that it
    shows, `about` two sentences, `claim` what its own numbers show (`engine.claims` proves it);
    `file` its document.
    """

    title: str
    topic: str
    systems: tuple[str, ...]
    about: str
    claim: str
    file: str


INFO: dict[str, Info] = {
    "three-ways": Info(
        "One function, built three ways", TOPICS[0], ("M01",),
        "A network of two layers made by hand from operators, from a formula and from modules. "
        "However it was built, it is the same graph; and a wire that would close a cycle is "
        "refused in words.",
        "The three expand to one graph, and a cycle is refused with a sentence.",
        "three-ways.json",
    ),
    "forward": Info(
        "Forward, in topological order", TOPICS[0], ("M02",),
        "Step forward: a node is computed when everything it reads is known, and its value is "
        "kept at the node. The order is one of several; each respects every wire.",
        "Every value is shown, each after what it reads.",
        "forward.json",
    ),
    "activations": Info(
        "Activation functions and their slopes", TOPICS[0], ("M16",),
        "The nonlinearities of neural networks over one range, each drawn with its slope. "
        "Where a curve is flat its slope is 0, and no gradient passes.",
        "Each slope is the derivative of its curve, and says where it saturates.",
        "activations.json",
    ),
    "worked-example": Info(
        "Forward and backward by hand", TOPICS[1], ("M04",),
        "J = cos(sin(x²) + 3x²) at x = 1. Step forward to see each value computed, then "
        "backward: t feeds two nodes, so its gradient is a sum that is made term by term.",
        "J = −0.764920562804486 and dJ/dx = 4.560791790678780.",
        "worked-example.json",
    ),
    "fan-out": Info(
        "A gradient is a sum over ways", TOPICS[1], ("M03",),
        "All gradients begin at 0 and the output's at 1. Going back, each node adds its share "
        "to what it reads; where a value feeds several nodes, you see the sum being made.",
        "The gradient at a fan-out is the sum of its terms, one micro-step each.",
        "fan-out.json",
    ),
    "jacobian": Info(
        "The chain rule for vectors", TOPICS[1], ("M05",),
        "Two vector functions, one after the other. Each derivative of an output by an input "
        "is a sum over everything in between: a product of two Jacobians, entry by entry.",
        "Every entry is the sum over j of the products of local derivatives.",
        "jacobian.json",
    ),
    "higher-orders": Info(
        "Derivatives of derivatives", TOPICS[1], ("M06",),
        "The derivative of a graph is a graph, so it has a derivative too. J′, J″ and J‴ are "
        "nodes here, stepped like any other; orders 4 and 5 are modules to look into.",
        "At x = 1: J″ = 40.7420061554213, J‴ = −177.585547329638, and the fifth order.",
        "higher-orders.json",
    ),
    "xor": Info(
        "A two-layer network learns XOR", TOPICS[2], ("M07",),
        "No straight line separates the four points, so one layer stays at a loss of ln 2. "
        "Four hidden units bend the space: train, and all four points come out right.",
        "Logistic regression stays at ln 2 and 75 %, two layers reach 100 %.",
        "xor.json",
    ),
    "logistic-xor": Info(
        "One layer and two, side by side", TOPICS[2], ("M07",),
        "Logistic regression and a network of two layers of it learn XOR at once. One layer can "
        "only draw a straight line.",
        "Logistic regression stays at ln 2 and at most 75 %, two layers reach 100 %.",
        "logistic-xor.json",
    ),
    "one-step": Info(
        "One step of gradient descent", TOPICS[2], ("M11",),
        "Data, a prediction, a loss and a gradient; then θ ← θ − η(t)·∂J/∂θ, number by "
        "number, as nodes. The recipe takes the same steps with the same schedule.",
        "The nodes and the recipe give the same parameters at every step.",
        "one-step.json",
    ),
    "softmax-digits": Info(
        "Hand-written digits with softmax", TOPICS[2], ("M10",),
        "1,797 real digits of 8×8 pixels, a quarter of them held out. A hidden layer of 64 "
        "units reads at least 96 % of the held-out ones right after a few seconds of "
        "training.",
        "At least 96 % of the held-out digits are read right, within a minute.",
        "softmax-digits.gloom",
    ),
    "your-csv": Info(
        "Your own CSV file", TOPICS[2], ("M11",),
        "A classifier for any CSV file with a header; the last column names the class. It "
        "starts with Fisher's irises. Choose another file: the sizes of the layers follow the "
        "data.",
        "Of ten held-out irises nine or more are named right.",
        "your-csv.json",
    ),
    "training-loop": Info(
        "The training loop of five lines", TOPICS[2], ("M12",),
        "A small classifier to take along: export it as a PyTorch script and read the loop of "
        "the lecture. The script prints the losses that you see here.",
        "The exported script has the five lines and prints the same losses.",
        "training-loop.json",
    ),
    "features": Info(
        "What hidden units look for", TOPICS[2], ("M17",),
        "Each hidden unit of a digit reader as a picture: its weights, and the digits that "
        "excite it most. The layer has learned a representation in which digits lie apart.",
        "Digits are told apart better by hidden values than by pixels.",
        "features.gloom",
    ),
    "saddle": Info(
        "A saddle on a square", TOPICS[3], ("M13",),
        "z = x·y has no valley, only a saddle, and on a square it is lowest in two corners. "
        "Where descent ends is decided by where it begins.",
        "Every start that reaches a corner ends in the one on its side of the diagonal.",
        "saddle.json",
    ),
    "many-hills": Info(
        "Many hills and valleys", TOPICS[3], ("M13",),
        "Descent finds the nearest valley, not the deepest. Start it from several places and "
        "watch the ways on the surface.",
        "Starts end in many valleys, nearly all in the nearest, few in the deepest.",
        "many-hills.json",
    ),
    "many-solutions": Info(
        "Many solutions, most of them good", TOPICS[3], ("M26",),
        "A small network trained from fifty starts. The gradients get as small as you like, "
        "the parameters all differ, and most of the losses end close together.",
        "Gradients fall to a few hundredths; of fifty restarts nearly all end within twice the best.",
        "many-solutions.json",
    ),
    "optimizer-race": Info(
        "A race of optimizers", TOPICS[4], ("M14",),
        "Nine optimizers on one narrow valley, each with its usual learning rate. See the ways "
        "they take and the losses they reach.",
        "At their best rates momentum and Adam need half the steps of plain descent, or fewer.",
        "optimizer-race.json",
    ),
    "restarts": Info(
        "Random restarts", TOPICS[4], ("M14",),
        "One descent ends in one valley: with two hidden units XOR is learned from some starts "
        "only. Ten of them cost ten times as much, and the best is much better than most.",
        "The best of ten restarts learns XOR; a third of the starts and more do not.",
        "restarts.json",
    ),
    "search": Info(
        "Searching for settings", TOPICS[4], ("M14",),
        "Learning rate and weight decay, tried on a grid. The table says which held-out loss "
        "each gave.",
        "The best of the grid beats the settings the document begins with; too little decay "
        "over-fits, too much learns nothing.",
        "search.json",
    ),
    "overfitting": Info(
        "Over-fitting, dropout and L2", TOPICS[4], ("M16",),
        "Three equal networks on a few noisy rows: one as it is, one with dropout, one with "
        "an L2 penalty. The first learns the noise.",
        "Held-out loss is lower with dropout and with L2, training loss without.",
        "overfitting.json",
    ),
    "vanishing-gradients": Info(
        "Why deep sigmoid networks stand still", TOPICS[5], ("M15",),
        "Ten sigmoid layers beside ten with relu. An edge's gradient is a product of those "
        "above it, and a sigmoid's slope is a quarter at most.",
        "The gradient of the first sigmoid layer is smaller by orders of magnitude, and the "
        "verdict is named.",
        "vanishing-gradients.json",
    ),
    "approximation": Info(
        "One layer approximates any function", TOPICS[6], ("M09",),
        "A layer of sigmoids fits three functions. The wider it is, the smaller is the "
        "largest error.",
        "The largest error falls with the width: with 16 units it is below ε = 0.1 for all three.",
        "approximation.json",
    ),
    "spiral-depth": Info(
        "The spiral, one to four layers deep", TOPICS[6], ("M08",),
        "Four networks with the same number of parameters learn the same spiral. Depth makes "
        "the difference.",
        "With 141 parameters one hidden layer stays below 75 %, two, three and four come out above it.",
        "spiral-depth.json",
    ),
    "parity": Info(
        "Parity, flat and deep", TOPICS[6], ("M25",),
        "Is the number of ones odd? With a hidden unit for each pattern, as layers of small blocks, and as "
        "a network that learns it. The blocks share their parts and need far fewer units.",
        "All 256 inputs exactly: with 2ⁿ⁻¹ = 128 units in one layer, with 2(n − 1) = 14 in three.",
        "parity.json",
    ),
    "modules": Info(
        "A network made of modules", TOPICS[6], ("M18",),
        "Blocks from the palette joined to one network; open one to look inside. Written flat "
        "it gives the same numbers.",
        "With and without modules, values and gradients are equal.",
        "modules.json",
    ),
    "data-size": Info(
        "How much data a deep network needs", TOPICS[6], ("M24",),
        "A simple baseline and a deep network on digits, with few rows and with many. On "
        "small data the simple one wins.",
        "With 50 rows the baseline is far ahead; with all 1,348 the deep network leads.",
        "data-size.gloom",
    ),
    "pretraining": Info(
        "Layer by layer, then all together", TOPICS[7], ("M19",),
        "Each layer first learns to reproduce the one below, then is fixed; at last a hundred "
        "labelled digits tune the whole. With sigmoid layers and plain descent, the same network "
        "from scratch does not get off the ground.",
        "Pre-trained it reads about 92 % of the held-out digits, from scratch a tenth; a single "
        "layer on the pixels does as well.",
        "pretraining.gloom",
    ),
    "pretraining-relu": Info(
        "Pre-training with relu and Adam", TOPICS[7], ("M19",),
        "Pre-training with today's units and today's optimizer. It hardly helps any more, "
        "which is why it went out of use.",
        "About 90 % of the held-out digits with pre-training, 86 to 90 % without.",
        "pretraining-relu.gloom",
    ),
    "all-layers-at-once": Info(
        "All layers at once with an auto-encoder", TOPICS[7], ("M20",),
        "The deep auto-encoder is trained as a whole instead of layer by layer, then tuned "
        "with the same hundred labels.",
        "Plain descent stands still, Adam comes close to what layer by layer reaches by plain "
        "descent on the same data.",
        "all-layers-at-once.gloom",
    ),
    "autoencoder": Info(
        "An auto-encoder", TOPICS[7], ("M21",),
        "z = h(Wx) and x′ = h(W′z): 64 pixels through a few numbers and back. Watch the "
        "reconstructions, and digits gather in the latent plane.",
        "The error is below a fifth of the mean picture's, like that of 16 principal directions.",
        "autoencoder.gloom",
    ),
    "autoencoder-tied": Info(
        "An auto-encoder with tied weights", TOPICS[7], ("M21",),
        "The decoder uses the encoder's weights transposed: one matrix, two terms in its "
        "gradient. Half the parameters, nearly the same pictures.",
        "With half the weights 21 % of the mean picture's error is left; untied, 15 %.",
        "autoencoder-tied.gloom",
    ),
    "denoising": Info(
        "Denoising auto-encoders", TOPICS[7], ("M22",),
        "Noise goes in, the clean picture is asked for. Beside it a plain auto-encoder that "
        "never saw noise.",
        "On noisy input the error is lower than that of the plain one, for each noise.",
        "denoising.gloom",
    ),
    "pixelcnn-2": Info(
        "PixelCNN auto-encoder, 2 numbers", TOPICS[7], ("M23",),
        "A picture goes through 2 numbers; a decoder of masked convolutions draws it again, "
        "pixel after pixel. Samples are sharp, and share little but the place with the original.",
        "Causality is exact; samples are farther from the original than with 10 numbers.",
        "pixelcnn-2.gloom",
    ),
    "pixelcnn-10": Info(
        "PixelCNN auto-encoder, 10 numbers", TOPICS[7], ("M23",),
        "The PixelCNN auto-encoder with a bottleneck of 10 numbers. Samples keep where something "
        "stands and how large it is; what it is is drawn anew.",
        "Causality is exact; samples are nearer to the original than with 2 numbers.",
        "pixelcnn-10.gloom",
    ),
    "pixelcnn-100": Info(
        "PixelCNN auto-encoder, 100 numbers", TOPICS[7], ("M23",),
        "The PixelCNN auto-encoder with a bottleneck of 100 numbers. Samples differ from the "
        "original in details only.",
        "Causality is exact; samples are nearest to the original.",
        "pixelcnn-100.gloom",
    ),
}  # fmt: skip
"""Every example by its name, in the order of the gallery."""


def names() -> list[str]:
    """The names of the examples, in the order of the gallery."""
    return list(INFO)


def info(name: str) -> Info:
    """What there is to say of an example. Raises KeyError for a name that is none."""
    return INFO[name]


def load(name: str) -> Graph:
    """An example as a new document; its data need no base folder. Raises KeyError."""
    place = importlib.resources.files("resources") / "examples" / INFO[name].file
    return files.from_bytes(place.read_bytes())


# ------------------------------------------------------------ modules


@dataclass(frozen=True)
class ModuleInfo:
    """What the palette says of a shipped module and finds it by; `file` is its definition."""

    title: str
    about: str
    file: str
    aliases: tuple[str, ...] = ()


MODULES: dict[str, ModuleInfo] = {
    "Dense": ModuleInfo(
        "Dense", "A layer x @ W + b with a number of units; follow it with an activation.",
        "dense.json", ("fc", "linear", "fully connected", "affine", "layer"),
    ),
    "MLP": ModuleInfo(
        "MLP", "Two dense layers with relu between them.", "mlp.json",
        ("multilayer perceptron", "feed forward", "ffn"),
    ),
    "ConvBlock": ModuleInfo(
        "Conv block", "A 3×3 convolution with bias, relu and pooling that halves the picture.",
        "conv-block.json", ("cnn",),
    ),
    "ResidualBlock": ModuleInfo(
        "Residual block", "Two dense layers whose result is added to what came in.",
        "residual-block.json", ("resnet", "skip"),
    ),
    "Encoder": ModuleInfo(
        "Encoder", "Two dense layers down to a short code.", "encoder.json", ("compress",),
    ),
    "Decoder": ModuleInfo(
        "Decoder", "Two dense layers from a code up to the width of the data.", "decoder.json",
        ("reconstruct",),
    ),
    "Autoencoder": ModuleInfo(
        "Autoencoder", "An encoder and a decoder: the input again, through a short code.",
        "autoencoder.json", ("ae", "bottleneck"),
    ),
    "LSTM": ModuleInfo(
        "LSTM cell", "One step of an LSTM: y is the new output, the node state the new cell state.",
        "lstm.json", ("long short-term memory", "recurrent"),
    ),
    "AttentionHead": ModuleInfo(
        "Attention head", "Queries, keys and values of a sequence, and what each place attends to.",
        "attention-head.json", ("self-attention", "heads"),
    ),
    "TransformerBlock": ModuleInfo(
        "Transformer block", "Two attention heads and two dense layers, each behind a normalization "
        "and added to what came in.",
        "transformer-block.json", ("gpt", "bert"),
    ),
}  # fmt: skip
"""Every shipped module by its name, in the order of the palette."""


def load_module(name: str) -> Graph:
    """A shipped module's definition. Raises KeyError."""
    place = importlib.resources.files("resources") / "modules" / MODULES[name].file
    return files.from_bytes(place.read_bytes())


@cache
def modules() -> dict[str, Graph]:
    """Every shipped definition by name, read once; they are never changed in place."""
    return {name: load_module(name) for name in MODULES}


class _Shipped(Mapping[str, Graph]):
    """The shipped definitions by name, each read when it is asked for."""

    def __getitem__(self, name: str) -> Graph:
        return modules()[name]

    def __contains__(self, name: object) -> bool:
        return name in MODULES

    def __iter__(self) -> Iterator[str]:
        return iter(MODULES)

    def __len__(self) -> int:
        return len(MODULES)


SHIPPED: Mapping[str, Graph] = _Shipped()
