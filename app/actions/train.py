"""Actions that train the document."""

from __future__ import annotations

from app.actions.context import Context
from app.actions.record import Action, idle, nodes, past, shown

MENU = "Train"

_COMPARE = "Compare"


def _apart(c: Context) -> bool:
    """A document with nodes is shown, and no sweep of it runs."""
    return nodes(c) and not c.comparing.running


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
    Action(
        "train.views", "Training views", MENU, lambda c: c.panel_room.toggle_training(), "Shift+F8", shown, 1,
        "Curves and pictures of what this document learns, in place of the trace.",
        checked=lambda c: c.panel_room.shows_training,
    ),
    Action(
        "train.previous_moment", "Previous moment", MENU, lambda c: c.travel.step(-1), "Ctrl+PgUp", shown,
        2, "Shows the recorded moment before this one everywhere.", "History",
    ),
    Action(
        "train.next_moment", "Next moment", MENU, lambda c: c.travel.step(1), "Ctrl+PgDown", past, 2,
        "Shows the recorded moment after this one; behind the last one is the present.", "History",
    ),
    Action(
        "train.now", "Back to now", MENU, lambda c: c.travel.back(), "", past, 2,
        "Shows the document as it is, or as training has it.", "History",
    ),
    Action(
        "train.follow", "Follow the present", MENU, lambda c: c.travel.toggle_follow(), "", shown, 2,
        "Shows training as it goes on; off holds the newest recorded moment.", "History",
        checked=lambda c: c.travel.follows,
    ),
    Action(
        "train.take", "Take these parameters", MENU, lambda c: c.travel.take(), "", past, 3,
        "The document gets the parameters of the moment that is looked at.", "History",
    ),
    Action(
        "train.fork", "Fork from here", MENU, lambda c: c.travel.fork(), "", past, 3,
        "A new run begins at the moment that is looked at, with the recipe as it is now.", "History",
    ),
    Action(
        "train.curves", "Show curves", MENU, lambda c: c.travel.show_curves(), "", shown, 4,
        submenu="History",
    ),
    Action(
        "train.runs", "Show runs", MENU, lambda c: c.travel.show_runs(), "", shown, 4,
        submenu="History",
    ),
    Action(
        "train.race", "Race of optimizers", MENU, lambda c: c.comparing.start("race"), "", _apart, 5,
        "Every optimizer with its usual learning rate, side by side.", _COMPARE,
    ),
    Action(
        "train.restarts", "Random restarts", MENU, lambda c: c.comparing.start("restarts"), "",
        _apart, 5, "The same training from other starting parameters.", _COMPARE,
    ),
    Action(
        "train.rates", "Learning rates", MENU, lambda c: c.comparing.start("rates"), "", _apart, 5,
        "The same training with smaller and larger learning rates.", _COMPARE,
    ),
    Action(
        "train.stop_comparing", "Stop comparing", MENU, lambda c: c.comparing.stop(), "",
        lambda c: c.comparing.running, 5, "", _COMPARE,
    ),
    Action(
        "train.open_best", "Open the best", MENU, lambda c: c.comparing.open_best(), "",
        lambda c: c.comparing.has_best and not c.training, 5,
        "The best trial's settings and parameters go into the document.", _COMPARE,
    ),
)  # fmt: skip
