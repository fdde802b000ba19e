"""Actions that train the document."""

from __future__ import annotations

from app.actions.record import Action, idle, past, shown

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
)  # fmt: skip
