"""Actions that train the document."""

from __future__ import annotations

from app.actions.record import Action, idle

MENU = "Train"

ACTIONS = (
    Action("train.train", "Train", MENU, lambda c: c.train(), "F5", idle),
    Action(
        "train.pause", "Pause", MENU, lambda c: c.pause_training(), "Shift+F5", lambda c: c.training
    ),
    Action(
        "train.stop", "Stop", MENU, lambda c: c.stop_training(), "", lambda c: c.training, 0,
        "Ends training at once and forgets the steps still to come.",
    ),
    Action("train.step", "One training step", MENU, lambda c: c.train_step(), "F6", idle),
    Action("train.epoch", "One epoch", MENU, lambda c: c.train_epoch(), "Shift+F6", idle),
    Action(
        "train.reset", "Reset training", MENU, lambda c: c.reset_training(), "", idle, 1,
        "Gives every parameter a new start and clears the curve.",
    ),
)  # fmt: skip
