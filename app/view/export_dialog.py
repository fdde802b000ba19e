"""What a picture of the document shows: kind, scale, part, values and ground, seen before."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.session import Session
from app.text import tr
from app.view import theme
from app.view.canvas.export import SCALES, Choices, Sheet

CHECKER = 8
MAX_PREVIEW_NODES = 1500
"""Documents up to this size are drawn in the dialog; larger ones would make it wait."""


class Preview(QWidget):
    """The picture in small, over a checkered ground where it is clear."""

    def __init__(self) -> None:
        super().__init__()
        self.sheet: Sheet | None = None
        self.setMinimumSize(QSize(440, 240))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(tr("The picture in small"))

    def show_sheet(self, sheet: Sheet | None) -> None:
        """Takes a sheet over, or none; closes the one before."""
        if self.sheet is not None:
            self.sheet.close()
        self.sheet = sheet
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(tokens.hairline, 1))
        painter.setBrush(tokens.background)
        frame = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.drawRoundedRect(frame, 8, 8)
        if self.sheet is None:
            painter.setPen(tokens.muted)
            painter.drawText(frame, Qt.AlignmentFlag.AlignCenter, tr("Too large to show here"))
            return
        size = self.sheet.area.size().scaled(
            frame.adjusted(12, 12, -12, -12).size(), Qt.AspectRatioMode.KeepAspectRatio
        )
        scale = min(size.width() / self.sheet.area.width(), 1.0)
        place = QRectF(0, 0, self.sheet.area.width() * scale, self.sheet.area.height() * scale)
        place.moveCenter(frame.center())
        painter.setClipRect(place)
        if self.sheet.choices.transparent:
            self._checker(painter, place)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        self.sheet.paint(painter, place)

    def _checker(self, painter: QPainter, place: QRectF) -> None:
        light, dark = theme.THEMES["light"].hairline, theme.THEMES["light"].node
        if self.sheet is not None and self.sheet.choices.theme.is_dark:
            light, dark = theme.THEMES["dark"].hairline, theme.THEMES["dark"].canvas
        painter.fillRect(place, dark)
        for row in range(int(place.height() / CHECKER) + 1):
            for column in range(row % 2, int(place.width() / CHECKER) + 1, 2):
                painter.fillRect(
                    QRectF(
                        place.left() + column * CHECKER, place.top() + row * CHECKER,
                        CHECKER, CHECKER,
                    ),
                    light,
                )  # fmt: skip


class Choice(QWidget):
    """A few buttons in a row, one of them on."""

    def __init__(self, name: str, options: dict[str, str]) -> None:
        super().__init__()
        self.setAccessibleName(name)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        self.group = QButtonGroup(self)
        self.buttons: dict[str, QToolButton] = {}
        for key, title in options.items():
            button = QToolButton()
            button.setText(title)
            button.setCheckable(True)
            button.setMinimumHeight(28)
            button.setAccessibleName(f"{name}: {title}")
            self.group.addButton(button)
            self.buttons[key] = button
            row.addWidget(button)
        row.addStretch(1)
        accent = theme.current().accent.name()
        self.setStyleSheet(f"QToolButton:checked:enabled {{ border-color: {accent}; }}")
        next(iter(self.buttons.values())).setChecked(True)

    @property
    def value(self) -> str:
        return next(key for key, button in self.buttons.items() if button.isChecked())

    def choose(self, key: str) -> None:
        self.buttons[key].setChecked(True)


class ExportDialog(QDialog):
    """Asks how a picture is drawn; `suffix` and `choices` are what was chosen."""

    def __init__(self, parent: QWidget, session: Session) -> None:
        super().__init__(parent)
        self.session = session
        self.setWindowTitle(tr("Export picture"))
        self.setMinimumWidth(560)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 18, 20, 18)
        layout.setSpacing(14)
        self.preview = Preview()
        layout.addWidget(self.preview, 1)
        self.kind = Choice(tr("Kind"), {".svg": "SVG", ".png": "PNG"})
        self.scale = Choice(tr("Scale"), {str(s): f"{s}×" for s in SCALES})
        self.part = Choice(tr("Shows"), {"all": tr("All"), "selection": tr("Selection")})
        self.ground = Choice(
            tr("Ground"),
            {"dark": tr("Dark"), "light": tr("Light"), "clear": tr("Transparent")},
        )
        self.values = QCheckBox(tr("Values and gradients"))
        self.values.setChecked(True)
        self.size_label = QLabel()
        self.size_label.setProperty("role", "muted")
        form = QGridLayout()
        form.setHorizontalSpacing(12)
        form.setVerticalSpacing(8)
        form.setColumnMinimumWidth(0, 76)
        form.setColumnStretch(1, 1)
        rows = (self.kind, self.scale, self.part, self.ground)
        for number, choice in enumerate(rows):
            label = QLabel(choice.accessibleName())
            label.setProperty("role", "muted")
            form.addWidget(label, number, 0)
            form.addWidget(choice, number, 1)
            choice.group.buttonToggled.connect(self._changed)
        form.addWidget(self.values, len(rows), 1)
        form.addWidget(self.size_label, len(rows) + 1, 1)
        layout.addLayout(form)
        about = QLabel(
            tr("The document travels inside: dropped on Gradloom, the picture opens as it again.")
        )
        about.setProperty("role", "muted")
        about.setWordWrap(True)
        layout.addWidget(about)
        buttons = QDialogButtonBox()
        self.ok = buttons.addButton(tr("Export…"), QDialogButtonBox.ButtonRole.AcceptRole)
        self.ok.setDefault(True)
        buttons.addButton(tr("Cancel"), QDialogButtonBox.ButtonRole.RejectRole)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout.addWidget(buttons)
        self.values.toggled.connect(self._changed)
        self.part.buttons["selection"].setEnabled(bool(session.chosen))
        self.ok.setFocus()
        self.ground.choose(theme.current().name)
        self._changed()

    @property
    def suffix(self) -> str:
        return self.kind.value

    def choices(self) -> Choices:
        ground = self.ground.value
        tokens = theme.current() if ground == "clear" else theme.named(ground)
        only = frozenset(self.session.chosen) if self.part.value == "selection" else None
        scale = int(self.scale.value)
        return Choices(tokens, scale, self.values.isChecked(), ground == "clear", only)

    def done(self, result: int) -> None:
        self.preview.show_sheet(None)
        super().done(result)

    def _changed(self) -> None:
        png = self.suffix == ".png"
        for button in self.scale.buttons.values():
            button.setEnabled(png)
        if len(self.session.graph.nodes) > MAX_PREVIEW_NODES:
            self.preview.show_sheet(None)
            self.size_label.setText("")
            return
        sheet = Sheet(self.session, self.choices())
        self.preview.show_sheet(sheet)
        size = sheet.area.size() * (int(self.scale.value) if png else 1)
        unit = tr("pixels") if png else tr("units, sharp at every size")
        self.size_label.setText(f"{size.width():.0f} × {size.height():.0f} {unit}")
