"""How much memory the inventories of all hosts take: a hostile host can list anything."""

from __future__ import annotations

import logging

from gateway.engine.errors import BadResponse

log = logging.getLogger("gateway.inventory")

OWN_BYTES = 16 << 20
"""What every host may keep: 5,000 containers with the usual labels take 10 MiB."""
SHARED_BYTES = 256 << 20
"""What all hosts together may keep beyond that."""
ROW_BYTES = 512
"""What a row takes besides its message."""


class Room:
    """The bytes that the inventories keep beyond what every host may."""

    def __init__(self, own_bytes: int = OWN_BYTES, shared_bytes: int = SHARED_BYTES) -> None:
        self.own_bytes = own_bytes
        self.shared_bytes = shared_bytes
        self.taken = 0


class Share:
    """What one host takes of the room."""

    def __init__(self, room: Room, host: str = "") -> None:
        """Take nothing yet.  *host* is a name for the log."""
        self._room = room
        self._host = host
        self._size = 0
        self._was_full = False

    def grow(self, size: int) -> None:
        """Take *size* bytes more; fewer when it is negative.  Raises `BadResponse`, and takes nothing, without room."""
        room = self._room
        more = max(self._size + size - room.own_bytes, 0) - max(self._size - room.own_bytes, 0)
        if more > 0 and room.taken + more > room.shared_bytes:
            if not self._was_full:
                log.warning("inventory has no room", extra={"fields": {"host": self._host, "bytes": self._size}})
            self._was_full = True
            raise BadResponse("the host has more than the inventories of all hosts may keep", sent=True)
        room.taken += more
        self._size += size

    def leave(self) -> None:
        """Give all back; what comes late takes nothing of the room."""
        self.grow(-self._size)
        self._room = Room()
