"""The table of actions after the end of an answer, by the state of the container."""

from __future__ import annotations

from enum import Enum

from gateway.engine.logs.records import EndReason
from gateway.engine.logs.runs import Run


class Container(Enum):
    """The state of a container, for a reader of one of its runs."""

    GONE = "gone"
    OTHER_RUN = "other run"  # it has started again
    RUNNING = "running"
    STOPPED = "stopped"

    @classmethod
    def of(cls, run: Run | None, started: str) -> Container:
        """Return the state for the reader of the run that *started* then; *run* is the latest run of a container."""
        if run is None:
            return cls.GONE
        if started and run.started != started:
            return cls.OTHER_RUN
        return cls.RUNNING if run.running else cls.STOPPED


class Action(Enum):
    """What to do next."""

    RETRY = "retry"  # continue at the cursor: the connection broke
    READ_REST = "read rest"  # the log may have entries that were not sent
    WAIT = "wait"  # for the next run
    NEXT_RUN = "next run"  # send the rest of this run, then continue with the next run
    END_EXITED = EndReason.EXITED
    END_NOT_RUNNING = EndReason.NOT_RUNNING
    END_REMOVED = EndReason.REMOVED


class FollowState:
    """Decides what follows the end of an answer.

    `was_running` says whether the run was running when the reader looked: if not, its end is NOT_RUNNING.
    """

    def __init__(self, *, follow_restarts: bool, was_running: bool) -> None:
        self.was_running = was_running
        self._follow_restarts = follow_restarts

    def after(self, container: Container, *, whole: bool, certain: bool) -> Action:
        """Return the next action.

        *whole*: the answer ended properly.  *certain*: a plain answer since then has shown that all is sent.
        """
        self.was_running |= container is Container.RUNNING
        match container, whole, certain:
            case Container.GONE, _, _:
                return Action.END_REMOVED
            case Container.OTHER_RUN, _, _:
                return Action.NEXT_RUN
            case (Container.RUNNING, _, _) | (Container.STOPPED, False, _):
                return Action.RETRY
            case Container.STOPPED, True, False:
                return Action.READ_REST
            case _:
                self.was_running |= self._follow_restarts
                if self._follow_restarts:
                    return Action.WAIT
                return Action.END_EXITED if self.was_running else Action.END_NOT_RUNNING
