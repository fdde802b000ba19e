"""Names and texts of a document as a Python script may have them: identifiers, and lines of comments."""

from __future__ import annotations

import keyword
import re
import textwrap
import unicodedata

_SCRIPTS_OWN = (
    "Model", "Path", "arrays", "batches", "closure", "criterion", "data", "drawn", "epoch", "float",
    "functional", "learning_rate", "len", "list", "loss", "losses", "main", "model", "nn", "np", "only",
    "optimizer", "parameter", "parameters", "prediction", "print", "range", "scheduler", "self",
    "super", "torch", "train",
)  # fmt: skip
_MODULES_OWN = (
    "T_destination", "add_module", "apply", "bfloat16", "buffers", "call_super_init", "children", "compile",
    "cpu", "cuda", "double", "dump_patches", "eval", "extra_repr", "forward", "get_buffer",
    "get_extra_state", "get_parameter", "get_submodule", "half", "ipu", "load_state_dict", "modules",
    "mtia", "named_buffers", "named_children", "named_modules", "named_parameters",
    "register_backward_hook", "register_buffer", "register_forward_hook", "register_forward_pre_hook",
    "register_full_backward_hook", "register_full_backward_pre_hook",
    "register_load_state_dict_post_hook", "register_load_state_dict_pre_hook", "register_module",
    "register_parameter", "register_state_dict_post_hook", "register_state_dict_pre_hook",
    "requires_grad_", "set_extra_state", "set_submodule", "share_memory", "state_dict", "to", "to_empty",
    "train", "training", "type", "xpu", "zero_grad",
)  # fmt: skip
_LOOPS_OWN = frozenset(
    ("batches", "closure", "epoch", "loss", "losses", "only", "optimizer", "parameter", "parameters",
     "prediction", "scheduler", "train")
)  # fmt: skip
"""What means something in the loop alone, so that the model's values may be called so."""
_MODULES = frozenset(_MODULES_OWN)
RESERVED = frozenset((*_SCRIPTS_OWN, *_MODULES_OWN))
"""What means something in the script or in PyTorch's modules."""


class Names:
    """Identifiers by what they stand for: each is given once, and no two things share one."""

    def __init__(self, stages: int = 1) -> None:
        numbered = ("criterion", "forward", "learning_rate", "train")
        self._taken = {*RESERVED, *(f"{n}_{i + 1}" for n in numbered for i in range(stages))}
        self._known: dict[str, str] = {}

    def of(self, key: str, wanted: str, in_loop: bool = True) -> str:
        """The identifier of `key`, as near to the name wanted as Python allows; `in_loop` tells that the
        loop has a variable of this name."""
        if key not in self._known:
            name = identifier(wanted)
            free = (
                not in_loop and name in _LOOPS_OWN - _MODULES and name not in self._known.values()
            )
            if name in self._taken and not free:
                stem, number = name.rstrip("_"), 2
                name = f"{stem}_"
                while name in self._taken:
                    name, number = f"{stem}_{number}", number + 1
            self._taken.add(name)
            self._known[key] = name
        return self._known[key]


def identifier(text: str) -> str:
    """A text as an identifier that is no keyword and has no meaning by its underscores."""
    plain = unicodedata.normalize("NFKC", text)
    name = re.sub(r"\W+", "_", plain).strip("_") or "v"
    if not f"{name}".isidentifier():
        name = re.sub(r"[^0-9A-Za-z_]", "_", f"v_{name}")
    return f"{name}_" if keyword.iskeyword(name) or keyword.issoftkeyword(name) else name


def comment(text: str) -> list[str]:
    """A text as lines of comments; what is no printable character is left out."""
    lines = ["".join(c for c in line if c.isprintable()) for line in text.splitlines()]
    return [f"# {part}" for line in lines for part in textwrap.wrap(line, 96)]
