"""The options of `run` and `create`, and the container that they specify."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import click

from dockfleet.cli import values
from dockfleet.cli.group import NOT_RUN, CommandError
from dockfleet.cli.mounts import mount
from dockfleet.cli.values import Value, exposed, lines, pairs, ports, variable, variables

F = Callable[..., Any]

SIZE = Value("size", values.size)
SECONDS = Value("duration", values.seconds)
THROTTLES = (
    ("read_bps", values.byte_rate, "read from a device: /dev/sda:1mb"),
    ("write_bps", values.byte_rate, "write to a device: /dev/sda:1mb"),
    ("read_iops", values.rate, "read from a device, in operations: /dev/sda:100"),
    ("write_iops", values.rate, "write to a device, in operations: /dev/sda:100"),
)
"""Limits of each second: the field of the contract, what reads the value, and the help."""


def _many(*names: str, help: str, type: Any = None, metavar: str = "TEXT") -> F:
    return click.option(*names, multiple=True, type=type, metavar=metavar, help=help)


def _flag(*names: str, help: str) -> F:
    return click.option(*names, is_flag=True, default=None, help=help)


STREAMS = ("stdin", "stdout", "stderr")
ATTACH = click.option(
    *("-a", "--attach", "streams"),
    multiple=True,
    type=click.Choice(STREAMS, case_sensitive=False),
    help="Attach only to this; may be repeated.",
)
OPTIONS: tuple[F, ...] = (
    click.option("--name", metavar="NAME", help="Its name."),
    _many("-e", "--env", help="Set a variable, or pass on yours of this name.", metavar="NAME[=VALUE]"),
    click.option("--env-file", type=click.Path(exists=True, dir_okay=False), help="Set the variables of this file."),
    _many("-l", "--label", "own_labels", help="A label of the container.", metavar="KEY=VALUE"),
    click.option("--label-file", type=click.Path(exists=True, dir_okay=False), help="Labels of this file, one a line."),
    click.option("--cidfile", type=click.Path(dir_okay=False), help="Write the id of the container to this new file."),
    _many("--annotation", "annotations", help="An annotation for the runtime.", metavar="KEY=VALUE"),
    _many("-p", "--publish", help="Publish a port: [IP:][HOST-PORT:]PORT[/PROTOCOL].", metavar="PORT"),
    _flag("-P", "--publish-all", "publish_all_ports", help="Publish all ports of the image."),
    _many("--expose", "exposed_ports", help="A port that it listens on.", metavar="PORT"),
    _many("-v", "--volume", help="Mount a volume or a directory of the host: [SOURCE:]TARGET[:ro].", metavar="MOUNT"),
    click.option("--volume-driver", metavar="NAME", help="The driver of its volumes."),
    _many("--storage-opt", help="An option of the storage driver.", metavar="KEY=VALUE"),
    _many("--mount", "mounts", type=Value("mount", mount), help="type=bind,source=/srv,target=/srv,readonly."),
    _many("--tmpfs", help="Mount memory: PATH[:OPTIONS].", metavar="PATH"),
    _many("--volumes-from", help="Mount what this container mounts.", metavar="CONTAINER"),
    click.option("-w", "--workdir", "working_dir", metavar="DIRECTORY", help="The directory to start in."),
    click.option("-u", "--user", metavar="USER[:GROUP]", help="Run it as this user."),
    _many("--group-add", help="A further group.", metavar="GROUP"),
    click.option("--entrypoint", metavar="COMMAND", help="Replaces the entrypoint of the image."),
    click.option("-h", "--hostname", metavar="NAME", help="Its own host name."),
    click.option("--domainname", metavar="NAME", help="The domain of its host name."),
    _many(
        *("--network", "--net", "networks"),
        type=Value("network", values.network),
        help="Connect it to this network: NAME, or name=NAME,alias=db,ip=10.0.0.9.",
        metavar="NETWORK",
    ),
    _many("--network-alias", help="A further name in that network.", metavar="NAME"),
    click.option("--ip", metavar="ADDRESS", help="Its address in that network."),
    click.option("--ip6", metavar="ADDRESS", help="Its IPv6 address in that network."),
    _many("--link-local-ip", help="A link-local address of it in that network.", metavar="ADDRESS"),
    click.option(
        "--mac-address", metavar="ADDRESS", help="Its MAC address.  From API 1.52 on: --network name=NAME,mac-address=…"
    ),
    _many("--add-host", "extra_hosts", help="A line of its /etc/hosts.", metavar="NAME:ADDRESS"),
    _many("--dns", help="A name server.", metavar="ADDRESS"),
    _many("--dns-search", help="A search domain.", metavar="DOMAIN"),
    _many("--dns-option", "dns_options", help="An option of the resolver.", metavar="OPTION"),
    _many("--link", "links", help="Link it to another container.", metavar="CONTAINER[:NAME]"),
    click.option("--restart", "restart_policy", type=Value("policy", values.restart), help="on-failure[:N], always …"),
    _flag("--rm", "auto_remove", help="Remove it when it ends."),
    click.option("--init/--no-init", default=None, help="Run an init in it that reaps processes."),
    _flag("--privileged", help="Give it all capabilities of the host."),
    _flag("--read-only", "readonly_rootfs", help="Make its root file system read-only."),
    _many("--cap-add", help="Add a capability.", metavar="CAPABILITY"),
    _many("--cap-drop", help="Drop a capability.", metavar="CAPABILITY"),
    _many("--security-opt", help="An option of security.", metavar="OPTION"),
    _many("--sysctl", "sysctls", help="A kernel parameter.", metavar="NAME=VALUE"),
    _many("--ulimit", "ulimits", type=Value("limit", values.ulimit), help="A limit: nofile=1024:2048."),
    _many("--device", "devices", type=Value("device", values.device), help="A device: /dev/sda[:/dev/xvda][:rwm]."),
    _many("--device-cgroup-rule", "device_cgroup_rules", help="A rule for devices: 'c 1:3 rw'.", metavar="RULE"),
    click.option("--gpus", type=Value("GPUs", values.gpus), help="GPUs to give it: all, 2 or device=0."),
    click.option("-m", "--memory", "memory_bytes", type=SIZE, help="The most memory it may use, such as 512m."),
    click.option("--memory-reservation", "memory_reservation_bytes", type=SIZE, help="Memory that it should keep to."),
    click.option("--memory-swap", "memory_swap_bytes", type=SIZE, help="Memory and swap together; -1 is no limit."),
    click.option("--memory-swappiness", type=int, help="How soon its memory is swapped: 0 to 100."),
    _flag("--oom-kill-disable", help="Do not kill its processes when its memory is used up."),
    click.option("--shm-size", "shm_size_bytes", type=SIZE, help="The size of its /dev/shm."),
    click.option("--cpus", type=float, help="How many CPUs it may use, such as 1.5."),
    click.option("-c", "--cpu-shares", type=int, help="Its weight against other containers."),
    click.option("--cpuset-cpus", metavar="CPUS", help="Which CPUs it may use: 0-3,5."),
    click.option("--cpuset-mems", metavar="NODES", help="Which memory nodes it may use."),
    click.option("--cpu-period", "cpu_period_microseconds", type=int, help="The period of its CPU quota."),
    click.option("--cpu-quota", "cpu_quota_microseconds", type=int, help="Its CPU quota."),
    click.option("--cpu-rt-period", "cpu_realtime_period_microseconds", type=int, help="The period of real time."),
    click.option("--cpu-rt-runtime", "cpu_realtime_runtime_microseconds", type=int, help="Its real time in a period."),
    click.option("--kernel-memory", "kernel_memory_bytes", type=SIZE, help="Kernel memory; newer Engines ignore it."),
    click.option("--blkio-weight", type=int, help="Its weight at disks."),
    _many(
        *("--blkio-weight-device", "blkio_weight_device"),
        type=Value("weight", values.weight),
        metavar="PATH:WEIGHT",
        help="Its weight at one disk.",
    ),
    *(
        _many(
            f"--device-{what.replace('_', '-')}",
            f"blkio_device_{what}",
            type=Value("rate", read),
            metavar="PATH:RATE",
            help=f"The most that it may {help}.",
        )
        for what, read, help in THROTTLES
    ),
    click.option("--pids-limit", type=int, help="The most processes it may have."),
    click.option("--oom-score-adj", type=int, help="How soon the kernel kills it."),
    click.option("--pid", "pid_mode", metavar="MODE", help="The process namespace."),
    click.option("--ipc", "ipc_mode", metavar="MODE", help="The IPC namespace."),
    click.option("--uts", "uts_mode", metavar="MODE", help="The UTS namespace."),
    click.option("--userns", "userns_mode", metavar="MODE", help="The user namespace."),
    click.option("--cgroupns", "cgroupns_mode", metavar="MODE", help="The cgroup namespace."),
    click.option("--cgroup-parent", metavar="CGROUP", help="The cgroup that it is part of."),
    click.option("--isolation", metavar="NAME", help="How it is isolated, on Windows."),
    click.option("--runtime", metavar="NAME", help="The runtime of containers."),
    click.option("--log-driver", metavar="NAME", help="How its output is logged."),
    _many("--log-opt", help="An option of the log driver.", metavar="KEY=VALUE"),
    click.option("--stop-signal", metavar="SIGNAL", help="The signal that stops it."),
    click.option("--stop-timeout", "stop_timeout_seconds", type=int, help="Seconds until it is killed."),
    click.option("--health-cmd", metavar="COMMAND", help="The command that checks its health."),
    click.option("--health-interval", type=SECONDS, help="The time between two checks."),
    click.option("--health-timeout", type=SECONDS, help="The longest time a check may take."),
    click.option("--health-start-period", type=SECONDS, help="The time in which failed checks do not count."),
    click.option("--health-start-interval", type=SECONDS, help="The time between two checks in that time."),
    click.option("--health-retries", type=int, help="How many failed checks make it unhealthy."),
    _flag("--no-healthcheck", help="Do not check its health."),
    click.option("--platform", metavar="OS[/ARCH]", help="The platform of the image."),
    _flag("-i", "--interactive", help="Keep its standard input open."),
    _flag("-t", "--tty", help="Give it a terminal."),
)


def specified(command: F) -> F:
    """Give a command the options of a container; it gets them as keywords for `spec_of`."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


