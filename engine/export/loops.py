"""The training of a script: rows in their order, optimizers, schedules, and the loop of five lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.export import expressions
from engine.export.expressions import Value, literal, named
from engine.export.names import comment
from engine.export.values import ExportError
from engine.expression import parse
from engine.shapes import Spec
from engine.train import optimizers, schedules
from engine.train.data import SHUFFLE
from engine.train.schedules import Rates
from engine.train.stages import Task

LINES = (
    "optimizer.zero_grad()",
    "prediction = model(x)",
    "loss = criterion(prediction, y)",
    "loss.backward()",
    "optimizer.step()",
)
"""The loop of slide 27, for a model of `x` whose loss compares with `y`."""
PRINTED = 25
"""Lines that a stage prints, about."""


@dataclass(frozen=True)
class Shown:
    """What a stage is called in the script and reads there.

    `suffix` tells its forward pass and criterion from others, `first` is its first epoch. `read` are the
    names of a batch's fields and `keys` theirs in the data; `given` and `compared` are the arguments of the
    model and of the criterion. `moved` are the parameters, with `every` all there are. Rows are taken as
    they stand where `stands` says so beside other stages; `draws` tells of random rows.
    """

    suffix: str
    several: bool
    first: int
    read: tuple[str, ...]
    keys: tuple[str, ...]
    given: tuple[str, ...]
    compared: tuple[str, ...]
    moved: tuple[str, ...]
    every: bool
    stands: bool
    draws: bool


def shown(name: str, keys: Sequence[str], moves: bool, draws: bool) -> str:
    """The end of a script that trains nothing: the output, and its gradients where it is one number."""
    rows = ", ".join(f'data["{key}"]' for key in keys)
    lines = [
        '\n\nif __name__ == "__main__":\n',
        f"    torch.manual_seed(0)  {_DRAWN}\n" if draws else "",
        "    model.eval()\n",
        f"    output = model({rows})\n",
        f"    print({name}, output.tolist())\n",
    ]
    if moves:
        lines += [
            "    if output.ndim == 0 and output.requires_grad:\n",
            "        output.backward()\n",
            "        for name, parameter in model.named_parameters():\n",
            "            slope = 0.0 if parameter.grad is None else parameter.grad.tolist()\n",
            '            print(f"gradient at {name}", slope)\n',
        ]
    return "".join(lines)


_DRAWN = "# what is drawn at random is drawn by PyTorch: the numbers are not Gradloom's"


def batches(seed: int, shuffles: bool, some: bool) -> str:
    """The rows of an epoch as training takes them; `some` stages take them as they stand."""
    mixed = ", mixed=True" if some else ""
    lines = [
        f"\n\ndef batches(epoch, size, *fields{mixed}):\n",
        '    """The rows of an epoch in the order in which Gradloom takes them."""\n',
        "    rows = np.arange(len(data[fields[0]]))\n",
    ]
    if shuffles:
        lines += [
            f"    if {'mixed and ' if some else ''}size < len(rows):\n",
            f"        key = np.array([{seed % 2**64}, {SHUFFLE << 48} + epoch], np.uint64)\n",
            "        rows = np.random.Generator(np.random.Philox(key=key)).permutation(rows)\n",
        ]
    lines += [
        "    for first in range(0, len(rows), size):\n",
        "        chosen = torch.from_numpy(rows[first : first + size])\n",
        "        yield [data[field][chosen] for field in fields]\n",
    ]
    return "".join(lines)


def only() -> str:
    return (
        "\n\ndef only(*parameters):\n"
        '    """Lets these move and no others."""\n'
        "    for parameter in model.parameters():\n"
        "        parameter.requires_grad_(False)\n"
        "    return [parameter.requires_grad_(True) for parameter in parameters]\n"
    )


# ---------------------------------------------------------------- optimizers

_BETAS: dict[str, str | tuple[str, ...]] = {
    "betas": ("beta1", "beta2"),
    "eps": "eps",
    "weight_decay": "weight_decay",
}
_OPTIMIZERS: dict[str, tuple[str, Mapping[str, str | tuple[str, ...]], str]] = {
    "sgd": ("SGD", {"weight_decay": "weight_decay"}, ""),
    "momentum": ("SGD", {"momentum": "momentum", "weight_decay": "weight_decay"}, ""),
    "nesterov": (
        "SGD", {"momentum": "momentum", "weight_decay": "weight_decay"}, ", nesterov=True",
    ),
    "adagrad": ("Adagrad", {n: n for n in ("lr_decay", "eps", "weight_decay")}, ""),
    "adadelta": ("Adadelta", {n: n for n in ("rho", "eps", "weight_decay")}, ""),
    "rmsprop": (
        "RMSprop", {n: n for n in ("alpha", "eps", "momentum", "centered", "weight_decay")}, "",
    ),
    "adam": ("Adam", _BETAS, ""),
    "adamw": ("AdamW", _BETAS, ""),
    "lbfgs": (
        "LBFGS",
        {n: n for n in ("max_iter", "max_eval", "tolerance_grad", "tolerance_change", "history_size")},
        "",
    ),
}  # fmt: skip
"""PyTorch's class of each optimizer, its keywords by our settings; the others are written by their rule."""

