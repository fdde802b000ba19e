"""The questions the window asks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QFileDialog, QInputDialog, QMessageBox, QWidget

import engine
from app.importers import IMPORTERS, SUFFIXES
from app.text import sentence, tr
from app.view.import_dialog import ImportDialog
from engine.data import KINDS
from engine.graph import Source

Answer = Literal["save", "discard", "cancel"]
_PATTERN = "Gradloom (*.gloom *.json)"


def _box(parent: QWidget | None, text: str, more: str) -> QMessageBox:
    box = QMessageBox(parent)
    box.setWindowTitle("Gradloom")
    box.setText(text)
    box.setInformativeText(more)
    box.setTextFormat(Qt.TextFormat.PlainText)
    return box


def ask_unsaved(parent: QWidget, name: str) -> Answer:
    """Whether changes are saved before the document is left."""
    box = _box(
        parent, tr(f"Save the changes to “{name}”?"), tr("What is not saved is lost for good.")
    )
    save = box.addButton(tr("Save"), QMessageBox.ButtonRole.AcceptRole)
    discard = box.addButton(tr("Don't save"), QMessageBox.ButtonRole.DestructiveRole)
    cancel = box.addButton(tr("Cancel"), QMessageBox.ButtonRole.RejectRole)
    box.setDefaultButton(save)
    box.setEscapeButton(cancel)
    box.exec()
    clicked = box.clickedButton()
    return "save" if clicked is save else "discard" if clicked is discard else "cancel"


def ask_replace(parent: QWidget, name: str) -> bool:
    """Whether a file that another program changed meanwhile is replaced."""
    box = _box(
        parent,
        tr(f"{name} was changed by another program since it was opened."),
        tr("Saving replaces those changes. Save under another name to keep both."),
    )
    replace = box.addButton(tr("Replace"), QMessageBox.ButtonRole.DestructiveRole)
    cancel = box.addButton(tr("Cancel"), QMessageBox.ButtonRole.RejectRole)
    box.setDefaultButton(cancel)
    box.setEscapeButton(cancel)
    box.exec()
    return box.clickedButton() is replace


def ask_remove_run(parent: QWidget, name: str) -> bool:
    """Whether a recorded run is removed from the disk."""
    box = _box(
        parent, tr("Remove {name}?").format(name=name),
        tr("Its curves, moments and checkpoint are removed from the disk for good."),
    )  # fmt: skip
    remove = box.addButton(tr("Remove"), QMessageBox.ButtonRole.DestructiveRole)
    cancel = box.addButton(tr("Cancel"), QMessageBox.ButtonRole.RejectRole)
    box.setDefaultButton(cancel)
    box.setEscapeButton(cancel)
    box.exec()
    return box.clickedButton() is remove


def ask_reinitialise(parent: QWidget, messages: Sequence[str]) -> bool:
    """Whether parameters that do not fit the data get a new start."""
    listed = "\n".join(messages[:8]) + ("\n…" if len(messages) > 8 else "")
    box = _box(parent, tr("Some parameters do not fit these data."), listed)
    yes = box.addButton(tr("Reinitialise"), QMessageBox.ButtonRole.AcceptRole)
    box.addButton(tr("Leave them"), QMessageBox.ButtonRole.RejectRole)
    box.setDefaultButton(yes)
    box.exec()
    return box.clickedButton() is yes


def tell(parent: QWidget | None, text: str) -> None:
    """One sentence that has to be read."""
    box = _box(parent, sentence(text), "")
    box.setIcon(QMessageBox.Icon.Warning)
    box.exec()


def ask_open(parent: QWidget, folder: str) -> Path | None:
    patterns = [
        f"{importer.name} ({' '.join('*' + suffix for suffix in importer.suffixes)})"
        for importer in IMPORTERS
    ]
    everything = f"{tr('All that can be opened')} ({' '.join('*' + suffix for suffix in SUFFIXES)})"
    name, _ = QFileDialog.getOpenFileName(
        parent, tr("Open"), folder, ";;".join((everything, *patterns))
    )
    return Path(name) if name else None


def ask_save(parent: QWidget, suggested: str) -> Path | None:
    """A path to save to; `.gloom` unless another known ending is typed."""
    name, _ = QFileDialog.getSaveFileName(parent, tr("Save as"), suggested, _PATTERN)
    if not name:
        return None
    path = Path(name)
    return path if path.suffix.lower() in (".gloom", ".json") else Path(f"{name}.gloom")


def ask_picture(parent: QWidget, suggested: Path) -> Path | None:
    """A path to draw a picture to; of the suggested kind unless another known ending is typed."""
    kinds = {".svg": tr("SVG picture (*.svg)"), ".png": tr("PNG picture (*.png)")}
    first = kinds.pop(suggested.suffix)
    name, _ = QFileDialog.getSaveFileName(
        parent, tr("Export picture"), str(suggested), ";;".join((first, *kinds.values()))
    )
    if not name:
        return None
    path = Path(name)
    return path if path.suffix.lower() in (".svg", ".png") else Path(f"{name}{suggested.suffix}")


def ask_data(parent: QWidget, kind: str, folder: str) -> Path | None:
    """A file of a kind of data, or a folder of pictures."""
    row = KINDS[kind]
    if not row.suffixes:
        name = QFileDialog.getExistingDirectory(parent, tr("Choose a folder of pictures"), folder)
    else:
        patterns = " ".join(f"*{suffix}" for suffix in row.suffixes)
        filters = f"{tr(row.title)} ({patterns});;{tr('All files')} (*)"
        name, _ = QFileDialog.getOpenFileName(parent, tr("Choose data"), folder, filters)
    return Path(name) if name else None


def ask_import(parent: QWidget, source: Source) -> Source | None:
    """How a person wants the file read; None when they do not."""
    dialog = ImportDialog(parent, source)
    taken = dialog.exec() == QDialog.DialogCode.Accepted
    dialog.deleteLater()
    return dialog.source if taken else None


def ask_module_name(parent: QWidget, suggested: str, fault: str = "", was: str = "") -> str | None:
    """What a new module, or the one called `was`, is to be called; `fault` says why the name before
    was refused."""
    question = f"{tr('What is')} {was or tr('the new module')} {tr('to be called?')}"
    name, accepted = QInputDialog.getText(
        parent, tr("Rename module") if was else tr("Make module"),
        f"{sentence(fault)}\n{question}" if fault else question, text=suggested,
    )  # fmt: skip
    return name.strip() if accepted and name.strip() else None


def about(parent: QWidget) -> None:
    box = _box(
        parent,
        f"Gradloom {engine.__version__}",
        tr(
            "Wire a computation graph, step it forward and backward with every number explained, "
            "train it.\n\nMIT licence. Inter and JetBrains Mono under the SIL Open Font License."
        ),
    )
    box.exec()


def tell_crash(parent: QWidget | None, details: str, log: Path) -> None:
    """Something failed that should not have; the details can be copied."""
    box = _box(
        parent,
        tr("Something went wrong; your document is safe."),
        tr(f"You can go on working; save when it suits you. Details are in {log}."),
    )
    box.setIcon(QMessageBox.Icon.Warning)
    box.setDetailedText(details)
    copy = box.addButton(tr("Copy details"), QMessageBox.ButtonRole.ActionRole)
    close = box.addButton(tr("Go on"), QMessageBox.ButtonRole.AcceptRole)
    box.setDefaultButton(close)
    box.setEscapeButton(close)
    box.exec()
    if box.clickedButton() is copy:
        QGuiApplication.clipboard().setText(details)
