"""What is shown to others, read back: animations, traces and panels as files."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from hands import WORKED
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from app import animation
from app.view import theme
from app.view.animation_dialog import AnimationDialog
from app.view.film import Reel, Take
from app.view.sharing import filmed
from app.view.window import Window
from engine import examples
from engine.compose import compose
from engine.edits import set_tensors


def worked(window: Window) -> None:
    window.session.load(compose(WORKED, default=0.5))


def take(part: str = "all") -> Take:
    return Take(600, part, theme.named("dark"))


def settled(qtbot: QtBot, window: Window) -> None:
    work = window.sharing.work
    assert work is not None
    qtbot.waitUntil(lambda: not work.running, timeout=30_000)


def test_a_gif_has_every_step(window: Window, qtbot: QtBot, tmp_path: Path) -> None:
    pytest.importorskip("PIL")
    from PIL import Image

    worked(window)
    window.session.seek(3)
    out = tmp_path / "steps.gif"
    reel = Reel(window.session, take())
    window.sharing.begin("x", filmed(reel, out, 0.5, True))
    settled(qtbot, window)
    with Image.open(out) as picture:
        assert picture.n_frames == len(window.session.steps) == 12
        assert picture.size == (600, reel.height)
        assert picture.info["loop"] == 0
        for frame in range(picture.n_frames):
            picture.seek(frame)
            assert picture.info["duration"] == 500
    assert window.session.cursor == 3


def test_an_mp4_stands_as_long(window: Window, tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    worked(window)
    out = tmp_path / "steps.mp4"
    for _ in filmed(Reel(window.session, take("backward")), out, 0.5, False):
        pass
    with av.open(str(out)) as film:
        frames = sum(1 for _ in film.decode(video=0))
    assert frames == 7 * 5


def test_cancel_leaves_no_file(window: Window, tmp_path: Path) -> None:
    pytest.importorskip("PIL")
    worked(window)
    window.sharing.begin("x", filmed(Reel(window.session, take()), tmp_path / "a.gif", 1, True))
    work = window.sharing.work
    assert work is not None
    work._next()
    work.bar.canceled.emit()
    assert not work.running and not list(tmp_path.iterdir())


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> object:
        raise ImportError(name)

    monkeypatch.setattr(animation.importlib, "import_module", absent)
    with pytest.raises(ValueError, match=r"pip install .gradloom\[animation\]"):
        animation.check(".mp4", 3)


def test_a_trace_is_written_and_copied(window: Window, qtbot: QtBot, tmp_path: Path) -> None:
    worked(window)
    window.sharing.write_trace(tmp_path / "t.csv")
    settled(qtbot, window)
    assert len((tmp_path / "t.csv").read_text(encoding="utf-8").splitlines()) == 13
    window.sharing.write_trace(tmp_path / "none" / "t.csv")
    settled(qtbot, window)
    assert "could not be saved" in window.notice.text()


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_read_only_folder_is_one_sentence(window: Window, tmp_path: Path) -> None:
    worked(window)
    tmp_path.chmod(0o500)
    window.sharing.write_panel("trace_table", tmp_path / "p.png")
    assert "could not be saved" in window.notice.text()


def test_a_panel_is_drawn_whole(window: Window, tmp_path: Path) -> None:
    worked(window)
    size = window.trace.size()
    window.sharing.write_panel("trace_table", tmp_path / "p.svg")
    tree = ET.parse(tmp_path / "p.svg")
    words = "".join(t.text or "" for t in tree.iter("{http://www.w3.org/2000/svg}text"))
    assert "Forward" in words
    window.sharing.write_panel("inspector", tmp_path / "p.png")
    assert (tmp_path / "p.png").read_bytes()[:4] == b"\x89PNG"
    assert window.trace.size() == size


@pytest.mark.parametrize("name", ["dark", "light"])
def test_the_dialog_shows_a_frame(window: Window, name: str) -> None:
    pytest.importorskip("PIL")
    worked(window)
    dialog = AnimationDialog(window, window.session)
    dialog.ground.choose(name)
    dialog.refresh()
    assert "12 steps" in dialog.told.text()
    corner = dialog.preview.image.pixelColor(0, 0)
    assert corner == theme.named(name).canvas
    dialog.close()
    dialog.deleteLater()


@pytest.mark.parametrize(
    ("program", "module"),
    [
        ("h = tanh(x @ W); J = sum(h * h) + mean(h)", False),
        ("J = log(x) * y", False),
        ("y = Dense(x, units=2); J = sum(y^2)", True),
    ],
    ids=["tensors", "not finite", "inside a module"],
)
def test_frames_of_any_document_are_pictures(window: Window, program: str, module: bool) -> None:
    window.compose(program)
    session = window.session
    graph = session.graph
    given = {n: np.array(-1.0) for n in graph.of_op("input")}
    if "@" in program or module:
        shapes = {"x": (3, 2), "W": (2, 4)}
        given = {n: np.full(shapes[graph.name(n)], 0.5) for n in given}
    session.do(set_tensors(given), "values")
    if module:
        assert session.enter(session.graph.id_of("y") or "")
    before = session.cursor
    with Reel(session, take()) as reel:
        frames = list(reel.frames())
        assert len(frames) == len(session.steps) > 2
        assert {len(f) for f in frames} == {3 * reel.pixels * reel.height}
        assert len(set(frames)) == len(frames)  # each step shows something else
    assert session.cursor == before


def test_the_panel_to_copy_is_asked_for_in_the_window(window: Window) -> None:
    worked(window)
    window.commands.run("file.copy_panel")
    finder = window.finder
    titles = [finder.list.item(i).text() for i in range(finder.list.count())]
    assert finder.isVisible() and titles[0] == "Trace" and "Inspector" in titles
    QTest.keyClicks(finder.line, "inspec")
    QTest.keyClick(finder.line, Qt.Key.Key_Return)
    assert QGuiApplication.clipboard().image().width() >= window.inspector.width()


def test_a_script_is_written_or_refused_in_a_sentence(
    window: Window, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "loop.py"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, **k: (str(out), ""))
    window.session.load(examples.load("training-loop"))
    window.sharing.export_script()
    text = out.read_text("utf-8")
    assert "prediction = model(x)" in text and out.with_suffix(".npz").exists()
    window.session.load(compose("top_k_accuracy(z, t, k=1)", {"z": np.eye(3), "t": np.arange(3)}))
    window.sharing.export_script()
    assert "has no spelling in PyTorch" in window.notice.text()
    assert out.read_text("utf-8") == text
