"""Names of derivatives: `dJ_du1` for ∂J/∂u1, and back.

Names of one letter and digits are written together (`d2J_dx2`, `d2J_dxdy`), others apart
(`d_loss_d_W_out`, `d2_loss_d_w_d_w`), so that no word with a d in it is read as a derivative.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import groupby

_SHORT = r"[^\W\d_]\d*"
_TOGETHER = re.compile(rf"d(\d*)({_SHORT})_((?:d{_SHORT})+?)(?:_?(\d+))?")
_APART = re.compile(r"d(\d*)_(?!d_)(\w+?)_d_(\w+)")
_NUMBERED = re.compile(r"(.*?)(?:\.(\d+))?")


def derivative_name(root: str, by: Sequence[str]) -> str | None:
    """A name for the derivative of `root` by `by[0]`, then `by[1]`, ...; None where there is
    none that can be read back."""
    parts = [part.replace(".", "_") for part in (root, *by)]
    order = str(len(by)) if len(by) > 1 else ""
    if all(re.fullmatch(_SHORT, part) for part in parts):
        below = parts[1:]
        if len(below) > 1 and len(set(below)) == 1:
            power = f"_{order}" if below[0][-1].isdigit() else order
            name = f"d{order}{parts[0]}_d{below[0]}{power}"
        else:
            name = f"d{order}{parts[0]}_" + "".join(f"d{part}" for part in below)
    else:
        name = f"d{order}_{parts[0]}" + "".join(f"_d_{part}" for part in parts[1:])
    found = read_derivative(name)
    return name if found is not None and found[:2] == (parts[0], tuple(parts[1:])) else None


@lru_cache(maxsize=4096)
def read_derivative(name: str) -> tuple[str, tuple[str, ...], str] | None:
    """What a name is the derivative of, by what, and the number behind it that tells it from another
    one of that name; None for other names."""
    if not name.startswith("d"):
        return None
    plain = _NUMBERED.fullmatch(name)
    assert plain is not None
    stem, number = plain[1], plain[2] or ""
    if found := _APART.fullmatch(stem):
        by = tuple(found[3].split("_d_"))
        return (found[2], by, number) if _count(found[1]) == len(by) else None
    found = _TOGETHER.fullmatch(stem)
    if found is None:
        return None
    order, below = _count(found[1]), stem[found.end(2) + 1 :]
    if order > 1:
        alone = re.fullmatch(rf"d({_SHORT}?)(?:(?<=\d)_)?{order}", below)
        if alone is not None and ("_" in below or not alone[1][-1:].isdigit()):
            return found[2], (alone[1],) * order, number
    by = tuple(re.findall(rf"d({_SHORT})", below))
    return (found[2], by, number) if len(by) == order and "_" not in below else None


def _count(text: str) -> int:
    """The order that a name says: none is one."""
    return 1 if not text else int(text) if text != "1" else 0


def written(
    name: str, one: Callable[[str], str], raised: Callable[[int], str], sign: str
) -> tuple[str, str, str] | None:
    """What stands above and below the bar of a derivative's name, and its number behind: `one`
    writes a name, `raised` a power, `sign` the ∂. None for other names."""
    found = read_derivative(name)
    if found is None:
        return None
    root, by, number = found
    groups = [(part, len(list(same))) for part, same in groupby(by)]
    below = "".join(sign + one(part) + (raised(n) if n > 1 else "") for part, n in groups)
    above = sign.rstrip() + (raised(len(by)) if len(by) > 1 else "") + sign[len(sign.rstrip()) :]
    return above + one(root), below, number
