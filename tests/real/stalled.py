"""The kinds of streams whose reader may stop reading: how each is opened, and what its reader is promised afterwards."""

from __future__ import annotations
