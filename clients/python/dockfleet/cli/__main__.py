"""`python -m dockfleet.cli` is `dockfleet`."""

from dockfleet.cli import main

main()