_ALWAYS = ("momentum",)
"""Settings whose default is not PyTorch's."""
_WHOLE = ("max_iter", "max_eval", "history_size")


def _optimizer(task: Task, parameters: str, rate: float) -> tuple[str, str]:
    """The line that makes a stage's optimizer, and the class it needs if PyTorch has none."""
    stage = task.stage
    row = optimizers.find(stage.optimizer)
    numbers = row.settled(stage.settings)
    if row.name not in _OPTIMIZERS:
        name = "".join(word.capitalize() for word in row.name.split("_"))
        given = "".join(f", {k}={_text(v)}" for k, v in numbers.items())
        return f"{name}({parameters}, lr={_text(rate)}{given})", _by_rule(name, row)
    called, keywords, more = _OPTIMIZERS[row.name]
    lines = []
    for keyword, settings in keywords.items():
        names = settings if isinstance(settings, tuple) else (settings,)
        plain = all(numbers[n] == row.settings[n].default for n in names)
        if plain and not (set(names) & set(_ALWAYS) and any(numbers[n] for n in names)):
            continue
        values = [int(numbers[n]) if n in _WHOLE else numbers[n] for n in names]
        shown = values[0] if len(values) == 1 else tuple(values)
        lines.append(f", {keyword}={_text(bool(shown) if keyword == 'centered' else shown)}")
    if numbers.get("strong_wolfe"):
        more += ", line_search_fn='strong_wolfe'"
    return f"torch.optim.{called}({parameters}, lr={_text(rate)}{''.join(lines)}{more})", ""


def _text(value: object) -> str:
    return Value(literal(value), Spec()).text


def _by_rule(name: str, row: optimizers.Optimizer) -> str:
    """An optimizer as a class of PyTorch's, its update rule written out."""
    known = {n: named(n, Spec()) for n in ("p", "g", "lr", "t", *row.states)}
    numbers = {n: named(n, Spec()) for n in row.settings}
    settings = ", ".join(row.settings)
    lines = [
        f"\n\nclass {name}(torch.optim.Optimizer):\n",
        *(f"    {line}\n" for line in comment(f"{row.doc} {row.source}.")),
        f"    def __init__(self, parameters, lr, {settings}):\n",
        f"        super().__init__(parameters, dict(lr=lr, {', '.join(f'{n}={n}' for n in row.settings)}))\n",
        "\n    @torch.no_grad()\n    def step(self):\n        for group in self.param_groups:\n",
        f"            lr, {settings} = (group[name] for name in {('lr', *row.settings)!r})\n",
        '            for parameter in group["params"]:\n',
        "                state = self.state[parameter]\n",
        "                p, g = parameter.clone(), parameter.grad\n",
        '                t = state.get("t", 0) + 1\n',
    ]
    pad = " " * 16
    lines += [f'{pad}{n} = state.get("{n}", torch.zeros_like(p))\n' for n in row.states]
    for statement in row.statements:
        value = expressions.formula(statement.tree, {**known, **numbers}, {}, "self")
        lines.append(f"{pad}{statement.target} = {value.text}\n")
    lines.append(f"{pad}state.update(t=t, {', '.join(f'{n}={n}' for n in row.states)})\n")
    lines.append(f"{pad}parameter.copy_(p)\n")
    return "".join(lines)


# ---------------------------------------------------------------- schedules


def _schedule(task: Task, suffix: str) -> tuple[str, float]:
    """The function that gives the rate of a step, "" where all have the same; and that of the first."""
    stage = task.stage
    rates = Rates(stage, task.steps_per_epoch)
    if not rates.varies:
        return "", rates.at(0)
    row = rates.row
    names: dict[str, Value] = {
        n: expressions.number(v) for n, v in row.settled(stage.schedule_settings).items()
    }
    steps = max(task.steps, 1)
    told = {
        "lr": stage.learning_rate, "steps": steps, "epochs": stage.epochs, "pi": 3.141592653589793,
        "total": max(stage.epochs, 1) if stage.per_epoch else steps,
    }  # fmt: skip
    names |= {n: expressions.number(float(v)) for n, v in told.items()}
    names |= {n: named(n, Spec()) for n in ("t", "epoch")}
    each = task.steps_per_epoch
    counted = "step" if each == 1 else f"step // {each}"
    lines = [
        f"\n\ndef learning_rate{suffix}(step):\n",
        *(f"    {line}\n" for line in comment(f"{row.label}: {row.doc}")),
        f"    epoch = torch.tensor(float({counted}), dtype=torch.float64)\n",
        f"    t = {'epoch' if stage.per_epoch else 'torch.tensor(float(step), dtype=torch.float64)'}\n",
    ]
    text = stage.formula if row is schedules.OWN else row.formula
    value = names["lr"]
    for number, statement in enumerate(parse(text)):
        value = expressions.formula(statement.tree, names, {})
        if value.is_number:
            names[str(statement.target)] = value
            continue
        name = f"v{number}"
        lines.append(f"    {name} = {value.text}\n")
        if statement.target is not None:
            names[statement.target] = named(name, Spec())
    lines.append(f"    return float({value.text if value.is_number else name})\n")
    return "".join(lines), 1.0


