"""What an animation of the steps shows: kind, steps, size, pace and theme, one frame seen before."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app import animation
from app.session import Session
from app.text import tr
from app.view import theme
from app.view.export_dialog import MAX_PREVIEW_NODES, Choice
from app.view.film import Reel, Take

WIDTHS = (600, 900, 1280, 1920)


class Frame(QWidget):
    """One frame in small."""

    def __init__(self) -> None:
        super().__init__()
        self.image = QImage()
        self.setMinimumSize(QSize(520, 300))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(tr("A frame in small"))

    def show_image(self, image: QImage) -> None:
        self.image = image
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme.current()
        painter = QPainter(self)
        painter.setRenderHints(
            QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform
        )
        painter.setPen(QPen(tokens.hairline, 1))
        painter.setBrush(tokens.background)
        around = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.drawRoundedRect(around, 8, 8)
        if self.image.isNull():
            painter.setPen(tokens.muted)
            painter.drawText(around, Qt.AlignmentFlag.AlignCenter, tr("Too large to show here"))
            return
        size = QSize(self.image.size()).scaled(
            around.adjusted(12, 12, -12, -12).size().toSize(), Qt.AspectRatioMode.KeepAspectRatio
        )
        place = QRectF(0, 0, size.width(), size.height())
        place.moveCenter(around.center())
        ratio = self.devicePixelRatioF()
        painter.drawImage(
            place,
            self.image.scaled(
                size * ratio,
                Qt.AspectRatioMode.IgnoreAspectRatio,
                Qt.TransformationMode.SmoothTransformation,
            ),
        )


class AnimationDialog(QDialog):
    """Asks how the steps are filmed; `suffix`, `take`, `seconds` and `loop` are what was chosen."""

    def __init__(self, parent: QWidget, session: Session) -> None:
        super().__init__(parent)
        self.session = session
        self.setWindowTitle(tr("Export animation"))
        self.setMinimumWidth(600)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 18, 20, 18)
        layout.setSpacing(14)
        self.preview = Frame()
        layout.addWidget(self.preview, 1)
        self.kind = Choice(tr("Kind"), {".gif": "GIF", ".mp4": "MP4"})
        self.part = Choice(
            tr("Steps"),
            {"all": tr("All"), "forward": tr("Forward"), "backward": tr("Backward")},
        )
        self.width_choice = Choice(tr("Width"), {str(w): str(w) for w in WIDTHS})
        self.ground = Choice(tr("Theme"), {"dark": tr("Dark"), "light": tr("Light")})
        self.width_choice.choose("900")
        self.ground.choose(theme.current().name)
        self.seconds = QDoubleSpinBox()
        self.seconds.setRange(0.2, 10.0)
        self.seconds.setSingleStep(0.2)
        self.seconds.setDecimals(1)
        self.seconds.setValue(1.2)
        self.seconds.setSuffix(tr(" s a step"))
        self.seconds.setFixedWidth(120)
        self.seconds.setAccessibleName(tr("Seconds a step"))
        self.values, self.loop = QCheckBox(tr("Values and gradients")), QCheckBox(tr("Loop"))
        self.values.setChecked(True)
        self.loop.setChecked(True)
        self.told = QLabel()
        self.told.setProperty("role", "muted")
        self.told.setWordWrap(True)
        form = QGridLayout()
        form.setHorizontalSpacing(12)
        form.setVerticalSpacing(8)
        form.setColumnMinimumWidth(0, 76)
        form.setColumnStretch(1, 1)
        rows: list[tuple[str, QWidget]] = [
            (c.accessibleName(), c) for c in (self.kind, self.part, self.width_choice, self.ground)
        ]
        for number, (title, control) in enumerate([*rows, (tr("Pace"), self.seconds)]):
            label = QLabel(title)
            label.setProperty("role", "muted")
            form.addWidget(label, number, 0)
            form.addWidget(control, number, 1)
        checks = QHBoxLayout()
        checks.setSpacing(20)
        checks.addWidget(self.values)
        checks.addWidget(self.loop)
        checks.addStretch(1)
        form.addLayout(checks, len(rows) + 1, 1)
        form.addWidget(self.told, len(rows) + 2, 1)
        layout.addLayout(form)
        buttons = QDialogButtonBox()
        self.ok = buttons.addButton(tr("Export…"), QDialogButtonBox.ButtonRole.AcceptRole)
        self.ok.setDefault(True)
        buttons.addButton(tr("Cancel"), QDialogButtonBox.ButtonRole.RejectRole)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout.addWidget(buttons)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self.refresh)
        for choice in (self.kind, self.part, self.width_choice, self.ground):
            choice.group.buttonToggled.connect(self._changed)
        self.values.toggled.connect(self._changed)
        self.seconds.valueChanged.connect(self._changed)
        self.refresh()

    @property
    def suffix(self) -> str:
        return self.kind.value

    def take(self) -> Take:
        return Take(
            int(self.width_choice.value), self.part.value, theme.named(self.ground.value),
            self.values.isChecked(),
        )  # fmt: skip

    def _changed(self) -> None:
        self._soon.start(30)

    def refresh(self) -> None:
        """A frame from the middle of what is filmed, and about how large the file will be."""
        self.loop.setEnabled(self.suffix == ".gif")
        if len(self.session.graph.nodes) > MAX_PREVIEW_NODES:
            self.preview.show_image(QImage())
            self.told.setText("")
            return
        with Reel(self.session, self.take()) as reel:
            count = len(reel.steps)
            try:
                animation.check(self.suffix, count)
            except ValueError as error:
                self.ok.setEnabled(False)
                self.told.setText(f"⚠ {error}")
                return
            self.ok.setEnabled(True)
            here = self.session.cursor
            shown = here if here in reel.steps else reel.steps[count // 2]
            self.preview.show_image(reel.image(shown))
            # Measured on drawn graphs: bytes a pixel of a frame.
            share = 0.09 if self.suffix == ".gif" else 0.05
            size = max(share * reel.pixels * reel.height * count / 1e6, 0.1)
            self.told.setText(
                tr("{width} × {height} pixels, {count} steps, {seconds:.0f} s, about {size:.1f} MB").format(
                    width=reel.pixels, height=reel.height, count=count,
                    seconds=count * self.seconds.value(), size=size,
                )
            )  # fmt: skip
