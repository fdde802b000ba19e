"""The PixelCNN auto-encoder: causal over all of its pixels, sound on a folder of one's own, trainable."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine import examples
from engine.graph import Graph, Source
from engine.probes.pixelwise import LeakError, dependence, pixelwise
from engine.probes.reconstructions import reconstructions
from engine.probes.sampling import drawn
from engine.train.scene import Scene
from engine.train.session import Training
from tests.lecture.build_pixelcnn import CODES


def _node(graph: Graph, name: str) -> str:
    return str(graph.id_of(name))


@pytest.mark.parametrize("code", CODES)
def test_parts(code: int) -> None:
    graph = examples.load(f"pixelcnn-{code}")
    scene = Scene(graph)
    found = pixelwise(scene)
    assert [graph.name(n) for n in (found.picture, *found.entries, found.code)] == [
        "x",
        "seen",
        "z",
    ]
    assert found.net.nodes[found.code].size == code and found.shape == (32, 32)
    assert found.greys == pytest.approx(np.arange(4) / 3)
    assert len(scene.rows("validation")) == 300


def test_gradients_of_single_pixels_are_zero_behind() -> None:
    """As the lecture's picture has it, without the engine's shortcuts: z and the picture held, one score
    of one pixel followed back at a time, pixels of the edges among them."""
    graph = examples.load("pixelcnn-100")
    scene = Scene(graph)
    random = np.random.default_rng(0)
    seen, z, scores = (_node(graph, n) for n in ("seen", "z", "scores"))
    pixels = [(0, 0), (0, 31), (31, 0), (31, 31), *random.integers(0, 32, (4, 2)).tolist()]
    rows = scene.rows("validation", len(pixels))
    held = scene.values([z], rows)
    held[seen] = (random.integers(0, 4, (len(pixels), 1, 32, 32)) / 3).astype(np.float32)
    for grey in range(4):
        upstream = np.zeros((len(pixels), 4, 32, 32), np.float32)
        for row, (i, j) in enumerate(pixels):
            upstream[row, grey, i, j] = 1.0
        gradient = scene.gradients([seen], rows, scores, held, upstream)[seen]
        for row, (i, j) in enumerate(pixels):
            flat = gradient[row].reshape(-1)
            assert not np.any(flat[32 * i + j :])
            assert np.any(flat[: 32 * i + j]) == ((i, j) != (0, 0))


def test_a_first_mask_that_lets_the_pixel_through_is_seen() -> None:
    graph = examples.load("pixelcnn-10")
    node = graph.nodes[_node(graph, "before")]
    graph.put("nodes", node.id, replace(node, options={**node.options, "type": "B"}))
    scene = Scene(graph)
    with pytest.raises(LeakError, match=r"pixel \[0, 0\] depends on itself"):
        list(dependence(scene, pixelwise(scene)))


def test_a_folder_of_ones_own(tmp_path: Path) -> None:
    """Pictures of any size and colour: another source, and it is trained and drawn."""
    random = np.random.default_rng(0)
    for number in range(40):
        noise = random.integers(0, 256, (20, 30, 3), np.uint8)
        Image.fromarray(noise).save(tmp_path / f"{number}.png")
    graph = examples.load("pixelcnn-2")
    options = {"side": 32, "arrange": "channels"}
    graph.put(
        "sources", "pictures", Source("images", str(tmp_path), validation=0.2, options=options)
    )
    training = Training(graph)
    training.run(2)
    scene = Scene(graph)
    scene.at(training.parameters(), 2)
    *_, found = drawn(scene, scene.rows("validation", 1), 1, given=0.9)
    assert found.is_done and set(np.unique(found.samples)) <= set(np.float32([0, 1 / 3, 2 / 3, 1]))


def test_it_learns_anew() -> None:
    """From fresh starts the loss falls as it did when the parameters were made."""
    training = Training(examples.load("pixelcnn-10"), seed=1)
    training.run(12)
    assert training.history[-1] < training.history[0] - 0.5


def test_rebuilt_is_nearer_than_the_mean() -> None:
    scene = Scene(examples.load("pixelcnn-100"))
    found = reconstructions(scene, rows=12)
    assert found.names[0] == "x" and found.names[2] == "rebuilt"
    mean = scene.field("x", scene.rows(limit=500)).mean(axis=0)
    far = ((found.original - mean.reshape(32, 32)) ** 2).mean()
    assert found.mean_error < 0.5 * far
