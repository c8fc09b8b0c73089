"""The pages of the fleet for Prometheus: metrics of containers, and scrape targets.

A page sends no request to a host: it shows what the gateway has in memory, or responds with the reason why not.
"""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs

import orjson
from prometheus_client.exposition import gzip_accepted

from gateway.fleet.host import Host
from gateway.fleet.registry import HostRegistry, UnknownHost
from gateway.fleet.scrape_targets import NotListed, Target, container_targets, host_targets
from gateway.telemetry.containers.page import CONTENT_TYPE, response, without_host
from gateway.telemetry.containers.page import Page as ContainersPage
from gateway.web.listener import Page
from gateway.web.messages import Request, Response, text
from gateway.web.scrapes import OneScrape

_GZIP_LEVEL = 1
_NOT_ALL = "it is not known which hosts there are: {}"  # Prometheus keeps those that it has
_OFF = "there are no metrics of containers: the gateway keeps no inventory"


def fleet_pages(hosts: HostRegistry, scrape: OneScrape) -> dict[str, Page]:
    """Return the table of these pages.  All pages for scrapes share *scrape*."""

    async def metrics(request: Request) -> Response:
        try:
            host = _host(hosts, request)
        except UnknownHost as error:
            return text(str(error), 404)
        compressed = gzip_accepted(request.headers.get("accept-encoding", ""))
        if host is None:
            pages = [each.pages for each in hosts if each.pages is not None]
        elif host.pages is None:
            return text(_OFF, 404)
        else:
            pages = [host.pages]
        for page in pages:
            page.asked()
        if host is not None and (failure := pages[0].failure) is not None:
            return text(f"{host.name}: {failure}", 503)  # Prometheus counts it as `up` 0
        shown = [page.page for page in pages]  # as they are now: they are joined in a thread
        of_host = host.name if host is not None else None
        async with scrape:
            body = await asyncio.to_thread(_body, shown, of_host, compressed=compressed)
        encoding = {"Content-Encoding": "gzip"} if compressed else {}
        return Response(body, content_type=CONTENT_TYPE, headers=encoding)

    async def sd_hosts(request: Request) -> Response:
        if missing := hosts.incomplete():
            return text(_NOT_ALL.format(missing), 503)
        async with scrape:
            return _json(host_targets(hosts, request.headers.get("host", "")))

    async def sd_containers(request: Request) -> Response:
        try:
            host = _host(hosts, request)
        except UnknownHost as error:
            return text(str(error), 404)
        if host is None and (missing := hosts.incomplete()):
            return text(_NOT_ALL.format(missing), 503)
        try:
            async with scrape:
                targets = await container_targets([host] if host is not None else hosts)
                left_out = "left_out" in parse_qs(request.query, keep_blank_values=True)
                return await asyncio.to_thread(_targets, targets, left_out=left_out)
        except NotListed as error:
            return text(f"it is not known which containers all hosts have: {error}", 503)

    return {"/metrics/containers": metrics, "/sd/hosts": sd_hosts, "/sd/containers": sd_containers}


def _host(hosts: HostRegistry, request: Request) -> Host | None:
    """Return the host that a request is about; None for all.  Raises `UnknownHost`."""
    names = parse_qs(request.query, keep_blank_values=True).get("host")
    return hosts[names[-1]] if names else None


def _body(pages: Sequence[ContainersPage], of_host: str | None, *, compressed: bool) -> bytes:
    """Return the pages as one text; that of one host has no label `host`, which the target has."""
    if of_host is None:
        return response(pages, compressed=compressed)
    body = without_host(response(pages, compressed=False), of_host)
    return gzip.compress(body, _GZIP_LEVEL) if compressed else body


def _targets(targets: Sequence[Target], *, left_out: bool) -> Response:
    """Return the targets, or, with *left_out*, the containers that are none, and why."""
    if left_out:
        return _json([{"labels": target.labels, "reason": target.why_not} for target in targets if target.why_not])
    return _json([target.document() for target in targets if not target.why_not])


def _json(document: Any) -> Response:
    return Response(orjson.dumps(document), content_type="application/json")  # Prometheus wants exactly this
