"""The version of dockfleet.  It stands here and nowhere else: both packages, the programs and the metric read it."""

__version__ = "0.1.0"
