"""Builds the configured sources of hosts, besides the configuration itself."""

from __future__ import annotations

from gateway.config.settings import Settings
from gateway.etcd.client import Client
from gateway.etcd.keys import EtcdKeys
from gateway.fleet.sources.combined import Combiner
from gateway.fleet.sources.consul import ConsulHosts
from gateway.fleet.sources.contexts import Contexts
from gateway.fleet.sources.database import Database
from gateway.fleet.sources.directory import Directory
from gateway.fleet.sources.dns import DnsHosts
from gateway.fleet.sources.etcd import EtcdHosts
from gateway.fleet.sources.files import Polls
from gateway.fleet.sources.store import HostStore


def run_sources(settings: Settings, combiner: Combiner, polls: Polls) -> HostStore:
    """Run the sources in *combiner*.  Return the store for hosts that calls add."""
    calls = combiner.feed("calls")
    store: Database | EtcdHosts
    if settings.sources.etcd is not None:
        feed = combiner.feed("etcd")
        keys = EtcdKeys(Client(settings.sources.etcd), settings.sources.etcd.prefix)
        store = EtcdHosts(keys, feed, calls, combiner.drain)
        combiner.run(store, feed)
    else:
        store = Database(settings.state_directory, calls, combiner.drain)
        combiner.run(store, calls)
    if settings.sources.directory is not None:
        feed = combiner.feed("directory")
        combiner.run(Directory(settings.sources.directory, feed, polls), feed)
    if settings.sources.consul is not None:
        feed = combiner.feed("consul")
        combiner.run(ConsulHosts(settings.sources.consul, feed), feed)
    if settings.sources.dns is not None:
        feed = combiner.feed("dns")
        combiner.run(DnsHosts(settings.sources.dns, feed), feed)
    if settings.contexts is not None:
        feed = combiner.feed("contexts")
        combiner.run(Contexts(settings.contexts, feed, polls), feed)
    return store
