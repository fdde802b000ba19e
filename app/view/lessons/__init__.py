"""Lessons in the window: the panel beside the canvas, the editor, the quiz and class mode."""
