"""What the end of an answer means, given the container's state after it: a table."""

from __future__ import annotations

from enum import Enum

from gateway.engine.logs.records import EndReason
from gateway.engine.logs.runs import Run


class Container(Enum):
    """A container's state, seen from the run whose log is read."""

    GONE = "gone"
    OTHER_RUN = "other run"  # it was started again
    RUNNING = "running"
    STOPPED = "stopped"

    @classmethod
    def of(cls, run: Run | None, started: str) -> Container:
        """Return the state that an inspection shows; *started* tells which run is read; *run* is None without one."""
        if run is None:
            return cls.GONE
        if started and run.started != started:
            return cls.OTHER_RUN
        return cls.RUNNING if run.running else cls.STOPPED


class Action(Enum):
    """What to do next."""

    RETRY = "retry"  # the connection broke: read on from the cursor
    READ_REST = "read rest"  # the log may have more than was sent
    WAIT = "wait"  # for the next run
    NEXT_RUN = "next run"  # tell what is left of this run, then continue to the next
    END_EXITED = EndReason.EXITED
    END_NOT_RUNNING = EndReason.NOT_RUNNING
    END_REMOVED = EndReason.REMOVED


class FollowState:
    """Decides what follows the end of an answer.

    `was_running` says whether the run was seen running: only then has it exited under our eyes.
    """

    def __init__(self, *, follow_restarts: bool, was_running: bool) -> None:
        self.was_running = was_running
        self._follow_restarts = follow_restarts

    def after(self, container: Container, *, whole: bool, certain: bool) -> Action:
        """Return what to do.

        *whole*: the answer ended whole.  *certain*: a plain answer asked for since has shown that all is sent.
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
