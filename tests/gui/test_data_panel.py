"""Data are added, looked at, changed and drawn in their panel; each change is one undo step."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QDialogButtonBox, QWidget
from pytestqt.qtbot import QtBot
from test_recipe_form import choose, typed

from app.view import dialogs
from app.view.data_files import DataFiles
from app.view.import_dialog import ROWS, ImportDialog
from app.view.panels.controls import Field
from app.view.panels.data_panel import DRAW, DataPanel
from app.view.window import Window
from engine import data as sources
from engine import files
from engine.data import KINDS
from engine.data import place as places
from engine.graph import Graph, Source

LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton


@pytest.fixture
def panel(window: Window) -> DataPanel:
    window.session.load(Graph())
    window.show_editor()
    window.show_panel("data")
    return window.data_panel


def looked(panel: DataPanel, qtbot: QtBot) -> None:
    """The preview has come."""
    qtbot.waitUntil(lambda: panel._answer is None and panel.preview is not None, timeout=20_000)


def test_every_kind_without_a_file_is_added_and_shown(panel: DataPanel, qtbot: QtBot) -> None:
    for kind in KINDS:
        if kind in ("csv", "parquet", "arrays", "idx", "images", "table"):
            continue
        before = files.to_bytes(panel.session.root)
        panel.add_kind(kind)
        looked(panel, qtbot)
        assert panel.preview is not None and not panel.preview.problem, kind
        assert not panel.summary.isHidden() and "rows" in panel.summary.text()
        assert not panel.session.data_fault
        assert len(panel.session.graph.of_op("data")) == 2
        panel.session.history.undo()
        assert files.to_bytes(panel.session.root) == before


def test_settings_go_into_the_document_and_defaults_stay_out(
    panel: DataPanel, qtbot: QtBot
) -> None:
    panel.add_kind("toy")
    looked(panel, qtbot)
    noise, sets = panel.form.controls["noise"], panel.set_box
    assert isinstance(noise, Field)
    typed(noise, "0.2")
    assert panel.source is not None and panel.source.options == {"noise": 0.2}
    typed(panel.form.controls["noise"], "0")  # type: ignore[arg-type]
    assert panel.source is not None and panel.source.options == {}
    choose_text(sets, "circle")
    assert panel.source is not None and panel.source.path == "circle"
    typed(panel.form.controls["split_seed"], "3")  # type: ignore[arg-type]
    typed(panel.form.controls["seed"], "4")  # type: ignore[arg-type]
    assert panel.source is not None
    assert (panel.source.seed, panel.source.options) == (3, {"seed": 4})


def choose_text(box: QComboBox, text: str) -> None:
    box.showPopup()
    box.view().setCurrentIndex(box.model().index(box.findText(text), 0))
    QTest.keyClick(box.view(), Qt.Key.Key_Return)


def test_a_setting_that_cannot_be_is_one_sentence(panel: DataPanel, qtbot: QtBot) -> None:
    said: list[str] = []
    panel.refused.connect(said.append)
    panel.add_kind("toy")
    looked(panel, qtbot)
    before = files.to_bytes(panel.session.root)
    typed(panel.form.controls["count"], "many")  # type: ignore[arg-type]
    typed(panel.form.controls["count"], "1.5")  # type: ignore[arg-type]
    assert len(said) == 2 and all("count is a" in s for s in said)
    assert files.to_bytes(panel.session.root) == before


def test_points_are_drawn_and_erased_by_mouse(panel: DataPanel, qtbot: QtBot) -> None:
    panel.add_kind(DRAW)
    looked(panel, qtbot)
    picture, name = panel.picture, panel.current
    before = panel.session.root.tensors[f"{name}.x"]
    panel.pen.setValue(1)
    place = picture.place_of(np.array([3.0, -1.0])).toPoint()
    QTest.mouseClick(picture, LEFT, pos=place)
    x, y = (panel.session.root.tensors[f"{name}.{f}"] for f in "xy")
    assert len(x) == len(before) + 1 and x[-1] == pytest.approx([3.0, -1.0], abs=0.1) and y[-1] == 1
    looked(panel, qtbot)
    QTest.mouseClick(picture, RIGHT, pos=place + QPoint(2, 1))
    assert np.array_equal(panel.session.root.tensors[f"{name}.x"], before)
    for _ in range(2):
        panel.session.history.undo()
    assert panel.session.history.labels[panel.session.history.position - 1] == "Add data"


def test_a_set_is_taken_into_the_document(panel: DataPanel, qtbot: QtBot) -> None:
    panel.add_kind("builtin")
    looked(panel, qtbot)
    name = panel.current
    panel.embed()
    assert panel.source is not None and panel.source.kind == "table"
    assert panel.session.root.tensors[f"{name}.x"].shape == (150, 4)
    panel.remove()
    assert not panel.session.root.sources
    assert not any(key.startswith(f"{name}.") for key in panel.session.root.tensors)


def test_a_file_is_seen_before_it_is_imported(window: Window, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    rows = [f"{20 + i},{'' if i == 3 else i / 7:},{'ab'[i % 2]}" for i in range(40)]
    path.write_text("age,size,kind\n" + "\n".join(rows) + "\n", "utf-8")
    dialog = ImportDialog(window, Source("csv", str(path)))
    ok = dialog.buttons.button(QDialogButtonBox.StandardButton.Ok)
    assert "40 rows" in dialog.summary.text() and ok.isEnabled()
    assert "missing" in dialog.notes.text()
    target = dialog.form.controls["target"]
    assert isinstance(target, QComboBox)
    choose(target, "age")
    assert dialog.source.target == "age"
    choose(dialog.form.controls["missing"], "refuse")  # type: ignore[arg-type]
    assert not ok.isEnabled() and "people.csv" in dialog.fault.text()
    dialog.deleteLater()


def test_a_file_of_no_kind_is_refused(window: Window, tmp_path: Path) -> None:
    said: list[str] = []
    part: DataFiles = window.data_files
    part.problem.connect(said.append)
    assert not part.use(tmp_path / "song.mp3")
    assert said == ["song.mp3 is no file of data that can be read"]


def turned(widget: QWidget, by: int) -> bool:
    """The wheel over a widget; whether it took it, else what it lies in gets it."""
    at = QPointF(widget.rect().center())
    event = QWheelEvent(
        at, QPointF(widget.mapToGlobal(at.toPoint())), QPoint(), QPoint(0, by),
        Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(widget, event)
    return event.isAccepted()


def test_scrolling_past_a_list_changes_nothing(panel: DataPanel, qtbot: QtBot) -> None:
    panel.add_kind("toy")
    looked(panel, qtbot)
    steps, choice = len(panel.session.history.labels), panel.form.controls["labels"]
    assert isinstance(choice, QComboBox)
    panel.window().setFocus()
    shown = choice.currentText()
    assert not turned(choice, -120)
    assert choice.currentText() == shown and len(panel.session.history.labels) == steps
    assert not choice.focusPolicy() & Qt.FocusPolicy.WheelFocus & ~Qt.FocusPolicy.StrongFocus
    panel.window().activateWindow()
    choice.setFocus()
    qtbot.waitUntil(choice.hasFocus)
    assert turned(choice, -120)
    assert choice.currentText() != shown and len(panel.session.history.labels) == steps + 1


def test_a_large_file_is_chosen_without_reading_it_whole(
    window: Window, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "d.csv"
    path.write_text("a,b,c\n" + "1,2,3\n" * 500, encoding="utf-8")
    source = Source("csv", str(path))
    monkeypatch.setattr(places, "LARGE", 100)
    monkeypatch.setattr(dialogs, "ask_import", lambda *given: source)

    def never(*given: object) -> str:
        raise AssertionError("the window summed up a large file")

    monkeypatch.setattr(places, "_summed", never)
    window.session.load(Graph())
    assert window.data_files.read(path, "csv")
    assert window.session.root.sources["d"].checksum == ""
    assert "converted once" in window.session.data_fault


def test_the_import_dialog_looks_at_a_part_of_many_rows(
    window: Window, tmp_path: Path, qtbot: QtBot
) -> None:
    path = tmp_path / "d.csv"
    path.write_text("a,b,c\n" + "1,2,3\n" * (3 * ROWS), encoding="utf-8")
    dialog = ImportDialog(window, Source("csv", str(path)))
    qtbot.addWidget(dialog)
    assert f"first {ROWS:,} rows" in dialog.notes.text()


def test_a_folder_of_pictures_has_its_checksum(
    window: Window, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "pictures"
    for name, grey in (("dark", 20), ("light", 220)):
        (folder / name).mkdir(parents=True)
        for number in range(3):
            picture = QImage(4, 4, QImage.Format.Format_Grayscale8)
            picture.fill(QColor(grey, grey, grey))
            assert picture.save(str(folder / name / f"{number}.png"))
    window.documents.new()
    wanted = Source("images", str(folder), validation=0.2)
    monkeypatch.setattr(dialogs, "ask_import", lambda parent, source: wanted)
    assert window.data_files.read(folder, "images")
    (source,) = window.session.root.sources.values()
    assert source.checksum == sources.source_of(folder).checksum != ""


def test_a_point_is_drawn_wherever_the_field_is_clicked(panel: DataPanel, qtbot: QtBot) -> None:
    panel.add_kind(DRAW)
    looked(panel, qtbot)
    picture, name = panel.picture, panel.current
    picture.setFixedWidth(400)
    qtbot.waitUntil(lambda: picture.width() == 400)
    middle = picture.place_of(np.zeros(2))
    unit = picture.place_of(np.array([1.0, 0.0])).x() - middle.x()
    assert unit == pytest.approx(middle.y() - picture.place_of(np.array([0.0, 1.0])).y())
    for place in (QPoint(16, 16), QPoint(384, picture.height() - 16), QPoint(384, 90)):
        before = len(panel.session.root.tensors[f"{name}.x"])
        middle = picture.place_of(np.zeros(2))
        unit = picture.place_of(np.array([1.0, 0.0])).x() - middle.x()
        QTest.mouseClick(picture, LEFT, pos=place)
        x = panel.session.root.tensors[f"{name}.x"]
        assert len(x) == before + 1
        expected = [(place.x() - middle.x()) / unit, (middle.y() - place.y()) / unit]
        assert x[-1] == pytest.approx(expected, abs=0.02)
        looked(panel, qtbot)
        assert np.linalg.norm([*(picture.place_of(x[-1]) - place).toTuple()]) < 1


def test_a_number_says_what_it_can_be(panel: DataPanel, qtbot: QtBot) -> None:
    panel.add_kind("toy")
    looked(panel, qtbot)
    noise = next(o for o in KINDS["toy"].options if o.name == "noise")
    told = panel.form.controls["noise"].toolTip()
    assert told.startswith(noise.doc) and told.endswith(f" From {noise.low:g} to {noise.high:g}.")
