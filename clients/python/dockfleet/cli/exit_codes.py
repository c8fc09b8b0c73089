"""The exit codes of commands that could not be run."""

from __future__ import annotations

import re

from dockfleet.cli.group import NOT_RUN
from dockfleet.errors import DockfleetError

NOT_EXECUTABLE = 126  # the exit codes of docker and `env`
NOT_FOUND = 127

START_FAILED = ("EXEC_START_FAILED", "START_FAILED")
NOT_STARTED = (  # by the engine's message, as the docker command does
    (r"(?i)executable file not found|no such file or directory|cannot find the file", NOT_FOUND),
    (r"(?i)permission denied|is a directory", NOT_EXECUTABLE),
)


def exit_code_of(error: DockfleetError) -> int:
    """Return docker's exit code for a process that was not started."""
    if error.reason not in START_FAILED:
        return NOT_RUN
    return next((code for pattern, code in NOT_STARTED if re.search(pattern, error.message)), NOT_RUN)
