"""`dockfleet network`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from dockfleet.cli import docker_text
from dockfleet.cli.batches import Batch, batched
from dockfleet.cli.completion import complete_containers, complete_networks
from dockfleet.cli.gateway import Gateway, call
from dockfleet.cli.host_choice import api_number, api_versions, host_names, several_hosts
from dockfleet.cli.output import fields
from dockfleet.cli.questions import FILTER, Answers, filters_of
from dockfleet.cli.reports import Report
from dockfleet.cli.scope import Scope, scoped
from dockfleet.cli.targets import one
from dockfleet.cli.template import Values
from dockfleet.cli.values import pairs
from dockfleet.cli.view import View, listed

ALWAYS_CHECKS = (1, 44)  # the API version since which engines always refuse a taken name
COLUMNS = {"HOST": "Host", "NETWORK ID": "ID", "NAME": "Name", "DRIVER": "Driver", "SCOPE": "Scope"}
NAMES = click.argument("names", metavar="NETWORK...", nargs=-1, required=True, shell_complete=complete_networks)


@click.command()
@FILTER
@listed()
@scoped(labels=False)
@click.pass_context
def ls(context: click.Context, /, scope: Scope, view: View, filters: tuple[str, ...]) -> None:
    """List the networks of many hosts."""
    from dockfleet.fleet.v1 import fleet_pb2 as pb
    from dockfleet.v1.networks_pb2 import ListNetworksRequest

    gateway: Gateway = context.obj
    request = ListNetworksRequest(filters=filters_of(filters))
    answers = Answers(gateway.fleet.ListNetworks, pb.ListNetworksRequest(hosts=scope.host_selector(), request=request))
    found = sorted(answers.each("networks"), key=lambda pair: (pair[0], pair[1].name))
    rows = [
        Values(
            {
                "Host": host,
                "ID": docker_text.short_id(each.id, view.no_trunc),
                "Name": each.name,
                "Driver": each.driver,
                "Scope": each.scope,
                "IPv4": str(each.enable_ipv4).lower(),
                "IPv6": str(each.enable_ipv6).lower(),
                "Internal": str(each.internal).lower(),
                "Labels": docker_text.labels(each.labels),
                "CreatedAt": docker_text.local_time(each.created_at),
            },
            labels=each.labels,
        )
        for host, each in found
    ]
    view.show(rows, COLUMNS, "ID", ({"host": host, **fields(each)} for host, each in found))
    answers.finish(context)


@click.command()
@click.option("-d", "--driver", metavar="NAME", default="bridge", show_default=True, help="The driver.")
@click.option("--subnet", "subnets", multiple=True, metavar="CIDR", help="A range of addresses.")
@click.option("--gateway", "gateways", multiple=True, metavar="ADDRESS", help="The gateway of a subnet.")
@click.option("--ip-range", "ip_ranges", multiple=True, metavar="CIDR", help="Where containers get addresses from.")
@click.option("--aux-address", "aux", multiple=True, metavar="NAME=ADDRESS", help="An address that is in use.")
@click.option("--ipam-opt", "ipam_options", multiple=True, metavar="KEY=VALUE", help="An option of that driver.")
@click.option("--ipam-driver", metavar="NAME", help="The driver of addresses.")
@click.option("-o", "--opt", "options", multiple=True, metavar="KEY=VALUE", help="An option of the driver.")
@click.option("--label", "own_labels", multiple=True, metavar="KEY=VALUE", help="A label.")
@click.option("--internal", is_flag=True, default=None, help="Without a way out.")
@click.option("--attachable", is_flag=True, default=None, help="Containers of a swarm may connect.")
@click.option("--ipv6/--no-ipv6", "enable_ipv6", default=None, help="With IPv6.")
@click.option("--ipv4/--no-ipv4", "enable_ipv4", default=None, help="With IPv4; from API 1.47 on.")
@click.option("--scope", "its_scope", metavar="SCOPE", help="Its scope: local, global or swarm.")
@click.option("--config-only", is_flag=True, default=None, help="Only settings for other networks.")
@click.option("--config-from", metavar="NETWORK", help="The network of settings that it takes them from.")
@batched()
@scoped(labels=False)
@click.argument("name")
@click.pass_context
def create(
    context: click.Context,
    /,
    name: str,
    scope: Scope,
    batch: Batch,
    driver: str,
    subnets: tuple[str, ...],
    gateways: tuple[str, ...],
    ip_ranges: tuple[str, ...],
    ipam_driver: str | None,
    ipam_options: tuple[str, ...],
    aux: tuple[str, ...],
    options: tuple[str, ...],
    own_labels: tuple[str, ...],
    its_scope: str | None,
    config_from: str | None,
    **how: Any,
) -> None:
    """Create a network on a host, or on several.

    \b
    Examples:
      dockfleet network create -H north-1 front
      dockfleet network create -H 'edge*' --subnet 10.9.0.0/24 back
    """
    from itertools import zip_longest

    from dockfleet.fleet.v1 import fleet_pb2
    from dockfleet.v1 import networks_pb2 as pb

    pools = [
        pb.IpamConfig(subnet=subnet, gateway=way, ip_range=part)
        for subnet, way, part in zip_longest(subnets, gateways, ip_ranges)
    ]
    _reserve(pools, pairs(aux, "--aux-address"))
    ipam = pb.Ipam(driver=ipam_driver, config=pools, options=pairs(ipam_options, "--ipam-opt"))
    fields = {
        "name": name,
        "driver": driver,
        "options": pairs(options, "--opt"),
        "labels": pairs(own_labels, "--label"),
        "ipam": ipam if ipam.ListFields() else None,
        "scope": its_scope,
        "config_from": None if config_from is None else pb.ConfigReference(network=config_from),
        **how,
    }
    gateway: Gateway = context.obj
    hosts, several = several_hosts(gateway, scope)
    report = Report(f"create {name} on", batch)
    for check_duplicate, names in _by_check(api_versions(gateway, hosts)):
        request = pb.CreateNetworkRequest(check_duplicate=check_duplicate, **fields)
        wanted = fleet_pb2.CreateNetworksRequest(
            hosts=scope.host_selector(*names), batch=batch.options(), request=request
        )
        report.run(
            gateway.fleet.CreateNetworks,
            wanted,
            lambda host, found: click.echo(f"{host}: {found.id}" if several else found.id),
        )
    context.exit(1 if report.failed else 0)


def _reserve(pools: Sequence[Any], addresses: Mapping[str, str]) -> None:
    """Add each of the *addresses*, by name, to the pool that has it.  Raises `click.UsageError` when none has."""
    from ipaddress import ip_address, ip_network

    for name, text in addresses.items():
        try:
            address = ip_address(text)
            pool = next((each for each in pools if address in ip_network(each.subnet, strict=False)), None)
        except ValueError as error:
            raise click.UsageError(f"--aux-address: {error}") from error
        if pool is None:
            raise click.UsageError(f"--aux-address: no --subnet has {text}")
        pool.auxiliary_addresses[name] = text


def _by_check(versions: dict[str, str]) -> list[tuple[bool | None, list[str]]]:
    """Return the hosts by what they need to refuse a taken name: newer engines always do, without the field."""
    old = [host for host, version in versions.items() if version and api_number(version) < ALWAYS_CHECKS]
    others = [host for host in versions if host not in old]
    return [(check, names) for check, names in ((True, old), (None, others)) if names]


@click.command()
@click.option("-f", "--force", is_flag=True, help="A network that does not exist is no failure.")
@batched()
@scoped(labels=False)
@NAMES
@click.pass_context
def rm(context: click.Context, /, names: tuple[str, ...], scope: Scope, batch: Batch, force: bool) -> None:
    """Remove networks from a host, or from several.

    On several hosts you are asked first.
    """
    from dockfleet.fleet.v1 import fleet_pb2
    from dockfleet.v1.networks_pb2 import RemoveNetworkRequest

    gateway: Gateway = context.obj
    hosts, several = several_hosts(gateway, scope)
    if several and batch.asks:
        batch.confirm("remove", [f"{name} from {host}" for name in names for host in host_names(gateway, hosts)])
    failed = False
    for name in names:
        report = Report(f"remove {name} from", batch, missing_is_ok=force)
        wanted = fleet_pb2.RemoveNetworksRequest(
            hosts=hosts, batch=batch.options(), request=RemoveNetworkRequest(id=name)
        )

        def removed(host: str, found: Any, name: str = name) -> None:
            click.echo(f"{host}: {name}" if several else name)

        report.run(gateway.fleet.RemoveNetworks, wanted, removed)
        failed |= report.failed
    context.exit(1 if failed else 0)


@click.command()
@click.option("--alias", "aliases", multiple=True, metavar="NAME", help="A further name of the container there.")
@click.option("--ip", metavar="ADDRESS", help="Its address there.")
@click.option("--ip6", metavar="ADDRESS", help="Its IPv6 address there.")
@click.option("--link-local-ip", "link_local_ips", multiple=True, metavar="ADDRESS", help="A link-local address there.")
@click.option("--link", "links", multiple=True, metavar="CONTAINER[:NAME]", help="Link it to another container.")
@click.option("--driver-opt", "driver_opts", multiple=True, metavar="KEY=VALUE", help="An option of the driver.")
@click.option("--gw-priority", type=int, help="The network with the highest has the default gateway; from API 1.48 on.")
@scoped(labels=False)
@click.argument("network", shell_complete=complete_networks)
@click.argument("container", shell_complete=complete_containers)
@click.pass_obj
def connect(
    gateway: Gateway,
    /,
    network: str,
    container: str,
    scope: Scope,
    aliases: tuple[str, ...],
    links: tuple[str, ...],
    driver_opts: tuple[str, ...],
    link_local_ips: tuple[str, ...],
    ip: str | None,
    ip6: str | None,
    gw_priority: int | None,
) -> None:
    """Connect a container to a network."""
    from dockfleet.v1 import networks_pb2 as pb

    target = one(gateway, scope, container)
    addresses = pb.EndpointIpamConfig(ipv4_address=ip, ipv6_address=ip6, link_local_ips=link_local_ips)
    endpoint = pb.EndpointSettings(
        aliases=aliases,
        links=links,
        gw_priority=gw_priority,
        driver_opts=pairs(driver_opts, "--driver-opt"),
        ipam_config=addresses if addresses.ListFields() else None,
    )
    request = pb.ConnectNetworkRequest(
        host=target.host,
        id=network,
        container=target.id,
        endpoint_config=endpoint if endpoint.ListFields() else None,
    )
    call(gateway.networks.ConnectNetwork, request)


@click.command()
@click.option("-f", "--force", is_flag=True, default=None, help="Also when the container does not respond.")
@scoped(labels=False)
@click.argument("network", shell_complete=complete_networks)
@click.argument("container", shell_complete=complete_containers)
@click.pass_obj
def disconnect(gateway: Gateway, /, network: str, container: str, scope: Scope, force: bool | None) -> None:
    """Disconnect a container from a network."""
    from dockfleet.v1.networks_pb2 import DisconnectNetworkRequest

    target = one(gateway, scope, container)
    request = DisconnectNetworkRequest(host=target.host, id=network, container=target.id, force=force)
    call(gateway.networks.DisconnectNetwork, request)
