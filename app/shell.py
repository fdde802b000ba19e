"""Running a command: exit codes, errors in one line, signals and closed streams.

Exit codes: 0 done, 1 a check failed or training diverged, 2 bad input or usage, 130 interrupted,
143 terminated.
"""

from __future__ import annotations

import contextlib
import difflib
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

import click

DONE, FAILED, BAD_INPUT, INTERRUPTED, TERMINATED = 0, 1, 2, 130, 143
MAX_MESSAGE = 400


def run_program(program: click.Group, argv: Sequence[str], given: Any = None) -> int:
    """Runs one command and returns its exit code; errors are one line on standard error.

    Without arguments it prints the help. `given` is what commands get by `click.pass_obj`.
    """
    # More BLAS threads change the last bits of sums; set before anything imports NumPy.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    try:
        with _terminable(), _streams():
            code = _run(program, list(argv) or ["--help"], given)
            sys.stdout.flush()
            return code
    except BrokenPipeError:
        _abandon(sys.stdout)
        return DONE
    except (KeyboardInterrupt, click.Abort):
        return tell_error("interrupted", INTERRUPTED)
    except _Terminated:
        return TERMINATED
    except click.ClickException as error:
        return tell_error(_usage(error))
    except OSError as error:
        _abandon(sys.stdout)
        where = f"{error.filename}: " if error.filename else ""
        return tell_error(f"{where}{error.strerror or error}")
    except MemoryError:
        return tell_error("there is not enough memory for this; give smaller arrays")
    except ArithmeticError as error:
        return tell_error(str(error), FAILED)
    except ValueError as error:
        return tell_error(str(error))
    except Exception as error:
        if sys.flags.dev_mode:
            raise
        return tell_error(
            f"this should not have happened ({type(error).__name__}: {error}); "
            "'python -X dev -m app' with the same arguments shows where"
        )


def _run(program: click.Group, arguments: list[str], given: Any) -> int:
    try:
        with program.make_context("gradloom", arguments, obj=given) as context:
            code = program.invoke(context)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    return code if isinstance(code, int) else DONE


def tell_error(message: str, code: int = BAD_INPUT) -> int:
    """Prints one line on standard error and returns the exit code."""
    line = " ".join(message.split())
    if len(line) > MAX_MESSAGE:
        line = line[: MAX_MESSAGE - 1] + "…"
    with contextlib.suppress(OSError, ValueError):
        click.echo(f"gradloom: {line}", err=True)
    return code


def _usage(error: click.ClickException) -> str:
    message = error.format_message()
    if isinstance(error, click.NoSuchOption) and not error.option_name.startswith("--"):
        message += " Put -- before a formula that begins with a minus."
    context = getattr(error, "ctx", None)
    if context is None:
        return message
    return f"{message} See '{context.command_path} --help'."


class _Terminated(BaseException):
    """SIGTERM arrived: unwind, so that no half-written file stays behind."""


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: object) -> NoReturn:
        raise _Terminated

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _streams() -> Iterator[None]:
    """Closed streams become nowhere; characters that an encoding lacks become `?`."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))
        elif hasattr(stream, "reconfigure") and stream.encoding.lower() not in ("utf-8", "utf8"):
            stream.reconfigure(errors="replace")
    yield


def _abandon(stream: Any) -> None:
    """Nobody reads any more: what is still buffered goes nowhere, and Python says nothing."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


class Program(click.Group):
    """The commands in the order they are written here, with a hint for a misspelt one."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            close = difflib.get_close_matches(args[0], self.commands, 1)
            hint = (
                f"did you mean {close[0]}?" if close else f"there are: {', '.join(self.commands)}"
            )
            raise click.UsageError(f"there is no command {args[0]!r}; {hint}", ctx)
        return super().resolve_command(ctx, args)

    def main(self, args: Sequence[str] | None = None, *rest: Any, **extra: Any) -> NoReturn:
        sys.exit(run_program(self, sys.argv[1:] if args is None else args))
