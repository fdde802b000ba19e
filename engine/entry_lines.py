"""The sum behind one entry as a line in parts: symbols with indices above, numbers below."""

from __future__ import annotations

from collections.abc import Iterator

from engine.entries import Entries, Index, Sum, Term
from engine.expansion import Flat
from engine.expression import Call, Name, Number, Tree, substitute
from engine.lines import Leaf, Line, Origin, Part, bracketed, exact_text, parted
from engine.ops.row import local_of
from engine.wording import GRADIENT, Telling, call_tree, latex_short, short, simplify


def entry_line(entries: Entries, found: Sum) -> Line:
    """`∂J/∂x[k] += ∂J/∂u[j] · ∂u[j]/∂x[k] + … `, or `y[i] = a[i,j] · b[j,k] + …`.

    Where a forward entry is no sum, it is told what it depends on; of a row that goes entry by
    entry, its formula there.
    """
    step = entries.step
    telling, backward = step.telling, step.phase == "backward"
    target = step.target if backward else step.node
    name = indexed(telling.name(str(target)), found.index)
    tree = Name(GRADIENT + name if backward else name)
    origin = Origin("gradient" if backward else "value", str(target))
    sign = Part(r" \mathrel{+}= ", " += ") if backward else Part(" = ", " = ")
    equals = Part("", "", " = ", " = ")
    if backward:
        body = list(_backward(entries, found))
    elif entries.flat.op.elementwise:
        body = _formula(entries, found.index)
    elif found.adds_up:
        body = list(_sum(entries, found))
    else:
        body = list(_reads(entries, found))
        sign, equals = Part(r" \leftarrow ", " from "), Part("", "", " → ", r" \to ")
    return Line((
        Part(telling.latex(tree), telling.text(tree), origins=(origin,)), sign, *body, equals,
        Part(
            "", "", short(found.value), latex_short(found.value), (origin,),
            exact_text(found.value),
        ),
    ))  # fmt: skip


def indexed(name: str, index: Index) -> str:
    """`x[0,1]`; a single number has no index."""
    return f"{name}[{','.join(map(str, index))}]" if index else name


# ---------------------------------------------------------------- backward


def _backward(entries: Entries, found: Sum) -> Iterator[Part]:
    step, telling = entries.step, entries.step.telling
    node = step.node
    for i, term in enumerate(found.terms):
        if i:
            yield _plus()
        upstream = Name(GRADIENT + indexed(telling.name(node), term.index))
        yield _part(telling, upstream, term.factor, (Origin("gradient", node),), i > 0)
        yield _times()
        wire = Origin("wire", node, str(step.port))
        local = _local_tree(entries, term)
        if local is None:
            here = indexed(telling.name(node), term.index)
            there = indexed(telling.name(str(step.target)), found.index)
            latex = rf"\frac{{\partial {telling.latex(Name(here))}}}{{\partial {telling.latex(Name(there))}}}"
            text = f"d{here}/d{there}"
        else:  # a sum in it needs brackets beside the sign
            whole = Call("*", (Name("g"), local))
            latex = telling.latex(whole).removeprefix(r"g \cdot ")
            text = telling.text(whole).removeprefix("g * ")
        number, told = bracketed(short(term.local)), bracketed(latex_short(term.local))
        yield Part(latex, text, number, told, (wire,), exact_text(term.local))
    yield from _rest(found)


def _local_tree(entries: Entries, term: Term) -> Tree | None:
    """The local derivative of a row that goes entry by entry, in the entries that it reads."""
    flat, step = entries.flat, entries.step
    row_port = flat.op.inputs[0] if flat.op.variadic else str(step.port)
    tree = flat.op.derivative_trees[row_port]
    local = local_of(tree) if tree is not None and flat.op.elementwise else None
    if local is None:
        return None
    names = {
        "y": Name(indexed(step.telling.name(flat.id), term.index)),
        **_operands(entries, term.index),
    }
    for option, value in flat.options.items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            names.setdefault(option, Number(float(value)))
    statics = {**flat.options, "i": entries.ports.index(str(step.port))}
    return simplify(substitute(local, names), statics)


