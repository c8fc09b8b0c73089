"""Calls that wait for a turn, by connection."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from gateway.rpc.call import Call

Place: TypeAlias = "asyncio.Future[None]"


class WaitingCalls:
    """Connections take turns, and the calls of one connection have theirs in order.  It is false without calls."""

    def __init__(self) -> None:
        # By connection, in the order of their turns.  The first key of a plain dict takes the longer to find, the more
        # keys before it were removed.
        self._places: OrderedDict[str, OrderedDict[Place, Call]] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._places)

    def __contains__(self, peer: str) -> bool:
        return peer in self._places

    def add(self, call: Call) -> Place:
        """Return the last place of the connection of *call*; its result is set when the call has its turn."""
        place = asyncio.get_running_loop().create_future()
        self._places.setdefault(call.peer, OrderedDict())[place] = call
        return place

    def remove(self, call: Call, place: Place) -> None:
        """Forget a place that has not had its turn: a client can begin and cancel thousands of calls."""
        places = self._places.get(call.peer)
        if places and places.pop(place, None) and not places:
            del self._places[call.peer]

    def let_next_go(self) -> Place | None:
        """Give the next place its turn, and return it; None when no call waits.  The connection moves to the end."""
        while self._places:
            peer, places = self._places.popitem(last=False)
            place, _ = places.popitem(last=False)
            if places:
                self._places[peer] = places
            if not place.done():  # otherwise the client has just disconnected
                place.set_result(None)
                return place
        return None

    def end_all(self, error: Exception) -> None:
        """End all waiting calls with *error*."""
        for places in self._places.values():
            for call in places.values():
                call.context.end(error)
