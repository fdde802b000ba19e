"""What rows are called in PyTorch; one that is not here is written through its formula.

A spelling is a Python expression over the row's ports and options by their names, with `torch`,
`functional` and `self` (the module that computes it) beside them; a variadic row's port is the list of
its operands. Where it depends on options or shapes it is a function of the options and the operands'
specs that gives the expression, "" for none. Numbers of shapes never stand in one: a script serves any
number of rows. Values and slopes at ties are those of the row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine import ops
from engine.expression import Call
from engine.ops.indexing import index_of
from engine.ops.linear import axes_order
from engine.ops.row import Op
from engine.shapes import Options, ShapeError, Spec, axes_of

Spelling = str | Callable[..., str]
"""A template, or `spelling(options, *operand specs) -> template`."""

_TANH = ", approximate='tanh'"
_FLOAT = "torch.get_default_dtype()"


def spelled(row: Op, options: Options, specs: tuple[Spec, ...]) -> str:
    """The template of a row for these options and operands; "" where its formula is to be written."""
    found = _SPELLINGS.get(row.name, "") if ops.TABLE.get(row.name) is row else ""
    return found if isinstance(found, str) else found(options, *specs)


def is_written(row: Op) -> bool:
    """Whether a row's formula says more than its own name."""
    tree = row.formula_tree
    return not row.is_source and not (isinstance(tree, Call) and tree.name == row.name)


# ---------------------------------------------------------------- parts of spellings


def _reduced(name: str, every: str = "") -> Spelling:
    """A sum along axes: `every` is the call for all of them where PyTorch wants none named."""

    def spelling(options: Options, x: Spec) -> str:
        keep = ", keepdim=True" if options["keepdims"] else ""
        if options["axis"] is None and not keep:
            return every or f"x.{name}()"
        axes = repr(axes_of(options["axis"], x.rank)) if options["axis"] is None else "axis"
        return f"x.{name}({axes}{keep})" if axes != "()" else "x"

    return spelling


def _logsumexp(options: Options, x: Spec) -> str:
    axes = axes_of(options["axis"], x.rank)
    keep = ", keepdim=True" if options["keepdims"] else ""
    return f"torch.logsumexp(x, {axes!r}{keep})" if axes else "x"


def _spread(name: str) -> Spelling:
    def spelling(options: Options, x: Spec) -> str:
        keep = ", keepdim=True" if options["keepdims"] else ""
        return f"x.{name}(axis, correction=correction{keep})"

    return spelling


def _product(options: Options, x: Spec) -> str:
    keep = ", keepdim=True" if options["keepdims"] else ""
    axes = axes_of(options["axis"], x.rank)
    if options["axis"] is None and not keep:
        return "x.prod()"
    return "x" + "".join(f".prod({a}{keep})" for a in reversed(axes))


def _norm(options: Options, x: Spec) -> str:
    keep = ", keepdim=True" if options["keepdims"] else ""
    return f"torch.linalg.vector_norm(x, order, axis{keep})"


def _best(name: str) -> Spelling:
    def spelling(options: Options, x: Spec) -> str:
        keep = ", keepdim=True" if options["keepdims"] else ""
        return f"x.{name}(axis{keep})"

    return spelling


def _pair(template: str) -> Spelling:
    """A loss that PyTorch has for two values of one shape."""
    return lambda options, a, b: template if a.shape == b.shape else ""


def _changed(options: Options, defaults: Mapping[str, object]) -> str:
    """Options by name, those left out that stand at PyTorch's default."""
    return "".join(f", {name}={name}" for name, plain in defaults.items() if options[name] != plain)


_SLID = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}


def _slid(name: str) -> Spelling:
    return lambda options, x, w: f"functional.{name}(x, w{_changed(options, _SLID)})"


def _transposed(options: Options, x: Spec, w: Spec) -> str:
    more = _changed(options, {**_SLID, "output_padding": 0})
    return f"functional.conv_transpose2d(x, w{more})"


def _pooled(name: str) -> Spelling:
    def spelling(options: Options, x: Spec) -> str:
        stride = ", stride=stride" if options["stride"] else ""
        return f"functional.{name}(x, window{stride}{_changed(options, {'padding': 0})})"

    return spelling