HOST_FIELDS = (
    *("publish_all_ports", "mounts", "volumes_from", "group_add", "extra_hosts", "dns", "dns_search"),
    *("dns_options", "links", "restart_policy", "auto_remove", "init", "privileged", "readonly_rootfs", "cap_add"),
    *("cap_drop", "security_opt", "ulimits", "devices", "memory_bytes", "memory_reservation_bytes", "oom_score_adj"),
    *("memory_swap_bytes", "shm_size_bytes", "cpu_shares", "cpuset_cpus", "pids_limit", "pid_mode", "ipc_mode"),
    *("uts_mode", "userns_mode", "cgroupns_mode", "runtime", "volume_driver", "device_cgroup_rules", "cgroup_parent"),
    *("memory_swappiness", "oom_kill_disable", "cpuset_mems", "cpu_period_microseconds", "cpu_quota_microseconds"),
    *("cpu_realtime_period_microseconds", "cpu_realtime_runtime_microseconds", "kernel_memory_bytes"),
    *("blkio_weight", "blkio_weight_device", *(f"blkio_device_{what}" for what, _, _ in THROTTLES), "isolation"),
)
OWN_FIELDS = ("working_dir", "user", "hostname", "domainname", "mac_address", "stop_signal", "stop_timeout_seconds")


