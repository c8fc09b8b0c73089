"""The commands of the command line client."""

from dockfleet.commands import events, exec, listing, logs, stats  # noqa: F401  # each module adds its commands to the group
from dockfleet.commands.group import dockfleet

__all__ = ["dockfleet"]
