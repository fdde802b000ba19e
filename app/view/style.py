"""The one style sheet of the program, with the theme's tokens and pictures by name."""

from __future__ import annotations

PICTURES = ("tick", "arrow", "left", "right")
"""Icons of the style sheet; each has a file for every theme."""

STYLE = """
* { outline: none; }
QMainWindow, QDialog { background: $background; }
QMainWindow::separator { background: $hairline; width: 1px; height: 1px; }
QToolTip { background: $panel; color: $text; border: 1px solid $border; padding: 6px 8px; }
QDockWidget { color: $text; titlebar-close-icon: none; titlebar-normal-icon: none; }
QDockWidget::title { background: $panel; padding: 8px 12px; border: none; }
QLabel { background: transparent; }
QLabel[role="muted"] { color: $muted; }
QLabel[role="title"] { font-weight: 600; }
QLabel[role="value"] { color: $value; }
QLabel[role="gradient"] { color: $gradient; }
QLabel[role="error"] { color: $error; }
QLabel[role="warning"] { color: $warning; }
QLabel[role="accent"] { color: $accent; }
QFrame[role="panel"], QWidget[role="panel"] { background: $panel; }
QFrame[role="bar"] { background: $panel; border: 1px solid $hairline; border-radius: 12px; }
QWidget[role="plot"] { background: $field; border: 1px solid $hairline; border-radius: 8px; }
QFrame[role="hairline"] { background: $hairline; border: none; max-height: 1px; min-height: 1px; }
QLineEdit, QPlainTextEdit, QTextEdit, QSpinBox, QDoubleSpinBox, QComboBox {
    background: $field; color: $text; border: 1px solid $hairline; border-radius: 6px;
    padding: 5px 8px; selection-background-color: $accent; selection-color: $on_accent; }
QLineEdit:focus, QPlainTextEdit:focus, QTextEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus,
QComboBox:focus { border-color: $accent; }
QLineEdit:disabled, QSpinBox:disabled, QDoubleSpinBox:disabled, QComboBox:disabled {
    color: $faint; }
QLineEdit[fault="true"] { border-color: $error; }
QSpinBox::up-button, QSpinBox::down-button, QDoubleSpinBox::up-button,
QDoubleSpinBox::down-button { width: 0; border: none; }
QComboBox::drop-down { border: none; width: 20px; }
QComboBox::down-arrow { image: url("$arrow"); width: 10px; height: 10px; margin-right: 8px; }
QComboBox QAbstractItemView { background: $panel; border: 1px solid $border; padding: 4px; }
QPushButton, QToolButton { background: $control; color: $text; border: 1px solid $border;
    border-radius: 6px; padding: 5px 12px; }
QPushButton:hover, QToolButton:hover { background: $press; }
QPushButton:pressed, QToolButton:pressed, QToolButton:checked { background: $hairline; }
QPushButton:checked { background: $chosen; border-color: $accent; }
QPushButton:focus, QToolButton:focus { border-color: $accent; }
QPushButton:disabled, QToolButton:disabled { color: $faint; border-color: $hairline; }
QPushButton[primary="true"], QPushButton:default, QToolButton[primary="true"] {
    background: $accent; color: $on_accent; border-color: $accent; font-weight: 600; }
QPushButton[primary="true"]:hover, QToolButton[primary="true"]:hover { background: $accent_hover; }
QPushButton[primary="true"]:disabled, QPushButton:default:disabled, QToolButton[primary="true"]:disabled {
    background: $hairline; color: $muted; border-color: $hairline; }
QPushButton[flat="true"], QToolButton[flat="true"] { background: transparent; border-color:
    transparent; padding: 4px 6px; }
QPushButton[flat="true"]:hover, QToolButton[flat="true"]:hover { background: $press; }
QToolButton[stage="true"] { padding: 4px 8px; color: $muted; }
QToolButton[stage="true"]:checked { background: $chosen; border-color: $accent; color: $text; }
QPushButton[quiet="true"] { color: $muted; }
QPushButton[quiet="true"]:checked { color: $text; background: $hairline; }
QPushButton[chip="true"] { padding: 4px 6px 4px 11px; text-align: left; }
QToolButton[drawer="true"] { font-weight: 600; color: $muted; padding: 5px 4px; }
QToolButton[drawer="true"]:hover { color: $text; }
QLabel[badge="true"] { border: 1px solid $border; border-radius: 11px; padding: 3px 12px; }
QCheckBox, QRadioButton { spacing: 8px; background: transparent; }
QCheckBox::indicator, QRadioButton::indicator, QListWidget::indicator {
    width: 14px; height: 14px; background: $field; border: 1px solid $border; border-radius: 4px; }
QRadioButton::indicator { border-radius: 7px; }
QCheckBox::indicator:checked, QListWidget::indicator:checked { image: url("$tick"); }
QCheckBox::indicator:checked, QRadioButton::indicator:checked, QListWidget::indicator:checked {
    background: $accent; border-color: $accent; }
QCheckBox:focus, QRadioButton:focus { color: $accent; }
QAbstractItemView { background: transparent; border: none; color: $text;
    selection-background-color: $chosen; selection-color: $text; }
QListView::item, QTreeView::item, QTableView::item { padding: 4px 8px; border-radius: 6px; }
QListView::item:hover, QTreeView::item:hover { background: $press; }
QListView::item:selected, QTreeView::item:selected, QTableView::item:selected {
    background: $chosen; color: $text; }
QToolButton[plain="true"]::menu-indicator { image: none; width: 0; }
QTableView[role="figures"]::item, QTableView[role="figures"] QHeaderView::section { padding: 4px 4px; }
QHeaderView::section { background: transparent; border: none;
    border-bottom: 1px solid $hairline; padding: 4px 8px; }
QTableView { gridline-color: $hairline; }
QTableCornerButton::section { background: transparent; border: none; }
QScrollArea { background: transparent; border: none; }
QScrollBar:vertical { background: transparent; width: 8px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: 8px; margin: 0; }
QScrollBar::handle { background: $border; border-radius: 3px; margin: 1px; }
QScrollBar::handle:vertical { min-height: 28px; }
QScrollBar::handle:horizontal { min-width: 28px; }
QScrollBar::handle:hover { background: $muted; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QAbstractScrollArea::corner { background: transparent; }
QMenuBar { background: $panel; color: $text; border-bottom: 1px solid $hairline; padding: 2px 8px; }
QMenuBar::item { background: transparent; padding: 5px 9px; border-radius: 6px; }
QMenuBar::item:selected { background: $press; }
QMenu { background: $panel; color: $text; border: 1px solid $border; padding: 6px; }
QMenu::item { padding: 6px 24px 6px 12px; border-radius: 6px; }
QMenu::item:selected { background: $accent; color: $on_accent; }
QMenu::item:disabled { color: $faint; background: transparent; }
QMenu::separator { height: 1px; background: $hairline; margin: 6px 8px; }
QTabWidget::pane { border: none; border-top: 1px solid $hairline; }
QTabBar { background: transparent; qproperty-elideMode: ElideNone; }
QTabBar::tab { background: transparent; color: $muted; border: none; padding: 7px 9px;
    border-bottom: 2px solid transparent; }
QTabBar::tab:hover { color: $text; }
QTabBar::tab:selected { color: $text; border-bottom-color: $accent; }
QTabBar::tab:focus { color: $accent; }
QTabBar::tear { width: 0; border: none; }
QTabBar::scroller { width: 36px; }
QTabBar QToolButton { background: $panel; border: none; border-radius: 0; padding: 0; }
QTabBar QToolButton::left-arrow { image: url("$left"); width: 12px; height: 12px; }
QTabBar QToolButton::right-arrow { image: url("$right"); width: 12px; height: 12px; }
QSplitter::handle { background: $hairline; }
QSplitter::handle:horizontal { width: 1px; }
QSplitter::handle:vertical { height: 1px; }
QStatusBar { background: $panel; color: $muted; border-top: 1px solid $hairline; }
QStatusBar::item { border: none; }
QToolBar { background: $panel; border: none; spacing: 6px; padding: 6px 12px; }
QProgressBar { background: $hairline; border: none; border-radius: 2px; max-height: 4px;
    color: transparent; }
QProgressBar::chunk { background: $accent; border-radius: 2px; }
QSlider::groove:horizontal { background: $hairline; height: 4px; border-radius: 2px; }
QSlider::sub-page:horizontal { background: $accent; border-radius: 2px; }
QSlider::handle:horizontal { background: $accent; width: 14px; height: 14px; margin: -5px 0;
    border-radius: 7px; }
QSlider::handle:horizontal:focus { border: 2px solid $text; width: 10px; height: 10px; }
"""