def spec_of(
    image: str,
    cmd: tuple[str, ...],
    *,
    interactive: bool | None,
    tty: bool | None,
    streams: tuple[str, ...] = (),
    **options: Any,
) -> Any:
    """Return the container that the options specify, attached to the *streams*, or to all.

    Raises `click.UsageError` for a wrong value.
    """
    from dockfleet.v1.container_config_pb2 import ContainerSpec, HostConfig, PortBinding, PortBindings

    bindings = ports(options["publish"])
    networks = _networks(options)
    labels = lines(options["label_file"], "--label-file") if options["label_file"] else ()
    host = HostConfig(
        **{name: options[name] for name in HOST_FIELDS},
        network_mode=next(iter(networks), None),
        device_requests=[options["gpus"]] if options["gpus"] else (),
        annotations=pairs(options["annotations"], "--annotation"),
        storage_opt=pairs(options["storage_opt"], "--storage-opt"),
        port_bindings={
            port: PortBindings(items=[PortBinding(**place) for place in places]) for port, places in bindings.items()
        },
        binds=[text for text in options["volume"] if ":" in text],
        tmpfs={path: rest for path, _, rest in (text.partition(":") for text in options["tmpfs"])},
        sysctls=pairs(options["sysctls"], "--sysctl"),
        nano_cpus=None if options["cpus"] is None else round(options["cpus"] * 1e9),
        log_config=_log_config(options["log_driver"], options["log_opt"]),
    )
    spec = ContainerSpec(
        **{name: options[name] for name in OWN_FIELDS},
        image=image,
        cmd=cmd,
        env=[*variables(options["env_file"]), *(variable(text) for text in options["env"])],
        labels=pairs([*labels, *options["own_labels"]], "--label"),
        exposed_ports=sorted({*bindings, *exposed(options["exposed_ports"])}),
        volumes=[text for text in options["volume"] if ":" not in text],
        healthcheck=_healthcheck(options),
        tty=tty,
        open_stdin=interactive,
        stdin_once=interactive,
        attach_stdin=interactive and (not streams or "stdin" in streams),
        attach_stdout=not streams or "stdout" in streams,
        attach_stderr=not streams or "stderr" in streams,
        host_config=host,
        networking_config=_networking(networks),
    )
    if options["entrypoint"] is not None:
        spec.entrypoint.items.append(options["entrypoint"])  # an empty one takes away that of the image
    return spec