def _operands(entries: Entries, index: Index) -> dict[str, Tree]:
    """The entries of the operands that an entry of the result is made of, by port."""
    telling = entries.step.telling
    return {
        port: Name(indexed(telling.name(ref), entries.read_at(port, index)))
        if isinstance(ref, str)
        else Number(ref)
        for port, ref in zip(entries.ports, entries.flat.args, strict=True)
    }


# ---------------------------------------------------------------- forward


def _formula(entries: Entries, index: Index) -> list[Part]:
    telling, flat = entries.step.telling, entries.flat
    operands = _operands(entries, index)
    tree = call_tree(flat.op, tuple(operands[p] for p in entries.ports), flat.options)
    leaves: dict[str, Leaf] = {}
    for port, name in operands.items():
        if isinstance(name, Name) and port in entries.operands:
            value = entries.operands[port][entries.read_at(port, index)]
            before = leaves.get(name.id)
            wires = (*(before.origins if before else ()), Origin("wire", flat.id, port))
            leaves[name.id] = Leaf(value, wires)
    return parted(telling, tree, leaves, in_shapes=False)


def _sum(entries: Entries, found: Sum) -> Iterator[Part]:
    telling, flat = entries.step.telling, entries.flat
    for i, term in enumerate(found.terms):
        takes_away = term.local == -1.0 and term.partner is None
        if takes_away:
            yield Part(" - ", " - ", " - ", " - ") if i else Part("-", "-", "-", "-")
        elif i:
            yield _plus()
        factors = [(term.port, term.index, term.factor)]
        if term.partner is not None:
            port, index = term.partner
            factors.append((port, index, term.local))
        elif abs(term.local) != 1.0:
            number, told = short(term.local), latex_short(term.local)
            if i:
                number, told = bracketed(number), bracketed(told)
            yield Part(told, number, number, told)
            yield _times()
        for at, (port, index, value) in enumerate(factors):
            if at:
                yield _times()
            name = Name(indexed(telling.name(_ref(flat, entries, port)), index))
            wire = (Origin("wire", flat.id, port),)
            yield _part(telling, name, value, wire, i + at > 0 or takes_away)
    yield from _rest(found)


def _reads(entries: Entries, found: Sum) -> Iterator[Part]:
    telling, flat = entries.step.telling, entries.flat
    for i, term in enumerate(found.terms):
        if i:
            yield Part(", ", ", ", ", ", ", ")
        name = Name(indexed(telling.name(_ref(flat, entries, term.port)), term.index))
        yield _part(telling, name, term.factor, (Origin("wire", flat.id, term.port),), False)
    if found.left:
        yield Part(", ", ", ", ", ", ", ")
        text = f"{found.left} more"
        yield Part(_upright(text), text, "…", r"\ldots ")


# ---------------------------------------------------------------- parts


def _ref(flat: Flat, entries: Entries, port: str) -> str:
    return str(flat.args[entries.ports.index(port)])


def _part(
    telling: Telling, name: Name, value: float, origins: tuple[Origin, ...], inside: bool
) -> Part:
    number, told = short(value), latex_short(value)
    if inside:
        number, told = bracketed(number), bracketed(told)
    exact = exact_text(value)
    return Part(telling.latex(name), telling.text(name), number, told, origins, exact)


def _rest(found: Sum) -> Iterator[Part]:
    """What is not listed as one summed term; 0 for a sum without terms."""
    if not found.count:
        yield Part("0", "0", "0", "0")
    if found.left:
        yield _plus()
        text = f"{found.left:,} more"
        number, told = bracketed(short(found.rest)), bracketed(latex_short(found.rest))
        yield Part(_upright(text), text, number, told)


def _upright(text: str) -> str:
    return rf"\mathrm{{{text}}}".replace(" ", r"\ ").replace(",", "{,}")


def _plus() -> Part:
    return Part(" + ", " + ", " + ", " + ")


def _times() -> Part:
    return Part(r" \cdot ", " * ", " * ", r" \times ")