# ---------------------------------------------------------------- the loop


def stage(task: Task, told: Shown) -> str:
    """A stage as a function that trains the model and gives the loss of each step."""
    recipe = task.stage
    if recipe.patience or recipe.schedule == schedules.PLATEAU.name:
        raise ExportError(
            f"{task.name}a script cannot end or slow a training by its losses yet; "
            "set patience to 0 and choose another schedule to export it"
        )
    suffix = f"_{task.number + 1}" if told.several else ""
    with task.naming():
        rates, rate = _schedule(task, suffix)
        chosen = "model.parameters()" if told.every else f"only({', '.join(told.moved)})"
        cuts = _cuts(task)
        making, needed = _optimizer(task, "parameters" if cuts else chosen, rate)
    lines = [f"\n\ndef train{suffix}():\n"]
    lines += [f"    {line}\n" for line in comment(recipe.title)]
    lines += [f"    torch.manual_seed({task.seed % 2**63})  {_DRAWN}\n"] if told.draws else []
    lines += ["    losses = []\n"]
    lines += [f"    parameters = list({chosen})\n"] if cuts else []
    lines += [f"    optimizer = {making}\n"]
    if rates:
        lines += [
            f"    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, learning_rate{suffix})\n"
        ]
    last = told.first + recipe.epochs
    epochs = f"{told.first}, {last}" if told.first else f"{last}"
    lines += [f"    for epoch in range({epochs}):\n"]
    pad = " " * 8
    if told.read:
        fields = ", ".join(f'"{key}"' for key in told.keys)
        mixed = ", mixed=False" if told.stands else ""
        names = ", ".join(told.read) if len(told.read) > 1 else f"({told.read[0]},)"
        lines += [f"{pad}for {names} in batches(epoch, {task.batch}, {fields}{mixed}):\n"]
        pad += " " * 4
    lines += [
        f"{pad}{line}\n" for line in _five(told, cuts, making.startswith("torch.optim.LBFGS"))
    ]
    lines += [f"{pad}losses.append(loss.item())\n"]
    lines += [f"{pad}scheduler.step()\n"] if rates else []
    lines += _told(task, told)
    return f"{rates}{needed}{''.join(lines)}    return losses\n"


def _five(told: Shown, cuts: list[str], encloses: bool) -> list[str]:
    """The five lines; an optimizer that evaluates the loss several times is given the first four."""
    model = f"model.forward{told.suffix}" if told.suffix else "model"
    zero, _, _, backward, step = LINES
    lines = [
        zero,
        f"prediction = {model}({', '.join(told.given)})",
        f"loss = criterion{told.suffix}({', '.join(('prediction', *told.compared))})",
        backward,
        *cuts,
    ]
    if not encloses:
        return [*lines, step]
    return ["def closure():", *(f"    {line}" for line in lines), "    return loss", "",
            step.replace("()", "(closure)").replace("optimizer", "loss = optimizer", 1)]  # fmt: skip


def _cuts(task: Task) -> list[str]:
    """What is done to gradients before the step."""
    stage = task.stage
    lines = []
    if stage.l1_penalty:
        penalty = f"{_text(stage.l1_penalty)} * torch.sign(parameter.detach())"
        lines += ["for parameter in parameters:", f"    parameter.grad += {penalty}"]
    if stage.clip_value:
        lines.append(f"nn.utils.clip_grad_value_(parameters, {_text(stage.clip_value)})")
    if stage.clip_norm:
        lines.append(f"nn.utils.clip_grad_norm_(parameters, {_text(stage.clip_norm)})")
    return lines


def _told(task: Task, told: Shown) -> list[str]:
    """What is printed as training goes."""
    each = task.steps_per_epoch
    every = max(round(task.stage.epochs / PRINTED), 1)
    mean = "losses[-1]" if each == 1 else f"np.mean(losses[-{each}:])"
    word = "epoch" if told.read else "step"
    line = f'print(f"{word} {{epoch + 1}}: loss {{{mean}:.12g}}")\n'
    if every == 1:
        return [f"        {line}"]
    return [f"        if (epoch + 1) % {every} == 0:\n", f"            {line}"]


def ending(stages: Sequence[int]) -> str:
    """What runs when the script is run."""
    if not stages:
        return '\n\nif __name__ == "__main__":\n    train()\n'
    lines = "".join(f'    print("stage {n + 1}")\n    train_{n + 1}()\n' for n in stages)
    return f'\n\nif __name__ == "__main__":\n{lines}'
