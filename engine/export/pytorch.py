"""A document as a PyTorch script: its graph as a module, its recipe as the training loop of five lines.

The script runs alone with PyTorch and NumPy and computes what Gradloom does: the same starts, the same
rows in the same order, the same losses. Only what is drawn at random differs. Arrays that are too large to
be written out go to a file of the script's name in `.npz`.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import engine
from engine import files
from engine.differentiate import differentiate
from engine.expansion import Expansion, Flat, Ref, state_updates
from engine.export import expressions, loops
from engine.export.expressions import NotSpelled, Value
from engine.export.names import Names, comment
from engine.export.parts import Parts, divided, whole
from engine.export.values import ExportError, Values
from engine.flatten import expand
from engine.graph import Graph
from engine.ops.row import Array
from engine.train import data
from engine.train.problem import has_parameters, not_ready, unfinished
from engine.train.stages import Task, prepare

_HEAD = """\
# Written by Gradloom {version}: a computation graph as a PyTorch script.
# It needs PyTorch and NumPy; python {file} runs it.
"""
_IMPORTS = """
import numpy as np
import torch
from torch import nn
from torch.nn import functional
"""


@dataclass(frozen=True)
class Script:
    """The text of a script, and the arrays of the file beside it, by name."""

    text: str
    arrays: Mapping[str, Array]

    def npz(self) -> bytes:
        """The file of arrays."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as packed:
            for name, array in self.arrays.items():
                with packed.open(f"{name}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, array, allow_pickle=False)
        return buffer.getvalue()


def script(graph: Graph, base: Path | None = None, file: str = "script.py") -> Script:
    """A document as a script called `file`; `base` is the folder that its data files are relative to.

    A document with a loss is trained by its recipe, any other shows its output and its gradients.
    Raises ExportError, TrainingError or DataError with one sentence.
    """
    problem = unfinished(graph)
    if problem:
        raise ExportError(problem)
    writer = _Writer(graph)
    if has_parameters(graph) and _gives_number(graph, base):
        body = writer.trained(*prepare(graph, base, graph.recipe.seed, False, None))
    else:
        body = writer.shown(base)
    return Script(writer.headed(file) + body, writer.values.arrays)


def _gives_number(graph: Graph, base: Path | None) -> bool:
    output = str(graph.output())
    expansion = expand(graph, data.feeds(graph, base))
    step = expansion.step_of(output)
    return step is None or not expansion.spec(step).shape


def write(graph: Graph, base: Path | None, path: Path) -> list[Path]:
    """Writes a document's script, and its arrays beside it where there are any; gives the files.

    Raises what `script` does, and FileError.
    """
    made = script(graph, base, path.name)
    files.write_bytes(path, made.text.encode("utf-8"))
    beside = path.with_suffix(".npz")
    if made.arrays:
        files.write_bytes(beside, made.npz())
    return [path, beside] if made.arrays else [path]


class _Writer:
    """The pieces of one document's script."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.names, self.values = Names(len(graph.recipe.stages)), Values()
        self._data: dict[str, str] = {}

    def headed(self, file: str) -> str:
        settings = self.graph.settings
        told = [line for text in (settings["title"], settings["about"]) for line in comment(text)]
        head = _HEAD.format(version=engine.__version__, file=ascii(file)[1:-1])
        lines = [head, *(f"{line}\n" for line in ["#", *told] if told)]
        arrays = ""
        if self.values.arrays:
            lines.append("\nfrom pathlib import Path\n")
            arrays = '\narrays = np.load(Path(__file__).with_suffix(".npz"))\n'
        dtype = self.graph.dtype.name
        return f"{''.join(lines)}{_IMPORTS}\ntorch.set_default_dtype(torch.{dtype})\n{arrays}"

    # ------------------------------------------------------------ the two kinds of scripts

    def shown(self, base: Path | None) -> str:
        """The output at the document's inputs, and its gradients."""
        graph = self.graph
        output = str(graph.output())
        rows = data.feeds(graph, base)
        expansion = expand(graph, rows)
        step = self._step(expansion, output)
        parts = whole(expansion, step)
        own = [n for n in parts.sources[0] if n not in rows]
        moved = [n for n in own if expansion.spec(n).kind == "float"]
        fields = [n for n in parts.sources[0] if n in rows]
        text = self._rows_of({n: (n, rows[n]) for n in fields})
        text += self._model(parts.expansion.feeds, own, moved, [("forward", parts)])
        name = repr(graph.name(output))
        return text + loops.shown(name, [self._data[n] for n in fields], bool(moved), parts.draws)

    def trained(self, tasks: Sequence[Task], start: Mapping[str, Array]) -> str:
        """The recipe's stages."""
        found = [self._divided(task, start) for task in tasks]
        every: dict[str, Array] = {}
        own: dict[str, None] = {}
        fields: dict[str, tuple[str, Array]] = {}
        for task, (parts, _) in zip(tasks, found, strict=True):
            for node in (*parts.sources[0], *parts.sources[1]):
                if node in task.data and task.dataset is not None:
                    key = "/".join(task.nodes[node])
                    fields.setdefault(node, (key, task.take(node, task.dataset.train)))
                else:
                    own[node] = None
                    every[node] = start.get(node, parts.expansion.feeds[node])
        moved = list(dict.fromkeys(n for _, trained in found for n in trained))
        methods: dict[str, tuple[str, Parts]] = {}
        for number in reversed(range(len(tasks))):
            loss = tasks[number].loss_node
            suffix = "" if not methods else f"_{number + 1}"
            methods.setdefault(loss, (suffix, found[number][0]))
        listed = list(methods.values())[::-1]
        text = self._rows_of(fields)
        shuffles = [t.dataset.shuffle for t in tasks if t.dataset is not None and t.data]
        mixes = False
        if shuffles:
            mixes = any(shuffles) and any(t.steps_per_epoch > 1 for t in tasks)
            text += loops.batches(tasks[0].seed, mixes, mixes and not all(shuffles))
        text += self._model(every, list(own), moved, [(f"forward{s}", p) for s, p in listed])
        for suffix, parts in listed:
            text += self._criterion(suffix, parts)
        several = len(tasks) > 1
        text += loops.only() if several or len(found[0][1]) < len(moved) else ""
        epochs = 0
        for task, (parts, trained) in zip(tasks, found, strict=True):
            suffix, _ = methods[task.loss_node]
            read = [n for n in task.data if n in {*parts.sources[0], *parts.sources[1]}]
            text += loops.stage(
                task,
                loops.Shown(
                    suffix, several, epochs,
                    tuple(self._called(n, parts.expansion) for n in read),
                    tuple(self._data[n] for n in read),
                    tuple(self._called(n, parts.expansion) for n in parts.sources[0] if n in read),
                    tuple(self._called(n, parts.expansion) for n in parts.sources[1] if n in read),
                    tuple(f"model.{self._called(n, parts.expansion)}" for n in trained),
                    not several and len(trained) == len(moved),
                    mixes and task.dataset is not None and not task.dataset.shuffle, parts.draws,
                ),
            )  # fmt: skip
            epochs += task.stage.epochs
        return text + loops.ending([t.number for t in tasks] if several else [])

    def _divided(self, task: Task, start: Mapping[str, Array]) -> tuple[Parts, list[str]]:
        """A stage's steps, and the parameters that it moves."""
        expansion, loss = task.expand(start, task.first_rows(task.batch))
        learnt = [
            n for n, f in expansion.nodes.items() if f.op.name == "parameter" or n in task.wrt
        ]
        parts = divided(expansion, loss, learnt, task.data)
        branch = expansion.branched()
        adjoints = differentiate(branch, loss, task.wrt).adjoint
        frozen = [n for n in state_updates(branch, loss) if task.keeps(n)]
        if frozen:
            raise task.error(
                f"{self._title(frozen[0], expansion)} is a running mean that the stage keeps; "
                "a script cannot keep it, take it out of what is frozen"
            )
        return parts, [n for n in task.wrt if n in adjoints]

    def _step(self, expansion: Expansion, output: str) -> str:
        step = expansion.step_of(output)
        if isinstance(step, str):
            return step
        if step is None:
            raise ExportError(not_ready(self.graph, expansion, output))
        raise ExportError(
            f"{self.graph.name(output)} is the number {step:g} whatever comes in; "
            "export a document that computes something"
        )

    # ------------------------------------------------------------ names

    def _title(self, step: str, expansion: Expansion) -> str:
        """What people call a step."""
        return expansion.names.get(step) or self.graph.nodes[step].name

    def _called(self, step: str, expansion: Expansion) -> str:
        return self.names.of(step, self._title(step, expansion), in_loop=step in self._data)

    # ------------------------------------------------------------ pieces

    def _rows_of(self, fields: Mapping[str, tuple[str, Array]]) -> str:
        """The dictionary of data: an entry for each field, which several nodes may read."""
        known: dict[str, str] = {}
        lines = []
        for node, (key, rows) in fields.items():
            if key not in known:
                known[key] = self.names.of(node, self.graph.name(node))
                array = self.values.written(f"data_{known[key]}", rows, "    ")
                lines.append(f'    "{known[key]}": {array},\n')
            self._data[node] = known[key]
        return f"\ndata = {{\n{''.join(lines)}}}\n" if lines else ""

    def _model(
        self,
        feeds: Mapping[str, Array],
        own: Sequence[str],
        moved: Sequence[str],
        methods: Sequence[tuple[str, Parts]],
    ) -> str:
        expansion = methods[-1][1].expansion
        titles = {n: p.expansion for _, p in methods for n in p.sources[0] + p.sources[1]}
        lines = ["\n\nclass Model(nn.Module):\n"]
        if own:
            lines.append("    def __init__(self):\n        super().__init__()\n")
        for node in own:
            name = self._called(node, titles.get(node, expansion))
            array = self.values.written(name, np.asarray(feeds[node]), " " * 8)
            if node in moved:
                lines.append(f"        self.{name} = nn.Parameter({array})\n")
            else:
                lines.append(f'        self.register_buffer("{name}", {array})\n')
        for number, (name, parts) in enumerate(methods):
            between = "\n" if own or number else ""
            args = ["self", *self._arguments(parts, 0)]
            lines.append(f"{between}    def {name}({', '.join(args)}):\n")
            lines += [f"        {line}\n" for line in self._lines(parts.forward, parts, "self")]
            given = [self._read(n, parts, "self").text for n in parts.returned]
            lines.append(f"        return {', '.join(given)}\n")
        return f"{''.join(lines)}\n\nmodel = Model()\n"

    def _arguments(self, parts: Parts, place: int) -> list[str]:
        read = [n for n in parts.sources[place] if n in self._data]
        return [self._called(n, parts.expansion) for n in read]

    def _criterion(self, suffix: str, parts: Parts) -> str:
        """The loss of what the forward pass gives, as a function that is called as PyTorch's are."""
        names = [self._called(n, parts.expansion) for n in parts.returned]
        alone = len(names) == 1
        arguments = ", ".join([names[0] if alone else "prediction", *self._arguments(parts, 1)])
        lines = [f"\n\ndef criterion{suffix}({arguments}):\n"]
        if not parts.criterion:
            return f"{lines[0]}    return {names[0]}\n"
        lines += [] if alone else [f"    {', '.join(names)} = prediction\n"]
        *steps, last = self._lines(parts.criterion, parts, "model")
        lines += [f"    {line}\n" for line in steps]
        lines.append(f"    return {last.partition(' = ')[2]}\n")
        return "".join(lines)

    def _lines(self, flats: Sequence[Flat], parts: Parts, module: str) -> list[str]:
        """A line a step, in topological order."""
        found = []
        for flat in flats:
            operands = tuple(self._read(ref, parts, module) for ref in flat.args)
            try:
                value = expressions.apply(flat.op, operands, flat.options, flat.spec, module)
            except NotSpelled as error:
                raise ExportError(
                    f"{self._title(flat.id, parts.expansion)} needs the operator {error.row.name}, "
                    "which has no spelling in PyTorch; replace it to export the document"
                ) from None
            found.append(f"{self._called(flat.id, parts.expansion)} = {value.text}")
        return found

    def _read(self, ref: Ref, parts: Parts, module: str) -> Value:
        if not isinstance(ref, str):
            return expressions.number(ref)
        name = self._called(ref, parts.expansion)
        held = parts.expansion.nodes[ref].op.is_source and ref not in self._data
        return expressions.named(f"{module}.{name}" if held else name, parts.expansion.spec(ref))