def _enlarged(options: Options, x: Spec) -> str:
    factor = options["factor"]
    factors = factor if isinstance(factor, tuple) else (factor, factor)
    call = f"functional.interpolate({{}}, scale_factor={factors!r}, mode=mode)"
    return call.format("x") if x.rank == 4 else call.format("x[None]") + "[0]"


def _causal(options: Options, w: Spec) -> str:
    """Entries of a window before its centre, in reading order; of type B the centre too."""
    rows, columns = w.shape[-2:]
    last = rows // 2 * columns + columns // 2 + (options["type"] == "B")
    return f"w * (torch.arange({rows * columns}).reshape({rows}, {columns}) < {last})"


def _flat_rows(call: str) -> Spelling:
    """A loss over rows of classes, whose target is a class or a share for each."""

    def spelling(options: Options, logits: Spec, target: Spec) -> str:
        scores, wanted = list(_names(call))
        rows = f"{scores}.flatten(0, -2)" if logits.rank > 2 else scores
        if target.rank < logits.rank:
            whole = wanted if target.kind == "int" else f"{wanted}.long()"
            goal = f"{whole}.flatten()" if logits.rank > 2 else whole
        else:
            goal = f"{wanted}.flatten(0, -2)" if logits.rank > 2 else wanted
        smooth = ", label_smoothing=label_smoothing" if options.get("label_smoothing") else ""
        return f"functional.{call.partition('(')[0]}({rows}, {goal}{smooth})"

    return spelling


def _names(call: str) -> list[str]:
    return [name.strip() for name in call.partition("(")[2].rstrip(")").split(",")]


def _nll(options: Options, scores: Spec, target: Spec) -> str:
    if target.rank == scores.rank:
        return ""
    found = _flat_rows("nll_loss(log_probabilities, target)")
    assert not isinstance(found, str)
    return found(options, scores, target)


def _divergence(options: Options, prediction: Spec, target: Spec) -> str:
    if prediction.shape != target.shape or prediction.rank < 1:
        return ""
    rows = [f"{name}.reshape(-1, {name}.shape[-1])" for name in ("log_prediction", "target")]
    return f"functional.kl_div({', '.join(rows)}, reduction='batchmean')"


def _hot(options: Options, target: Spec, logits: Spec) -> str:
    if target.rank == logits.rank:
        rows = "target"
    else:
        whole = "target" if target.kind == "int" else "target.long()"
        rows = f"functional.one_hot({whole}, logits.shape[-1]).to({_FLOAT})"
    if not options["label_smoothing"]:
        return rows
    return f"{rows} * (1 - label_smoothing) + label_smoothing / logits.shape[-1]"


def _clipped(options: Options, x: Spec) -> str:
    return "x.clamp(low, high)"


def _chosen(options: Options, condition: Spec, a: Spec, b: Spec) -> str:
    holds = "condition" if condition.kind == "bool" else "condition != 0"
    return f"torch.where({holds}, a, b)"


def _permuted(options: Options, x: Spec) -> str:
    return f"x.permute({axes_order(options, x)!r})"


def _flipped(options: Options, x: Spec) -> str:
    return f"x.flip({axes_of(options['axis'], x.rank)!r})"


def _rolled(options: Options, x: Spec) -> str:
    axis = options["axis"]
    shifts = (options["shift"],) * len(axis) if isinstance(axis, tuple) else options["shift"]
    return f"x.roll({shifts!r}, axis)" if axis is not None else f"x.roll({shifts!r})"


def _tiled(options: Options, x: Spec) -> str:
    reps = options["reps"]
    return f"x.tile({reps if isinstance(reps, tuple) else (reps,)!r})"


def _padded(options: Options, x: Spec) -> str:
    widths = options["widths"]
    pairs = widths if isinstance(widths, tuple) else (widths,) * (2 * x.rank)
    backward = tuple(n for i in reversed(range(x.rank)) for n in pairs[2 * i : 2 * i + 2])
    if options["mode"] == "constant":
        filled = ", value=value" if options["value"] else ""
        return f"functional.pad(x, {backward!r}{filled})"
    if not 1 <= x.rank <= 3:
        return ""
    mode = {"edge": "replicate"}.get(options["mode"], options["mode"])
    return f"functional.pad(x[None, None], {backward!r}, {mode!r})[0, 0]"


