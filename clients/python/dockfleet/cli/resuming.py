"""Streams that continue after a failure, by the rule of the library: see `ResumeState`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import click

from dockfleet.calls import Method
from dockfleet.cli.failures import explain
from dockfleet.cli.gateway import responses
from dockfleet.cli.output import say
from dockfleet.errors import DockfleetError
from dockfleet.resume_state import ResumeState

SHOWN_AT = 3  # failures in a row: then a user should know why nothing comes.  A restart of the gateway causes fewer.


def resumed(rpc: Callable[..., Any], request: Any) -> Iterator[Any]:
    """Yield the responses of a stream across its calls, heartbeats too: full screens show times that pass.

    A failure before the first response is raised at once, and one that lasts for a minute too.  Raises
    `DockfleetError`.
    """
    state = ResumeState(_method_of(request), request)
    failures = 0
    while True:
        try:
            for response in responses(rpc, state.request()):
                state.received(response)
                failures = 0
                yield response
        except DockfleetError as error:
            if state.ended:
                return
            wait = state.failed(error)
            failures += 1
            if failures == SHOWN_AT:
                say(f"{explain(error, click.get_current_context().find_root().params)}; it is tried again")
            time.sleep(wait)
        else:
            return


def _method_of(request: Any) -> Method:
    services = request.DESCRIPTOR.file.services_by_name.values()
    [descriptor] = [
        method for service in services for method in service.methods if method.input_type is request.DESCRIPTOR
    ]
    return Method(descriptor)
