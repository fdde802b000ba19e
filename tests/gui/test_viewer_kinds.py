"""Each kind of viewer shows the numbers that an independent calculation gives, for any array."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QItemSelectionModel, QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.view import theme
from app.view.viewers import KINDS, Shown, View, best, fitting
from app.view.viewers.heat_map import HeatMapView
from app.view.viewers.histogram import HistogramView
from app.view.viewers.kind import ground, inks
from app.view.viewers.numbers import (
    Statistics,
    as_numpy,
    axis_pairs,
    counts,
    edges,
    envelope,
    plane,
    tick_text,
    ticks,
)  # fmt: skip
from app.view.viewers.pictures import ImageView, readings
from app.view.viewers.scale import Scale
from app.view.viewers.scatter import ScatterView
from app.view.viewers.series import BarView, LineView
from app.view.viewers.single import NumberView
from app.view.viewers.surface import SurfaceView
from app.view.viewers.table import COPIED, TableView

NAN, INF = float("nan"), float("inf")
NONE = Qt.MouseButton.NoButton


@pytest.fixture(autouse=True)
def dark() -> None:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    theme.apply(app, "dark")


def show(
    qtbot: QtBot, kind: type[View], array: object, of: str = "value", **options: object
) -> View:
    view = kind()
    qtbot.addWidget(view)
    view.resize(420, 340)
    view.show_array(Shown(np.asarray(array), "W", of), options)  # type: ignore[arg-type]
    view.show()
    qtbot.waitExposed(view)
    return view


def hover(widget: QWidget, place: QPointF, held: Qt.MouseButton = NONE) -> None:
    there = QPointF(widget.mapToGlobal(place))
    plain = Qt.KeyboardModifier.NoModifier
    event = QMouseEvent(QEvent.Type.MouseMove, place, there, NONE, held, plain)
    QApplication.sendEvent(widget, event)


def draw(rank: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(4, 3, 5, 2, 6)[:rank])


STRANGE = {
    "number": np.array(0.5),
    "one": np.ones((1, 1, 1)),
    "nothing": np.zeros((0, 3)),
    "no rows": np.zeros(0),
    "all NaN": np.full((4, 4), NAN),
    "NaN and infinite": np.array([[1.0, NAN, INF], [-INF, 0.0, 2.0], [3.0, 4.0, 5.0]]),
    "equal": np.full((5, 7), 3.25),
    "zeros": np.zeros((8, 8)),
    "truth": np.array([[True, False, True], [False, False, True], [True, True, True]]),
    "whole": np.arange(24).reshape(4, 6),
    "huge": np.array([[1e308, -1e308, 1.0], [1e-308, 5e-324, 0.0], [1.0, 2.0, 3.0]]),
    "single precision": draw(2).astype(np.float32),
    "long": np.linspace(-1, 1, 5000),
    **{f"rank {n}": draw(n) for n in range(6)},
    "rows of 64": draw(2).repeat(16, 0)[:, :1].repeat(64, 1),
    "colours": np.random.default_rng(1).random((2, 3, 8, 8)),
}


@pytest.mark.parametrize("case", STRANGE)
def test_every_kind_that_fits_shows_it_in_both_themes(case: str, qtbot: QtBot) -> None:
    array = STRANGE[case]
    kinds = fitting(array)
    assert kinds, "something shows every array"
    assert best(array) in kinds
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    for kind in kinds:
        view = show(qtbot, kind, array, "gradient")
        for name in ("light", "dark"):
            theme.apply(app, name)
            view.restyle()
            assert not view.grab().isNull()


def test_options_from_a_strange_file_are_as_if_they_were_not_there(qtbot: QtBot) -> None:
    options = {
        "axes": "9 9", "at0": 1e300, "at1": -4.0, "by": "nowhere", "first": NAN, "bins": 3.0,
        "layout": "upside down", "x": 1e9, "y": "a",
    }  # fmt: skip
    for kind in KINDS.values():
        for array in (draw(2), draw(4)):
            if kind.fit(array):
                show(qtbot, kind, array, **options)


@pytest.mark.parametrize(
    ("array", "name"),
    [
        (np.array(1.0), "number"), (np.ones((1, 1)), "number"), (draw(2), "heat_map"),
        (draw(1), "bar"), (np.zeros(500), "line"), (np.zeros((20, 64)), "pictures"),
        (np.zeros((784, 10)), "pictures"), (draw(4), "pictures"), (np.zeros((30, 2)), "scatter"),
        (np.zeros((0, 4)), "table"),
        (np.ones((3, 9, 9)), "pictures"),
        (draw(3).repeat(3, 1)[:3], "heat_map"),
    ],
)  # fmt: skip
def test_the_usual_kind(array: np.ndarray, name: str) -> None:
    assert best(array).name == name
    assert best(array, "table").name == "table"
    assert best(np.array(1.0), "surface").name == "number"


# ------------------------------------------------------------ planes


@pytest.mark.parametrize("rank", range(6))
def test_an_entry_of_a_plane_is_that_of_the_tensor(rank: int) -> None:
    array = draw(rank)
    for axes in axis_pairs(rank) or [None]:
        for at in ((0, 0, 0), (2, 1, 1), (99, -3, 0)):
            found = plane(array, axes, at)
            for row in range(found.numbers.shape[0]):
                for column in range(found.numbers.shape[1]):
                    assert found.numbers[row, column] == array[found.place(row, column)]


# ------------------------------------------------------------ number


def test_a_number_is_copied_in_full_precision(qtbot: QtBot) -> None:
    view = show(qtbot, NumberView, [[1 / 3]])
    assert isinstance(view, NumberView)
    assert view.figure.text() == "0.3333333333333333"
    QTest.mouseClick(view.button, Qt.MouseButton.LeftButton)
    assert float(QGuiApplication.clipboard().text()) == 1 / 3


# ------------------------------------------------------------ table


def rows_of(view: TableView, column: int) -> list[str]:
    model = view.model
    return [model.index(r, column).data() for r in range(model.rowCount())]


def test_a_click_on_a_column_sorts_by_it(qtbot: QtBot) -> None:
    numbers = np.array([[3.0, 1.0], [NAN, 2.0], [-1.0, 3.0], [2.0, 4.0]])
    view = show(qtbot, TableView, numbers)
    assert isinstance(view, TableView)
    header = view.grid.horizontalHeader()
    place = QPoint(header.sectionViewportPosition(0) + 10, header.height() // 2)

    def click() -> None:
        QTest.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=place)

    click()
    assert rows_of(view, 0) == ["−1.000".replace("−1.000", "−1"), "2", "3", "NaN"]
    assert [view.model.headerData(r, Qt.Orientation.Vertical) for r in range(4)] == list("2301")
    click()
    assert rows_of(view, 1) == ["1", "4", "3", "2"]  # NaN last, falling as well
    click()
    assert view.model.order is None
    assert rows_of(view, 1) == ["1", "2", "3", "4"]


def test_a_selection_is_copied_as_shown(qtbot: QtBot) -> None:
    numbers = draw(2)
    view = show(qtbot, TableView, numbers)
    assert isinstance(view, TableView)
    view.grid.sortByColumn(0, Qt.SortOrder.DescendingOrder)
    order = np.argsort(-numbers[:, 0])
    for row, column in ((0, 0), (2, 2)):
        view.grid.selectionModel().select(
            view.model.index(row, column), QItemSelectionModel.SelectionFlag.Select
        )
    view.grid.setFocus()
    QTest.keyClick(view.grid, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    copied = eval(QGuiApplication.clipboard().text(), {"np": np})
    assert np.array_equal(copied, numbers[order][[0, 2]][:, [0, 2]])
    view.copy_selection("csv")
    read = list(csv.reader(io.StringIO(QGuiApplication.clipboard().text())))
    assert np.array_equal(np.array(read, float), copied)


def test_all_is_copied_as_numpy(qtbot: QtBot) -> None:
    for array in (draw(4), np.array([[1.5, NAN], [INF, -INF]]), np.arange(6), np.zeros((0, 3)),
                  draw(2).astype(np.float32), np.array([True, False])):  # fmt: skip
        view = show(qtbot, TableView, array)
        assert isinstance(view, TableView)
        view.copy_all("numpy")
        copied = eval(QGuiApplication.clipboard().text(), {"np": np})
        assert copied.dtype == array.dtype and copied.shape == array.shape
        assert np.array_equal(copied, array, equal_nan=array.dtype.kind == "f")
    assert eval(as_numpy(np.array(NAN)), {"np": np}).shape == ()


def test_too_much_to_copy_is_told(qtbot: QtBot) -> None:
    view = show(qtbot, TableView, np.zeros(COPIED + 1))
    assert isinstance(view, TableView)
    QGuiApplication.clipboard().setText("before")
    view.copy_all("csv")
    assert QGuiApplication.clipboard().text() == "before"
    assert "too many" in view.foot.text()


def test_a_million_rows_make_no_texts_but_those_seen(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.view.viewers import table

    made = 0

    def counted(number: float, digits: int = 4) -> str:
        nonlocal made
        made += 1
        return str(number)

    monkeypatch.setattr(table.theme, "number_text", counted)
    view = show(qtbot, TableView, np.arange(1e6))
    view.grab()
    assert isinstance(view, TableView) and view.model.rowCount() == 1_000_000
    assert 0 < made < 2000


def test_the_slice_of_a_tensor_is_turned(qtbot: QtBot) -> None:
    array = draw(4)
    view = show(qtbot, TableView, array)
    assert isinstance(view, TableView)
    asked: list[tuple[str, object]] = []
    view.option_changed.connect(lambda name, value: asked.append((name, value)))
    spin = view.controls.indices["at1"]
    assert spin.isVisible() and spin.maximum() == array.shape[1] - 1
    spin.setFocus()
    QTest.keyClick(spin, Qt.Key.Key_Up)
    assert asked == [("at1", 1)]
    view.show_array(view.shown, {"at0": 3, "at1": 2, "axes": "0 2"})  # type: ignore[arg-type]
    assert view.model.index(1, 4).data() == theme.number_text(array[1, 2, 4, 1])


# ------------------------------------------------------------ heat map


@pytest.mark.parametrize("of", ["value", "gradient"])
def test_colours_are_centred_at_0(of: str) -> None:
    scale = Scale.diverging(-1.0, 4.0, of)  # type: ignore[arg-type]
    up, down = inks(of)  # type: ignore[arg-type]
    rgba = scale(np.array([0.0, 4.0, -4.0, 2.0, -2.0, NAN])).astype(int)
    base = ground()
    assert tuple(rgba[0][:3]) == (base.red(), base.green(), base.blue())
    assert tuple(rgba[1][:3]) == (up.red(), up.green(), up.blue())
    assert tuple(rgba[2][:3]) == (down.red(), down.green(), down.blue())
    half = [round((a + b) / 2) for a, b in zip(rgba[0], rgba[1], strict=True)]
    assert np.abs(rgba[3] - half).max() <= 1
    error = theme.current().error
    assert tuple(rgba[5][:3]) == (error.red(), error.green(), error.blue())
    assert (scale.low, scale.high) == (-1.0, 4.0)


def test_the_cells_have_the_colours_of_their_numbers(qtbot: QtBot) -> None:
    numbers = np.array([[1.0, -0.5, 0.0], [0.25, NAN, -1.0]])
    view = show(qtbot, HeatMapView, numbers)
    assert isinstance(view, HeatMapView)
    expected = Scale.diverging(-1.0, 1.0, "value")(numbers)
    assert np.array_equal(view.image.image, expected)
    picture = view.plot.grab().toImage()
    box = view.plot.getPlotItem().getViewBox()
    for (row, column), _ in np.ndenumerate(numbers):
        spot = view.plot.mapFromScene(box.mapViewToScene(QPointF(column, row)))
        colour = picture.pixelColor(spot)
        assert (colour.red(), colour.green(), colour.blue()) == tuple(expected[row, column][:3])


def test_the_pointer_on_a_cell_tells_index_and_number(qtbot: QtBot) -> None:
    array = draw(3)
    view = show(qtbot, HeatMapView, array, at0=2)
    assert isinstance(view, HeatMapView)
    box = view.plot.getPlotItem().getViewBox()
    spot = view.plot.mapFromScene(box.mapViewToScene(QPointF(4.2, 0.9)))
    hover(view.plot.viewport(), QPointF(spot))
    assert view.foot.text() == f"W[2, 1, 4] = {float(array[2, 1, 4])!r}"


def test_large_maps_are_thinned_and_say_so(qtbot: QtBot) -> None:
    view = show(qtbot, HeatMapView, np.arange(5000 * 4.0).reshape(5000, 4))
    assert isinstance(view, HeatMapView)
    assert view.image.image.shape == (1667, 4, 4)
    assert "1 of 3 rows" in view.foot.text() and "columns" not in view.foot.text()
    assert view.entry_at(QPointF(1, 4000)) == (3999, 1)


def test_the_wheel_zooms_and_a_double_click_shows_all(qtbot: QtBot) -> None:
    view = show(qtbot, HeatMapView, draw(2))
    assert isinstance(view, HeatMapView)
    box, port = view.plot.getPlotItem().getViewBox(), view.plot.viewport()
    whole = box.viewRect()
    centre = QPointF(port.rect().center())
    for _ in range(3):
        QApplication.sendEvent(
            port,
            QWheelEvent(
                centre, QPointF(port.mapToGlobal(centre)), QPoint(), QPoint(0, 120),
                Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
                Qt.ScrollPhase.NoScrollPhase, False,
            ),
        )  # fmt: skip
    assert box.viewRect().width() < 0.9 * whole.width()
    view.show_array(Shown(draw(2, 7), "W"), {})
    assert box.viewRect().width() < 0.9 * whole.width(), "other numbers leave the view alone"
    QTest.mouseDClick(port, Qt.MouseButton.LeftButton, pos=centre.toPoint())
    assert box.viewRect().width() == pytest.approx(whole.width())


# ------------------------------------------------------------ scales


def test_ticks_are_round_and_have_0() -> None:
    generator = np.random.default_rng(3)
    for low, high in generator.normal(size=(200, 2)) * 10.0 ** generator.integers(-9, 9, (200, 1)):
        low, high = min(low, high), max(low, high)
        marks = ticks(low, high, 5)
        span = high - low
        assert all(low - span * 1e-9 <= m <= high + span * 1e-9 for m in marks)
        assert 1 <= len(marks) <= 13
        if low < 0 < high:
            assert any(abs(m) < span * 1e-12 for m in marks)
    assert ticks(1.0, 1.0, 4) == [1.0]
    assert (tick_text(-0.6, 0.2), tick_text(1e-17, 0.1), tick_text(2e7, 1e7)) == (
        "−0.6",
        "0",
        "2e+07",
    )


# ------------------------------------------------------------ histogram


def test_statistics_are_those_of_numpy(qtbot: QtBot) -> None:
    numbers = np.random.default_rng(5).normal(size=(30, 40))
    numbers[:3] = 0
    numbers[5, :7], numbers[6, :2] = NAN, -INF
    found = Statistics.of(numbers)
    finite = numbers[np.isfinite(numbers)]
    assert (found.count, found.not_a_number, found.infinite) == (1200, 7, 2)
    assert found.mean == pytest.approx(float(np.mean(finite)), rel=1e-12)
    assert found.deviation == pytest.approx(float(np.std(finite)), rel=1e-12)
    assert found.quartiles == pytest.approx(np.percentile(finite, [0, 25, 50, 75, 100]), rel=1e-12)
    assert found.zeros == 120 / 1200
    view = show(qtbot, HistogramView, numbers)
    assert isinstance(view, HistogramView)
    assert view.counts.sum() == finite.size
    assert np.array_equal(view.counts, np.histogram(finite, view.edges)[0])
    assert view.facts["median"].text() == theme.number_text(float(np.median(finite)))
    assert view.facts["zeros"].text() == "10 %"
    assert "7 NaN, 2 infinite" in view.foot.text()


def test_edges_hold_every_number() -> None:
    for numbers in (
        [1.0],
        [2.0, 2.0],
        [0, 1, 1, 2],
        [-1e308, 1e308],
        [1e-320, 2e-320],
        [1e9, 1e9 + 1],
    ):
        finite = np.asarray(numbers, float)
        found = edges(finite, 20)
        assert np.all(np.diff(found) > 0) and np.isfinite(found).all()
        assert np.histogram(finite, found)[0].sum() == len(numbers)
    many = np.random.default_rng(0).normal(size=300_000)
    assert np.array_equal(counts(many, edges(many, 60)), np.histogram(many, edges(many, 60))[0])
    assert list(edges(np.array([0.0, 1, 3]), 20)) == [-0.5, 0.5, 1.5, 2.5, 3.5]


# ------------------------------------------------------------ series


def test_lines_are_the_columns_or_the_rows(qtbot: QtBot) -> None:
    numbers = draw(2)
    view = show(qtbot, LineView, numbers)
    assert isinstance(view, LineView)
    for column in range(3):
        places, values = view.lines[column].getData()
        assert np.array_equal(places, np.arange(4)) and np.array_equal(values, numbers[:, column])
    view.show_array(Shown(numbers, "W"), {"by": "across"})
    assert np.array_equal(view.lines[1].getData()[1], numbers[1])
    assert view.place_of(1, 2) == (1, 2)


def test_lines_are_drawn_over_the_numbers_of_a_node(qtbot: QtBot) -> None:
    """Of a node with as many numbers; the entry told is the one nearest to the pointer."""
    numbers, x = draw(2), np.array([-5.0, -1.0, NAN, 5.0])
    view = show(qtbot, LineView, numbers)
    assert isinstance(view, LineView)
    shown = Shown(
        numbers, "W", vectors=lambda n: [("n9", "x")] if n == 4 else [], read={"n9": x}.get
    )
    view.show_array(shown, {"over": "n9"})
    places, values = view.lines[0].getData()
    assert np.array_equal(places, x, equal_nan=True)
    assert np.array_equal(values[[0, 1, 3]], numbers[[0, 1, 3], 0]) and np.isnan(values[2])
    assert [view.position_at(p) for p in (-4.0, -2.0, 99.0)] == [0, 1, 3]
    view.show_array(shown, {"over": "gone"})
    assert np.array_equal(view.lines[0].getData()[0], np.arange(4))
    assert [view.position_at(p) for p in (-1.0, 2.2, 4.0)] == [None, 2, None]


def test_a_long_line_keeps_its_peaks(qtbot: QtBot) -> None:
    numbers = np.zeros(1_000_000)
    numbers[123_456], numbers[654_321] = 7.0, -3.0
    places, values = envelope(numbers, 4000)
    assert len(values) <= 4001 and np.all(np.diff(places) > 0)
    assert dict(zip(places.tolist(), values.tolist(), strict=True))[123_456] == 7.0
    assert values.min() == -3.0 and np.array_equal(values, numbers[places])


def test_bars_are_the_numbers(qtbot: QtBot) -> None:
    numbers = np.array([1.0, -2.0, NAN, 3.0])
    view = show(qtbot, BarView, numbers)
    assert isinstance(view, BarView)
    assert list(view.bars.opts["height"]) == [1.0, -2.0, 3.0]
    assert list(view.bars.opts["x"]) == [0, 1, 3]
    assert "1 NaN" in view.foot.text()


# ------------------------------------------------------------ scatter


def test_points_are_two_columns_coloured_by_a_node(qtbot: QtBot) -> None:
    numbers = draw(2, 4)
    numbers[2, 2] = NAN
    labels = np.array([0.0, 1.0, 1.0, 2.0])
    view = ScatterView()
    qtbot.addWidget(view)
    shown = Shown(
        numbers, "W", "value",
        lambda count: [("n9", "label")] if count == 4 else [], lambda path: labels,
    )  # fmt: skip
    view.show_array(shown, {"x": 2, "y": 0, "by": "n9"})
    x, y = view.dots.getData()
    assert np.array_equal(x, numbers[[0, 1, 3], 2]) and np.array_equal(y, numbers[[0, 1, 3], 0])
    colours = [view.dots.points()[i].brush().color().name() for i in range(3)]
    assert len(set(colours)) == 3
    assert "●" in view.legend.text()


def test_axes_of_small_numbers_are_not_scaled(qtbot: QtBot) -> None:
    """The plot library would write -500 and "(x0.001)" for -0.5."""
    view = show(qtbot, ScatterView, draw(40, 2) * 0.2)
    assert isinstance(view, ScatterView)
    view.resize(360, 320)
    view.grab()
    for side in ("bottom", "left"):
        axis = view.axis(side)
        assert axis.autoSIPrefixScale == 1.0 and "0.001" not in axis.labelString()


# ------------------------------------------------------------ pictures


def test_every_reading_says_where_its_entries_stand() -> None:
    generator = np.random.default_rng(2)
    shapes = [(10, 64), (64, 10), (3, 3072), (16,), (5, 7), (4, 6, 6), (2, 3, 8, 9), (2, 8, 9, 3),
              (3, 2, 5, 5), (49, 49)]  # fmt: skip
    for shape in shapes:
        array = generator.normal(size=shape)
        for name, (_, reading) in readings(array).items():
            for number in range(min(reading.count, 4)):
                picture = reading.picture(number)
                extent = (reading.height, reading.width)
                assert picture.shape == (*extent, 3) if reading.colours else extent, name
                for row, column in ((0, 0), (reading.height - 1, 2), (1, reading.width - 1)):
                    for channel in range(3 if reading.colours else 1):
                        at = reading.place(number, row, column, channel)
                        here = (
                            picture[row, column, channel]
                            if reading.colours
                            else picture[row, column]
                        )
                        assert array[at] == here, name


def test_flat_rows_become_square_pictures(qtbot: QtBot) -> None:
    array = np.random.default_rng(0).random((30, 784))
    view = show(qtbot, ImageView, array)
    assert isinstance(view, ImageView) and view.reading is not None
    assert (view.reading.count, view.reading.height, view.reading.width) == (30, 28, 28)
    low, high = array.min(), array.max()
    levels = ((array[3].reshape(28, 28) - low) / (high - low) * 255).round()
    assert np.abs(view.pixels(3)[..., 0].astype(int) - levels).max() <= 1
    view.show_array(Shown(array, "W"), {"each": 1})
    one = view.pixels(3)[..., 0]
    assert one.min() == 0 and one.max() == 255
    rect = view.wall.rect_of(1)
    hover(view.wall.viewport(), QPointF(rect.left() + 1, rect.bottom() - 1))
    assert view.foot.text() == f"picture 1   W[1, {27 * 28}] = {float(array[1, 27 * 28])!r}"


def test_weights_in_columns_are_pictures_around_0(qtbot: QtBot) -> None:
    weights = np.random.default_rng(0).normal(size=(64, 10))
    view = show(qtbot, ImageView, weights)
    assert isinstance(view, ImageView) and view.reading is not None
    assert view.reading.count == 10
    reach = Scale.diverging(weights.min(), weights.max(), "value")
    assert np.array_equal(view.pixels(7), reach(weights[:, 7].reshape(8, 8)))


# ------------------------------------------------------------ surface


def test_a_surface_turns_with_the_mouse_and_zooms(qtbot: QtBot) -> None:
    view = show(qtbot, SurfaceView, draw(2).repeat(5, 0).repeat(5, 1))
    assert isinstance(view, SurfaceView)
    space = view.space
    before, picture = (space.turn, space.tilt), space.grab().toImage()
    QTest.mousePress(space, Qt.MouseButton.LeftButton, pos=QPoint(100, 100))
    hover(space, QPointF(140, 110), Qt.MouseButton.LeftButton)
    QTest.mouseRelease(space, Qt.MouseButton.LeftButton, pos=QPoint(140, 110))
    assert (space.turn, space.tilt) == (before[0] - 20, before[1] + 5)
    assert space.grab().toImage() != picture
    centre = QPointF(space.rect().center())
    QApplication.sendEvent(
        space,
        QWheelEvent(
            centre, QPointF(space.mapToGlobal(centre)), QPoint(), QPoint(0, 240),
            Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase,
            False,
        ),
    )  # fmt: skip
    assert space.zoom == pytest.approx(2**0.5)
    QTest.mouseDClick(space, Qt.MouseButton.LeftButton, pos=QPoint(100, 100))
    assert (space.turn, space.tilt, space.zoom) == (*before, 1.0)


def test_heights_are_in_proportion_to_the_numbers(qtbot: QtBot) -> None:
    numbers = np.arange(20.0).reshape(4, 5)
    view = show(qtbot, SurfaceView, numbers)
    assert isinstance(view, SurfaceView)
    points = view.in_box(view.heights())
    places, _ = view.space.project(np.array([[0.0, 0.0, z] for z in points[..., 2].reshape(-1)]))
    steps = np.diff(places[:, 1])
    assert np.allclose(steps, steps[0]) and steps[0] < 0, "equal steps go up equally"


def test_a_transposed_matrix_has_the_colours_of_its_copy(qtbot: QtBot) -> None:
    scale = Scale.diverging(-3.0, 5.0, "value")
    matrix = np.arange(-3.0, 6.0).reshape(3, 3)[:, :2].T
    assert not matrix.flags.c_contiguous
    assert np.array_equal(scale(matrix), scale(np.ascontiguousarray(matrix)))