def _bracket(text: str, specs: tuple[Spec, ...]) -> str:
    """An index as PyTorch takes it, `xs[1]`, `xs[2]` ... in its marked places; "" where it does not."""
    try:
        parts = index_of(text, list(range(1, len(specs) + 1)))
    except ShapeError:
        return ""
    marks = [part.strip() == "#" for part in text.split(",")]
    told = []
    for part, marked in zip(parts, marks, strict=True):
        if marked:
            whole = specs[part - 1].kind != "float"
            told.append(f"xs[{part}]" if whole else f"xs[{part}].long()")
        elif isinstance(part, slice):
            if part.step is not None and part.step < 0:
                return ""
            bounds = [part.start, part.stop] + ([part.step] if part.step is not None else [])
            told.append(":".join("" if b is None else str(b) for b in bounds))
        else:
            told.append("..." if part is ... else str(part))
    return ", ".join(told)


def _indexed(options: Options, x: Spec) -> str:
    found = _bracket(options["at"], ())
    return f"x[{found}]" if found else ""


def _picked(options: Options, *xs: Spec) -> str:
    found = _bracket(options["at"], xs[1:])
    return f"xs[0][{found}]" if found else ""


def _pieces(options: Options, x: Spec) -> str:
    axis = options["axis"]
    return f"x.unflatten(axis, (-1, pieces)).amax({axis + 1 if axis >= 0 else axis})"


def _einsum(options: Options, *xs: Spec) -> str:
    said = options["subscripts"]
    said = said if "->" in said else said + "->" * (said == "ij,ij")
    return f"torch.einsum({said!r}, xs)"


def _batch_norm(options: Options, x: Spec, *vectors: Spec) -> str:
    """Running statistics move in the call; PyTorch's gives no slope by them, so in use it is written out."""
    if options["training"]:
        return "functional.batch_norm(x, mean, variance, gain, bias, self.training, momentum, eps)"
    along = repr((-1, *(1,) * (x.rank - 2)))
    centred = f"(x - mean.reshape({along})) / torch.sqrt(variance.reshape({along}) + eps)"
    return f"{centred} * gain.reshape({along}) + bias.reshape({along})"


def _over(options: Options, x: Spec) -> str:
    axes = (-1,) if options["over"] == "row" else (0, *range(2, x.rank))
    mean = f"x.mean({axes!r}, keepdim=True)"
    return f"(x - {mean}) / torch.sqrt(x.var({axes!r}, correction=0, keepdim=True) + eps)"


def _per_channel(options: Options, v: Spec, like: Spec) -> str:
    return f"v.reshape({(-1, *(1,) * (like.rank - 2))!r})"


def _size(options: Options, x: Spec) -> str:
    if options["axis"] is None:
        return "torch.tensor(float(x.numel()))"
    sizes = [f"x.shape[{a}]" for a in axes_of(options["axis"], x.rank)]
    return f"torch.tensor(float({' * '.join(sizes) or '1'}))"


def _expanded(options: Options, x: Spec, like: Spec) -> str:
    axes = () if options["keepdims"] else axes_of(options["axis"], like.rank)
    return "x" + "".join(f".unsqueeze({a})" for a in axes) + ".expand(like.shape)"


def _as_matrix(options: Options, g: Spec, a: Spec, b: Spec) -> str:
    return "g_" + ".unsqueeze(-1)" * (b.rank == 1) + ".unsqueeze(-2)" * (a.rank == 1)


def _numbered(name: str) -> Spelling:
    """Entries read or added along an axis; PyTorch does not count from the end."""

    def spelling(options: Options, x: Spec, indices: Spec, *rest: Spec) -> str:
        whole = "indices" if indices.kind == "int" else "indices.long()"
        more = ", source" if rest else ""
        return f"torch.{name}(x, axis, {whole} % x.shape[axis]{more})"

    return spelling


def _one_hot(options: Options, indices: Spec) -> str:
    whole = "indices" if indices.kind == "int" else "indices.long()"
    return f"functional.one_hot({whole}, classes).to({_FLOAT})"


def _looked_up(options: Options, table: Spec, indices: Spec) -> str:
    return "table[indices]" if indices.kind == "int" else "table[indices.long()]"


