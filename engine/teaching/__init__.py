"""Lessons and quizzes: what a step waits for, how an answer is graded, questions by seed."""