def _log_config(driver: str | None, options: tuple[str, ...]) -> Any:
    from dockfleet.v1.container_config_pb2 import LogConfig

    return LogConfig(type=driver, config=pairs(options, "--log-opt")) if driver or options else None


def _networks(options: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what a container has in each of its networks, by name.  Further options are about the first network."""
    networks = {name: dict(own) for name, own in options["networks"]}
    lists = {"aliases": options["network_alias"], "link_local_ips": options["link_local_ip"]}
    texts = {"ipv4_address": options["ip"], "ipv6_address": options["ip6"]}
    if not any((*lists.values(), *texts.values())):
        return networks
    if not networks:
        raise click.UsageError("--network-alias, --ip, --ip6 and --link-local-ip need --network")
    first = next(iter(networks.values()))
    for key, more in lists.items():
        if more:
            first[key] = [*first.get(key, ()), *more]
    first.update({key: value for key, value in texts.items() if value})
    return networks


def _networking(networks: dict[str, dict[str, Any]]) -> Any:
    from dockfleet.v1.container_config_pb2 import NetworkingConfig
    from dockfleet.v1.networks_pb2 import EndpointIpamConfig, EndpointSettings

    if len(networks) < 2 and not any(networks.values()):
        return None
    endpoints = {}
    for name, own in networks.items():
        ipam = {key: value for key, value in own.items() if key in IPAM_FIELDS}
        rest = {key: value for key, value in own.items() if key not in IPAM_FIELDS}
        endpoints[name] = EndpointSettings(ipam_config=EndpointIpamConfig(**ipam) if ipam else None, **rest)
    return NetworkingConfig(endpoints_config=endpoints)


IPAM_FIELDS = ("ipv4_address", "ipv6_address", "link_local_ips")


PERIODS = ("interval", "timeout", "start_period", "start_interval")


def _healthcheck(options: dict[str, Any]) -> Any:
    from google.protobuf.duration_pb2 import Duration

    from dockfleet.v1.container_config_pb2 import HealthConfig

    if options["no_healthcheck"]:
        if any(options[f"health_{name}"] is not None for name in ("cmd", "retries", *PERIODS)):
            raise click.UsageError("--no-healthcheck does not go with the other options of the health check")
        return HealthConfig(test=["NONE"])
    check = HealthConfig(retries=options["health_retries"])
    if options["health_cmd"]:
        check.test.extend(["CMD-SHELL", options["health_cmd"]])
    for name in PERIODS:
        if (seconds := options[f"health_{name}"]) is not None:
            getattr(check, name).CopyFrom(Duration(seconds=int(seconds), nanos=int(seconds % 1 * 1e9)))
    return check if check.ListFields() else None


def check_id_file(path: str | None) -> None:
    """Raise `CommandError` when the file for the id of a container exists: it is that of another container."""
    if path and os.path.lexists(path):
        raise CommandError(f"--cidfile: {path} exists already: remove it, or name another file", NOT_RUN)


def write_id(path: str | None, id: str) -> None:
    """Write the id of a container to its file.  Raises `OSError`."""
    if path:
        with open(path, "x", encoding="ascii") as file:
            file.write(id)