def _normal(options: Options, like: Spec) -> str:
    spread = "" if options["deviation"] == 1 else "deviation * "
    return ("" if options["mean"] == 0 else "mean + ") + f"{spread}torch.randn_like(like)"


def _uniform(options: Options, like: Spec) -> str:
    plain = (options["low"], options["high"]) == (0, 1)
    return "torch.rand_like(like)" if plain else "low + (high - low) * torch.rand_like(like)"


def _accuracy(options: Options, logits: Spec, target: Spec) -> str:
    return f"(logits.argmax(-1) == target).to({_FLOAT}).mean()"


_SPELLINGS: dict[str, Spelling] = {
    "add": "a + b", "sub": "a - b", "mul": "a * b", "div": "a / b", "pow": "a ** b", "neg": "-x",
    "square": "x ** 2", "abs": "torch.abs(x)", "sign": "torch.sign(x)", "maximum": "torch.maximum(a, b)",
    "minimum": "torch.minimum(a, b)", "clip": _clipped, "mod": "torch.remainder(a, b)",
    "floor": "torch.floor(x)", "ceil": "torch.ceil(x)", "round": "torch.round(x)",
    "exp": "torch.exp(x)", "log": "torch.log(x)", "sqrt": "torch.sqrt(x)", "expm1": "torch.expm1(x)",
    "log1p": "torch.log1p(x)", "exp2": "torch.exp2(x)", "log2": "torch.log2(x)", "log10": "torch.log10(x)",
    "rsqrt": "torch.rsqrt(x)", "cbrt": "torch.sign(x) * torch.abs(x) ** (1 / 3)", "erf": "torch.erf(x)",
    "erfc": "torch.erfc(x)", "lgamma": "torch.lgamma(x)", "digamma": "torch.digamma(x)",
    "sin": "torch.sin(x)", "cos": "torch.cos(x)", "tan": "torch.tan(x)", "tanh": "torch.tanh(x)",
    "sinh": "torch.sinh(x)", "cosh": "torch.cosh(x)", "asin": "torch.asin(x)", "acos": "torch.acos(x)",
    "atan": "torch.atan(x)", "asinh": "torch.asinh(x)", "acosh": "torch.acosh(x)", "atanh": "torch.atanh(x)",
    "atan2": "torch.atan2(a, b)",
    "sigmoid": "torch.sigmoid(x)", "relu": "torch.relu(x)",
    "leaky_relu": "functional.leaky_relu(x, slope)", "elu": "functional.elu(x, alpha)",
    # beyond the threshold it is x: exp(-50) is below the last digit
    "softplus": "functional.softplus(x, threshold=50)", "prelu": "torch.where(x > 0, x, slope * x)",
    "selu": "functional.selu(x)",
    # its own takes 1 / alpha in float32; the clamp keeps the branch that is not taken finite
    "celu": "torch.where(x > 0, x, alpha * torch.expm1(x.clamp(max=0) / alpha))",
    "gelu": lambda o, x: f"functional.gelu(x{_TANH if o['approximate'] else ''})",
    "silu": "functional.silu(x)", "mish": "functional.mish(x)", "softsign": "functional.softsign(x)",
    "logsigmoid": "functional.logsigmoid(x)", "hardtanh": "functional.hardtanh(x, low, high)",
    "relu6": "functional.relu6(x)", "hardsigmoid": "functional.relu6(x + 3) / 6",
    "hardswish": "functional.hardswish(x)", "maxout": _pieces, "glu": "functional.glu(x, axis)",
    "softmax": "torch.softmax(x, axis)", "log_softmax": "torch.log_softmax(x, axis)",
    "matmul": "a @ b", "T": "x.mT", "outer": "torch.outer(a, b)", "permute": _permuted,
    "diagonal": "x.diagonal(offset, -2, -1)", "trace": "x.diagonal(0, -2, -1).sum(-1)", "einsum": _einsum,
    "inverse": "torch.linalg.inv(x)", "solve": "torch.linalg.solve(a, b)",
    "cholesky": "torch.linalg.cholesky(x)", "det": "torch.linalg.det(x)", "logdet": "torch.logdet(x)",
    "sum": _reduced("sum"), "mean": _reduced("mean"), "max": _reduced("amax"), "min": _reduced("amin"),
    "logsumexp": _logsumexp, "prod": _product, "var": _spread("var"), "std": _spread("std"), "norm": _norm,
    "argmax": _best("argmax"), "argmin": _best("argmin"),
    "cumsum": "x.cumsum(axis)", "cumprod": "x.cumprod(axis)",
    "reshape": "x.reshape(shape)", "flatten": "x.flatten(1)", "concat": "torch.cat(xs, axis)",
    "stack": "torch.stack(xs, axis)", "split": "x.chunk(parts, axis)[part]",
    "broadcast_to": "torch.broadcast_to(x, shape)", "unsqueeze": "x.unsqueeze(axis)",
    "squeeze": lambda o, x: "x.squeeze()" if o["axis"] is None else "x.squeeze(axis)",
    "flip": _flipped, "roll": _rolled, "tile": _tiled, "pad": _padded, "index": _indexed, "pick": _picked,
    "gather": _numbered("gather"), "scatter_add": _numbered("scatter_add"), "one_hot": _one_hot,
    "gt": "a > b", "ge": "a >= b", "lt": "a < b", "le": "a <= b", "eq": "a == b", "ne": "a != b",
    "where": _chosen, "reroute": "x",
    "conv1d": _slid("conv1d"), "conv2d": _slid("conv2d"), "conv_transpose2d": _transposed,
    "causal_mask": _causal, "max_pool1d": _pooled("max_pool1d"), "max_pool2d": _pooled("max_pool2d"),
    "avg_pool2d": _pooled("avg_pool2d"), "global_avg_pool": "x.mean((-2, -1))", "upsample": _enlarged,
    "layer_norm": "functional.layer_norm(x, x.shape[-1:], gain, bias, eps)",
    "group_norm": "functional.group_norm(x, groups, gain, bias, eps)", "batch_norm": _batch_norm,
    "embedding": _looked_up, "piece": "x.chunk(parts, -1)[part]",
    "attention": "functional.scaled_dot_product_attention(q, k, v, is_causal=causal)",
    "standardize": _over, "per_channel": _per_channel, "split_groups": "x.reshape(x.shape[0], groups, -1)",
    "random_normal": _normal, "random_uniform": _uniform,
    "random_bernoulli": "torch.bernoulli(torch.full_like(like, p))",
    "dropout": "functional.dropout(x, rate, self.training)",
    "salt_and_pepper": "torch.where((drawn := torch.rand_like(x)) < share / 2, low, "
                       "torch.where(drawn < share, high, x))",
    "mse": _pair("functional.mse_loss(prediction, target)"),
    "mae": _pair("functional.l1_loss(prediction, target)"),
    "huber": _pair("functional.huber_loss(prediction, target, delta=delta)"),
    "smooth_l1": _pair("functional.smooth_l1_loss(prediction, target, beta=beta)"),
    "bce": _pair("functional.binary_cross_entropy(probabilities, target)"),
    "bce_with_logits": _pair("functional.binary_cross_entropy_with_logits(logits, target)"),
    "softmax_cross_entropy": _flat_rows("cross_entropy(logits, target)"), "nll": _nll, "kl_div": _divergence,
    "hinge": "torch.relu(margin - scores * target).mean()", "l1": "w.abs().sum()", "l2": "(w ** 2).sum()",
    "cosine_similarity": "functional.cosine_similarity(a, b, axis)", "max_norm": "w.abs().amax()",
    "cosine_loss": "(1 - functional.cosine_similarity(prediction, target, -1)).mean()",
    "accuracy": _accuracy, "max_abs_error": "(prediction - target).abs().amax()",
    "sum_to": "x.sum_to_size(like.shape)", "spread_as": "x.expand(like.shape)", "expand_as": _expanded,
    "reshape_as": "x.reshape(like.shape)", "size": _size, "as_one_hot": _hot, "as_matrix": _as_matrix,
    "row": lambda o, x: "x[None, :]" if x.rank == 1 else "x",
    "column": lambda o, x: "x[:, None]" if x.rank == 1 else "x",
    "drop_column": lambda o, x, like: "x[..., 0]" if like.rank == 1 else "x",
}  # fmt: skip
"""Every spelling by the row's name."""
