"""Parameters begin in the shape that they say, whatever their value was before."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine import edits
from engine.graph import Graph, GraphError
from engine.starts import reinitialised, with_options


def _with_parameter(value: object = None) -> tuple[Graph, str]:
    graph = Graph()
    add, w = edits.add_node(graph, "parameter", "W", value=value)
    add.apply(graph)
    return graph, w


def test_a_start_is_drawn_in_the_shape_that_is_asked_for() -> None:
    graph, w = _with_parameter()
    edits.set_options(graph, w, {"shape": ("features", 8), "init": "xavier"}).apply(graph)
    undo = reinitialised(graph, [w], {}, {"features": 2}).apply(graph)
    drawn = graph.tensors[w]
    assert drawn.shape == (2, 8) and drawn.dtype == graph.dtype
    assert len(np.unique(drawn)) == 16 and np.abs(drawn).max() <= math.sqrt(6 / (2 + 8))
    undo.apply(graph)
    assert graph.tensors[w].shape == ()
    with pytest.raises(
        GraphError, match="the shape of W names 'features'; the sizes known are: none"
    ):
        reinitialised(graph, [w], {}, {})


def test_a_size_that_is_not_known_is_that_of_the_value() -> None:
    graph, w = _with_parameter(np.ones((3, 4)))
    edits.set_options(graph, w, {"shape": ("features", 4), "init": "he"}).apply(graph)
    reinitialised(graph, [w], {}, {}).apply(graph)
    assert graph.tensors[w].shape == (3, 4) and not (graph.tensors[w] == 1).any()


def test_a_shape_or_a_start_that_is_set_begins_at_once() -> None:
    graph, w = _with_parameter(1.5)
    undo = with_options(graph, w, {"shape": (2, 3)}, {}).apply(graph)
    assert np.array_equal(graph.tensors[w], np.full((2, 3), 1.5))  # what was given is spread
    with_options(graph, w, {"init": "normal"}, {}).apply(graph)
    first = graph.tensors[w]
    assert first.shape == (2, 3) and len(np.unique(first)) == 6
    with_options(graph, w, {"scale": 2.0, "trainable": False}, {}).apply(graph)
    assert graph.tensors[w] is first  # neither asks for another start
    with_options(graph, w, {"shape": (4,)}, {}).apply(graph)
    assert graph.tensors[w].shape == (4,)
    with_options(graph, w, {"init": "given"}, {}).apply(graph)
    assert graph.tensors[w].shape == (4,) and graph.tensors[w].any()
    with_options(graph, w, {"shape": (5, 2)}, {}).apply(graph)
    assert np.array_equal(graph.tensors[w], np.zeros((5, 2)))
    before = graph.tensors[w]
    with_options(graph, w, {"shape": ("rows", 2)}, {}).apply(graph)
    assert graph.tensors[w] is before  # made when the size is known
    undo.apply(graph)
    assert graph.tensors[w] == 1.5


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"shape": (2, -1)}, "sizes are 0 or more"),
        ({"shape": (100_000, 100_000)}, "at most 100,000,000 numbers"),
        ({"shape": (2, 3), "init": "identity"}, "W: an identity start needs a square matrix"),
    ],
)
def test_a_shape_that_cannot_be_filled_is_refused(options: dict[str, object], told: str) -> None:
    graph, w = _with_parameter()
    with pytest.raises(GraphError, match=told):
        with_options(graph, w, options, {})
