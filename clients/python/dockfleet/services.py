"""The services of one host.  Generated from the contract by protos/generate_clients.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from dockfleet.calling import Service
from dockfleet.operations import ImageOperations
from dockfleet.proceeding import proceed, ran
from dockfleet.results import ImageResult, Listing, RunResult
from dockfleet.resume_state import RETRY_SECONDS
from dockfleet.resuming import Lines, ResumingStream
from dockfleet.session import Session
from dockfleet.specs import container_spec, pulled_tag, repository
from dockfleet.stream import Source, download
from dockfleet.v1 import (
    common_pb2,
    container_config_pb2,
    containers_pb2,
    distribution_pb2,
    exec_pb2,
    images_pb2,
    networks_pb2,
    oci_pb2,
    system_pb2,
    volumes_pb2,
)

if TYPE_CHECKING:  # many types, which only annotations name
    from dockfleet import dicts, forms


class Containers(Service):
    """Containers as a whole, and their main processes. Further processes in a running container belong to `exec`.
    Making an image from a container belongs to `images`.

    Every method that takes a container accepts its id, a unique prefix of the id, or its name. Each of them can end
    with the errors below.

    Raises, of `dockfleet.reasons`:
    - `NotFound`: there is no such container.
    - `AmbiguousId`: the prefix fits several containers.
    """

    def list(
        self,
        *,
        all: bool | None = None,
        limit: int | None = None,
        size: bool | None = None,
        filters: forms.Filters | None = None,
        max_age: forms.Duration | None = None,
        deadline: float | None = None,
    ) -> Listing[containers_pb2.ContainerSummary, containers_pb2.ListContainersResponse]:
        """Lists containers, the newest first. Without `all` it lists running containers only.

        One response holds all containers: there are no pages.

        Raises, of `dockfleet.reasons`:
        - `InvalidField`: a filter is unknown, or a value does not fit its filter.
        - `NotFound`: the container that the filter `before` or `since` names does not exist.

        Arguments:

        - *all*: lists also containers that are not running. Default: false.
        - *limit*: lists at most this number of containers: the newest ones, running or not. Default: no limit.
        - *size*: sets `size_rw_bytes` and `size_root_fs_bytes`, which is slow. Default: false.
        - *filters*: lists only containers that fit every key, each by one of its values. The keys are `ancestor`,
          `before`, `expose`, `exited`, `health`, `id`, `isolation`, `is-task`, `label`, `name`, `network`,
          `publish`, `since`, `status` and `volume`. Default: no filters.
        - *max_age*: answers from the gateway's inventory of the host, if that is not older than this. Default: the
          host is asked. In FleetService: the inventory answers, however old it is.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        response: containers_pb2.ListContainersResponse = self.rpc("ListContainers")(
            all=all, limit=limit, size=size, filters=filters, max_age=max_age, deadline=deadline
        )
        return Listing(response.containers, response)

    def create(
        self,
        image: str,
        command: forms.Command | None = None,
        *,
        name: str | None = None,
        platform: str | None = None,
        blkio_weight: int | None = None,
        blkio_weight_device: Sequence[container_config_pb2.WeightDevice | dicts.WeightDeviceDict] | None = None,
        cap_add: Sequence[str] | None = None,
        cap_drop: Sequence[str] | None = None,
        cgroup_parent: str | None = None,
        cgroupns: str | None = None,
        cpu_period: int | None = None,
        cpu_quota: int | None = None,
        cpu_rt_period: int | None = None,
        cpu_rt_runtime: int | None = None,
        cpu_shares: int | None = None,
        cpuset_cpus: str | None = None,
        cpuset_mems: str | None = None,
        device_cgroup_rules: Sequence[str] | None = None,
        device_read_bps: Sequence[container_config_pb2.ThrottleDevice | dicts.ThrottleDeviceDict] | None = None,
        device_read_iops: Sequence[container_config_pb2.ThrottleDevice | dicts.ThrottleDeviceDict] | None = None,
        device_requests: Sequence[container_config_pb2.DeviceRequest | dicts.DeviceRequestDict] | None = None,
        device_write_bps: Sequence[container_config_pb2.ThrottleDevice | dicts.ThrottleDeviceDict] | None = None,
        device_write_iops: Sequence[container_config_pb2.ThrottleDevice | dicts.ThrottleDeviceDict] | None = None,
        devices: Sequence[str | container_config_pb2.DeviceMapping | dicts.DeviceMappingDict] | None = None,
        dns: Sequence[str] | None = None,
        dns_opt: Sequence[str] | None = None,
        dns_search: Sequence[str] | None = None,
        domainname: str | None = None,
        entrypoint: forms.Command | None = None,
        environment: forms.Environment | None = None,
        extra_hosts: forms.Addresses | None = None,
        group_add: Sequence[str | int] | None = None,
        healthcheck: container_config_pb2.HealthConfig | dicts.HealthConfigDict | None = None,
        hostname: str | None = None,
        init: bool | None = None,
        ipc_mode: str | None = None,
        labels: forms.Labels | None = None,
        links: forms.Links | None = None,
        log_config: container_config_pb2.LogConfig | dicts.LogConfigDict | None = None,
        mac_address: str | None = None,
        mem_limit: int | str | None = None,
        mem_reservation: int | str | None = None,
        mem_swappiness: int | None = None,
        memswap_limit: int | str | None = None,
        mounts: Sequence[container_config_pb2.Mount | dicts.MountDict] | None = None,
        nano_cpus: int | None = None,
        network: str | None = None,
        network_disabled: bool | None = None,
        networking_config: Mapping[str, networks_pb2.EndpointSettings | dicts.EndpointSettingsDict] | None = None,
        oom_kill_disable: bool | None = None,
        oom_score_adj: int | None = None,
        pid_mode: str | None = None,
        pids_limit: int | None = None,
        ports: forms.Ports | None = None,
        privileged: bool | None = None,
        publish_all_ports: bool | None = None,
        read_only: bool | None = None,
        remove: bool | None = None,
        restart_policy: container_config_pb2.RestartPolicy | dicts.RestartPolicyDict | None = None,
        runtime: str | None = None,
        security_opt: Sequence[str] | None = None,
        shm_size: int | str | None = None,
        stdin_open: bool | None = None,
        stop_signal: str | None = None,
        storage_opt: Mapping[str, str] | None = None,
        sysctls: Mapping[str, str | int] | None = None,
        tmpfs: Mapping[str, str | None] | Sequence[str] | None = None,
        tty: bool | None = None,
        ulimits: Sequence[container_config_pb2.Ulimit | dicts.UlimitDict] | None = None,
        user: str | int | None = None,
        userns_mode: str | None = None,
        uts_mode: str | None = None,
        volume_driver: str | None = None,
        volumes: forms.Binds | None = None,
        volumes_from: str | Sequence[str] | None = None,
        working_dir: str | None = None,
        config: container_config_pb2.ContainerSpec | dicts.ContainerSpecDict | None = None,
        deadline: float | None = None,
    ) -> containers_pb2.CreateContainerResponse:
        """Creates a container and does not start it. Each call creates another container.

        The image must be on the host: this call does not pull it.

        Raises, of `dockfleet.reasons`:
        - `NotFound`: the image is not on the host.
        - `NameInUse`: another container has the name.
        - `InvalidField`: `config.image` is missing.
        - `InvalidRequest`: the engine refuses the configuration.
        - `OutcomeUnknown`: the connection broke; the container may or may not exist. Look it up by its name.

        Arguments:

        - *image*: the image: a reference or an id. It must be on the host: `containers.create` does not pull it.
          Required.
        - *command*: the arguments of the entrypoint, or the command when there is no entrypoint. Default: the
          image's own, or none when `entrypoint` is set.
        - *blkio_weight*: the weight against other containers in the use of disks, from 10 to 1000. 0 is the kernel's
          default. Default: 0.
        - *blkio_weight_device*: the same weight for single devices.
        - *cap_add*: kernel capabilities to add to the usual ones, such as `NET_ADMIN`, or `ALL`. Root on the host
          with many of them, in particular `SYS_ADMIN`, `SYS_PTRACE` and `SYS_MODULE`.
        - *cap_drop*: kernel capabilities to remove, or `ALL`.
        - *cgroup_parent*: the cgroup that contains the container's own. A path that is not absolute is relative to
          the cgroup of the host's init. Missing cgroups are created. Default: the engine's own.
        - *cgroupns*: which tree of cgroups it sees: `private`, or `host` for the host's own. Default: the host's own
          setting.
        - *cpu_period*: the period that `cpu_quota_microseconds` refers to, in microseconds. 0 is the kernel's
          default, 100000. Default: 0.
        - *cpu_quota*: CPU time in each period, in microseconds. 0 is no limit. Default: 0.
        - *cpu_rt_period*: the period for real-time tasks, in microseconds. 0 is no time for them. Default: 0.
        - *cpu_rt_runtime*: CPU time for real-time tasks in each of their periods, in microseconds. 0 is no time for
          them. Default: 0.
        - *cpu_shares*: the weight against other containers when CPU time is short. 0 is the kernel's default, 1024.
          Default: 0.
        - *cpuset_cpus*: the processors that it may run on, such as `0-3` or `0,1`. Default: all.
        - *cpuset_mems*: the memory nodes that it may use on NUMA machines, such as `0-3` or `0,1`. Default: all.
        - *device_cgroup_rules*: rules for devices in the kernel's format, such as `c 13:* rwm`. Root on the host
          when they allow disks or memory.
        - *device_read_bps*: the most that it may read from a device, in bytes per second.
        - *device_read_iops*: the most that it may read from a device, in operations per second.
        - *device_requests*: devices to request from device drivers, such as GPUs.
        - *device_write_bps*: the most that it may write to a device, in bytes per second.
        - *device_write_iops*: the most that it may write to a device, in operations per second.
        - *devices*: devices of the host that the container may use. Root on the host with a disk, memory or similar.
        - *dns*: the addresses of DNS servers. Default: the host's own.
        - *dns_opt*: options of the DNS resolver, such as `ndots:1`.
        - *dns_search*: domains to search for short names.
        - *domainname*: the container's domain name. Default: none.
        - *entrypoint*: the program to run, with its first arguments; `cmd` follows it. An empty list means no
          entrypoint. Default: the image's own.
        - *environment*: environment variables as `NAME=value`, added to the image's. `NAME` alone removes a
          variable. Everyone who may inspect the container can read them.
        - *extra_hosts*: further lines of the container's `/etc/hosts`, as `name:address`. The address `host-gateway`
          means the host.
        - *group_add*: further groups of the program, by name or number.
        - *healthcheck*: how the Engine checks whether the container is healthy. Default: the image's own.
        - *hostname*: the container's host name, a valid RFC 1123 name. Default: its short id.
        - *init*: runs a small init as the first process, which forwards signals and collects ended processes.
          Default: the host's own.
        - *ipc_mode*: whose shared memory it uses: `none`, `private`, `shareable`, `container:` and the name or id of
          another container, or `host`. With `host` it can read and change the shared memory of the host's processes.
          Default: the host's own.
        - *labels*: Labels: name to value, added to the image's.
        - *links*: links to other containers as `container:alias`. An old feature: on a user-defined network,
          containers find each other by name.
        - *log_config*: how the container's output is logged. Default: the host's own.
        - *mac_address*: Deprecated: works up to 1.51; from 1.44 on use `EndpointSettings.mac_address`. The MAC
          address on the container's main network.
        - *mem_limit*: the most memory that it may use, in bytes. 0 is no limit. Default: 0.
        - *mem_reservation*: the memory that the kernel shrinks it to when the host runs short, in bytes. 0 is none.
          Default: 0.
        - *mem_swappiness*: how readily the kernel swaps out its memory, from 0 to 100. Default: the host's own
          setting.
        - *memswap_limit*: the most memory and swap together, in bytes; -1 is swap without limit. 0 is twice
          `memory_bytes`. Default: 0.
        - *mounts*: mounts in a more exact form. Root on the host with sensitive paths of the host, as in `binds`.
        - *nano_cpus*: CPU time in billionths of a processor: 1500000000 is one and a half. 0 is no limit. Not
          together with `cpu_period_microseconds` and `cpu_quota_microseconds`. Default: 0.
        - *network*: `bridge`, `host`, `none`, `container:` and the name or id of another container, or the name of a
          network. `host` is the host's own network, with all services that listen on its loopback address only.
          Default: `default`, the host's default network.
        - *network_disabled*: creates the container without any network. Default: false.
        - *networking_config*: network name to the settings of the container's connection to it. An empty message
          connects with all defaults. Hosts below 1.44 accept only one entry.
        - *oom_kill_disable*: lets its processes wait at the memory limit, instead of being killed. Default: false.
        - *oom_score_adj*: how readily the kernel kills it when the host runs out of memory: from -1000 (never) to
          1000 (first). Default: 0.
        - *pid_mode*: whose processes the container sees: `container:` and the name or id of another container, or
          `host` for those of the host. With `host` it sees every process of the host. Root on the host with `host`
          and with rights over these processes. Default: its own.
        - *pids_limit*: the most processes and threads at the same time. 0 and -1 are no limit. Default: 0.
        - *ports*: the addresses and ports on the host at which ports of the container are published, by
          `port/protocol`, such as `80/tcp`.
        - *privileged*: runs the container without isolation: all capabilities, all devices, no security profile.
          Root on the host. Default: false.
        - *publish_all_ports*: publishes every exposed port on a free port of the host, which may change at each
          start. Default: false.
        - *read_only*: makes the container's root file system read-only. It can write only to mounts. Default: false.
        - *remove*: removes the container, with its anonymous volumes, when it has stopped. Not together with a
          restart policy. Default: false.
        - *restart_policy*: what happens when the program ends. Default: nothing.
        - *runtime*: the OCI runtime, by its name in the host's configuration. Default: the host's own.
        - *security_opt*: security options, such as `no-new-privileges`, `label=type:…`, `apparmor=…` or `seccomp=…`.
          `unconfined` in place of a profile removes a protection of the host.
        - *shm_size*: the size of `/dev/shm` in bytes. Default: the host's own, usually 64 MiB.
        - *stdin_open*: keeps standard input open, so that sessions can write to it. Default: false.
        - *stop_signal*: the signal that asks the program to stop, by name or number. Default: the image's own, or
          `SIGTERM`.
        - *storage_opt*: options of the storage driver: name to value, such as `size` to `120G`.
        - *sysctls*: kernel parameters for the container: name to value, such as `net.ipv4.ip_forward` to `1`.
        - *tmpfs*: directories in memory: path to mount options, such as `/run` to `rw,noexec,size=65536k`.
        - *tty*: starts the program with a terminal; standard output and standard error become one. Default: false.
        - *ulimits*: limits of its processes, such as that of open files.
        - *user*: the user that the program runs as: `user` or `user:group`, each a name or a number. Default: the
          image's own, or root of the container.
        - *userns_mode*: `host` exempts the container from the host's mapping of users: root in the container is then
          root of the host, limited only by the other protections. Default: the host's own setting.
        - *uts_mode*: whose host name it has: `host` is the host's own, which a privileged container can change.
          Default: its own.
        - *volume_driver*: the driver of the volumes that `binds` and anonymous volumes create. It has no effect on
          `mounts`. Default: `local`.
        - *volumes*: mounts as `source:target[:options]`. The source is an absolute path on the host (created if it
          does not exist) or the name of a volume. The target is an absolute path in the container. The options,
          separated by commas, are: `rw` (the default) or `ro`; `z` or `Z` to relabel the files for SELinux as shared
          or as private; `nocopy` to leave a new volume empty, without the image's files at the target; a propagation
          as in MountBindOptions. Root on the host with a sensitive path of the host, such as `/`, `/etc` or the
          Docker socket.
        - *volumes_from*: containers whose mounts to use too, as `container`, `container:ro` or `container:rw`. They
          include mounts of paths of the host. Root on the host where one of these mounts is.
        - *working_dir*: the directory that the program starts in, as an absolute path in the container. Default: the
          image's own.
        - *name*: the name of the new container. Default: the engine makes one up.
        - *platform*: the platform that the image must be for, as `os[/arch[/variant]]`. Default: the host's own is
          preferred, and another is accepted with a warning.
        - *config*: what else the container has, or all of it
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        response: containers_pb2.CreateContainerResponse = self.rpc("CreateContainer")(
            config=container_spec(
                config,
                {
                    "image": image,
                    "cmd": command,
                    "host_config.blkio_weight": blkio_weight,
                    "host_config.blkio_weight_device": blkio_weight_device,
                    "host_config.cap_add": cap_add,
                    "host_config.cap_drop": cap_drop,
                    "host_config.cgroup_parent": cgroup_parent,
                    "host_config.cgroupns_mode": cgroupns,
                    "host_config.cpu_period_microseconds": cpu_period,
                    "host_config.cpu_quota_microseconds": cpu_quota,
                    "host_config.cpu_realtime_period_microseconds": cpu_rt_period,
                    "host_config.cpu_realtime_runtime_microseconds": cpu_rt_runtime,
                    "host_config.cpu_shares": cpu_shares,
                    "host_config.cpuset_cpus": cpuset_cpus,
                    "host_config.cpuset_mems": cpuset_mems,
                    "host_config.device_cgroup_rules": device_cgroup_rules,
                    "host_config.blkio_device_read_bps": device_read_bps,
                    "host_config.blkio_device_read_iops": device_read_iops,
                    "host_config.device_requests": device_requests,
                    "host_config.blkio_device_write_bps": device_write_bps,
                    "host_config.blkio_device_write_iops": device_write_iops,
                    "host_config.devices": devices,
                    "host_config.dns": dns,
                    "host_config.dns_options": dns_opt,
                    "host_config.dns_search": dns_search,
                    "domainname": domainname,
                    "entrypoint": entrypoint,
                    "env": environment,
                    "host_config.extra_hosts": extra_hosts,
                    "host_config.group_add": group_add,
                    "healthcheck": healthcheck,
                    "hostname": hostname,
                    "host_config.init": init,
                    "host_config.ipc_mode": ipc_mode,
                    "labels": labels,
                    "host_config.links": links,
                    "host_config.log_config": log_config,
                    "mac_address": mac_address,
                    "host_config.memory_bytes": mem_limit,
                    "host_config.memory_reservation_bytes": mem_reservation,
                    "host_config.memory_swappiness": mem_swappiness,
                    "host_config.memory_swap_bytes": memswap_limit,
                    "host_config.mounts": mounts,
                    "host_config.nano_cpus": nano_cpus,
                    "host_config.network_mode": network,
                    "network_disabled": network_disabled,
                    "networking_config.endpoints_config": networking_config,
                    "host_config.oom_kill_disable": oom_kill_disable,
                    "host_config.oom_score_adj": oom_score_adj,
                    "host_config.pid_mode": pid_mode,
                    "host_config.pids_limit": pids_limit,
                    "host_config.port_bindings": ports,
                    "host_config.privileged": privileged,
                    "host_config.publish_all_ports": publish_all_ports,
                    "host_config.readonly_rootfs": read_only,
                    "host_config.auto_remove": remove,
                    "host_config.restart_policy": restart_policy,
                    "host_config.runtime": runtime,
                    "host_config.security_opt": security_opt,
                    "host_config.shm_size_bytes": shm_size,
                    "open_stdin": stdin_open,
                    "stop_signal": stop_signal,
                    "host_config.storage_opt": storage_opt,
                    "host_config.sysctls": sysctls,
                    "host_config.tmpfs": tmpfs,
                    "tty": tty,
                    "host_config.ulimits": ulimits,
                    "user": user,
                    "host_config.userns_mode": userns_mode,
                    "host_config.uts_mode": uts_mode,
                    "host_config.volume_driver": volume_driver,
                    "host_config.binds": volumes,
                    "host_config.volumes_from": volumes_from,
                    "working_dir": working_dir,
                    "stdin_once": stdin_open,
                },
            ),
            name=name,
            platform=platform,
            deadline=deadline,
        )
        return response

    def run(
        self,
        image: str,
        command: forms.Command | None = None,
        *,
        name: str | None = None,
        platform: str | None = None,
        registry_auth: common_pb2.AuthConfig | dicts.AuthConfigDict | None = None,
        pull: containers_pb2.PullPolicy.ValueType
        | Literal["PULL_POLICY_UNSPECIFIED", "PULL_POLICY_MISSING", "PULL_POLICY_ALWAYS", "PULL_POLICY_NEVER"]
        | None = None,
        detach: bool | None = None,
        slow_reader: common_pb2.SlowReader.ValueType
        | Literal["SLOW_READER_UNSPECIFIED", "SLOW_READER_WAIT", "SLOW_READER_DROP", "SLOW_READER_CLOSE"]
        | None = None,
        blkio_weight: int | None = None,
        blkio_weight_device: Sequence[container_config_pb2.WeightDevice | dicts.WeightDeviceDict] | None = None,
        cap_add: Sequence[str] | None = None,
        cap_drop: Sequence[str] | None = None,
        cgroup_parent: str | None = None,
        cgroupns: str | None = None,
        cpu_period: int | None = None,
        cpu_quota: int | None = None,
        cpu_rt_period: int | None = None,
        cpu_rt_runtime: int | None = None,
        cpu_shares: int | None = None,
        cpuset_cpus: str | None = None,
        cpuset_mems: str | None = None,
        device_cgroup_rules: Sequence[str] | None = None,
        device_read_bps: Sequence[container_config_pb2.ThrottleDevice | dicts.ThrottleDeviceDict] | None = None,
        device_read_iops: Sequence[container_config_pb2.ThrottleDevice | dicts.ThrottleDeviceDict] | None = None,
        device_requests: Sequence[container_config_pb2.DeviceRequest | dicts.DeviceRequestDict] | None = None,
        device_write_bps: Sequence[container_config_pb2.ThrottleDevice | dicts.ThrottleDeviceDict] | None = None,
        device_write_iops: Sequence[container_config_pb2.ThrottleDevice | dicts.ThrottleDeviceDict] | None = None,
        devices: Sequence[str | container_config_pb2.DeviceMapping | dicts.DeviceMappingDict] | None = None,
        dns: Sequence[str] | None = None,
        dns_opt: Sequence[str] | None = None,
        dns_search: Sequence[str] | None = None,
        domainname: str | None = None,
        entrypoint: forms.Command | None = None,
        environment: forms.Environment | None = None,
        extra_hosts: forms.Addresses | None = None,
        group_add: Sequence[str | int] | None = None,
        healthcheck: container_config_pb2.HealthConfig | dicts.HealthConfigDict | None = None,
        hostname: str | None = None,
        init: bool | None = None,
        ipc_mode: str | None = None,
        labels: forms.Labels | None = None,
        links: forms.Links | None = None,
        log_config: container_config_pb2.LogConfig | dicts.LogConfigDict | None = None,
        mac_address: str | None = None,
        mem_limit: int | str | None = None,
        mem_reservation: int | str | None = None,
        mem_swappiness: int | None = None,
        memswap_limit: int | str | None = None,
        mounts: Sequence[container_config_pb2.Mount | dicts.MountDict] | None = None,
        nano_cpus: int | None = None,
        network: str | None = None,
        network_disabled: bool | None = None,
        networking_config: Mapping[str, networks_pb2.EndpointSettings | dicts.EndpointSettingsDict] | None = None,
        oom_kill_disable: bool | None = None,
        oom_score_adj: int | None = None,
        pid_mode: str | None = None,
        pids_limit: int | None = None,
        ports: forms.Ports | None = None,
        privileged: bool | None = None,
        publish_all_ports: bool | None = None,
        read_only: bool | None = None,
        remove: bool | None = None,
        restart_policy: container_config_pb2.RestartPolicy | dicts.RestartPolicyDict | None = None,
        runtime: str | None = None,
        security_opt: Sequence[str] | None = None,
        shm_size: int | str | None = None,
        stdin_open: bool | None = None,
        stop_signal: str | None = None,
        storage_opt: Mapping[str, str] | None = None,
        sysctls: Mapping[str, str | int] | None = None,
        tmpfs: Mapping[str, str | None] | Sequence[str] | None = None,
        tty: bool | None = None,
        ulimits: Sequence[container_config_pb2.Ulimit | dicts.UlimitDict] | None = None,
        user: str | int | None = None,
        userns_mode: str | None = None,
        uts_mode: str | None = None,
        volume_driver: str | None = None,
        volumes: forms.Binds | None = None,
        volumes_from: str | Sequence[str] | None = None,
        working_dir: str | None = None,
        config: container_config_pb2.ContainerSpec | dicts.ContainerSpecDict | None = None,
        check: bool = True,
        progress: Callable[[common_pb2.Progress], object] | None = None,
        deadline: float | None = None,
    ) -> RunResult:
        """Pulls the image if necessary, creates a container, starts it, and returns its output and exit code.

        The gateway connects to the output before it starts the container: no output is missed. With `detach` it
        returns when the container has started. A container that ends with another exit code than 0 raises
        `ContainerFailed`, unless `check` is false. There is no input; for that use `containers.create`,
        `containers.attach` and `containers.start`.

        When the client cancels the call or disconnects before the start, the gateway removes the container. After
        the start, the container continues to run. `config.host_config.auto_remove` works as in `containers.create`.

        When the process cannot be started, the container remains as created, unless `auto_remove` is set.

        Raises, of `dockfleet.reasons`:
        - `NotFound`: the image is not on the host and, where pulling is allowed, not in the registry.
        - `NameInUse`: another container has the name.
        - `InvalidField`: `config.image` is missing.
        - `InvalidRequest`: the engine refuses the configuration.
        - `StartFailed`: the process could not be started.
        - `RegistryAuth`: the registry refused the credentials, or requires some.
        - `RegistryUnreachable`: the host cannot reach the registry.
        - `OutcomeUnknown`: the connection broke; the container may or may not exist, or run.

        All output is kept in memory. With `detach` there is none.

        Arguments:

        - *image*: the image: a reference or an id.
        - *command*: the arguments of the entrypoint, or the command when there is no entrypoint. Default: the
          image's own, or none when `entrypoint` is set.
        - *blkio_weight*: the weight against other containers in the use of disks, from 10 to 1000. 0 is the kernel's
          default. Default: 0.
        - *blkio_weight_device*: the same weight for single devices.
        - *cap_add*: kernel capabilities to add to the usual ones, such as `NET_ADMIN`, or `ALL`. Root on the host
          with many of them, in particular `SYS_ADMIN`, `SYS_PTRACE` and `SYS_MODULE`.
        - *cap_drop*: kernel capabilities to remove, or `ALL`.
        - *cgroup_parent*: the cgroup that contains the container's own. A path that is not absolute is relative to
          the cgroup of the host's init. Missing cgroups are created. Default: the engine's own.
        - *cgroupns*: which tree of cgroups it sees: `private`, or `host` for the host's own. Default: the host's own
          setting.
        - *cpu_period*: the period that `cpu_quota_microseconds` refers to, in microseconds. 0 is the kernel's
          default, 100000. Default: 0.
        - *cpu_quota*: CPU time in each period, in microseconds. 0 is no limit. Default: 0.
        - *cpu_rt_period*: the period for real-time tasks, in microseconds. 0 is no time for them. Default: 0.
        - *cpu_rt_runtime*: CPU time for real-time tasks in each of their periods, in microseconds. 0 is no time for
          them. Default: 0.
        - *cpu_shares*: the weight against other containers when CPU time is short. 0 is the kernel's default, 1024.
          Default: 0.
        - *cpuset_cpus*: the processors that it may run on, such as `0-3` or `0,1`. Default: all.
        - *cpuset_mems*: the memory nodes that it may use on NUMA machines, such as `0-3` or `0,1`. Default: all.
        - *device_cgroup_rules*: rules for devices in the kernel's format, such as `c 13:* rwm`. Root on the host
          when they allow disks or memory.
        - *device_read_bps*: the most that it may read from a device, in bytes per second.
        - *device_read_iops*: the most that it may read from a device, in operations per second.
        - *device_requests*: devices to request from device drivers, such as GPUs.
        - *device_write_bps*: the most that it may write to a device, in bytes per second.
        - *device_write_iops*: the most that it may write to a device, in operations per second.
        - *devices*: devices of the host that the container may use. Root on the host with a disk, memory or similar.
        - *dns*: the addresses of DNS servers. Default: the host's own.
        - *dns_opt*: options of the DNS resolver, such as `ndots:1`.
        - *dns_search*: domains to search for short names.
        - *domainname*: the container's domain name. Default: none.
        - *entrypoint*: the program to run, with its first arguments; `cmd` follows it. An empty list means no
          entrypoint. Default: the image's own.
        - *environment*: environment variables as `NAME=value`, added to the image's. `NAME` alone removes a
          variable. Everyone who may inspect the container can read them.
        - *extra_hosts*: further lines of the container's `/etc/hosts`, as `name:address`. The address `host-gateway`
          means the host.
        - *group_add*: further groups of the program, by name or number.
        - *healthcheck*: how the Engine checks whether the container is healthy. Default: the image's own.
        - *hostname*: the container's host name, a valid RFC 1123 name. Default: its short id.
        - *init*: runs a small init as the first process, which forwards signals and collects ended processes.
          Default: the host's own.
        - *ipc_mode*: whose shared memory it uses: `none`, `private`, `shareable`, `container:` and the name or id of
          another container, or `host`. With `host` it can read and change the shared memory of the host's processes.
          Default: the host's own.
        - *labels*: Labels: name to value, added to the image's.
        - *links*: links to other containers as `container:alias`. An old feature: on a user-defined network,
          containers find each other by name.
        - *log_config*: how the container's output is logged. Default: the host's own.
        - *mac_address*: Deprecated: works up to 1.51; from 1.44 on use `EndpointSettings.mac_address`. The MAC
          address on the container's main network.
        - *mem_limit*: the most memory that it may use, in bytes. 0 is no limit. Default: 0.
        - *mem_reservation*: the memory that the kernel shrinks it to when the host runs short, in bytes. 0 is none.
          Default: 0.
        - *mem_swappiness*: how readily the kernel swaps out its memory, from 0 to 100. Default: the host's own
          setting.
        - *memswap_limit*: the most memory and swap together, in bytes; -1 is swap without limit. 0 is twice
          `memory_bytes`. Default: 0.
        - *mounts*: mounts in a more exact form. Root on the host with sensitive paths of the host, as in `binds`.
        - *nano_cpus*: CPU time in billionths of a processor: 1500000000 is one and a half. 0 is no limit. Not
          together with `cpu_period_microseconds` and `cpu_quota_microseconds`. Default: 0.
        - *network*: `bridge`, `host`, `none`, `container:` and the name or id of another container, or the name of a
          network. `host` is the host's own network, with all services that listen on its loopback address only.
          Default: `default`, the host's default network.
        - *network_disabled*: creates the container without any network. Default: false.
        - *networking_config*: network name to the settings of the container's connection to it. An empty message
          connects with all defaults. Hosts below 1.44 accept only one entry.
        - *oom_kill_disable*: lets its processes wait at the memory limit, instead of being killed. Default: false.
        - *oom_score_adj*: how readily the kernel kills it when the host runs out of memory: from -1000 (never) to
          1000 (first). Default: 0.
        - *pid_mode*: whose processes the container sees: `container:` and the name or id of another container, or
          `host` for those of the host. With `host` it sees every process of the host. Root on the host with `host`
          and with rights over these processes. Default: its own.
        - *pids_limit*: the most processes and threads at the same time. 0 and -1 are no limit. Default: 0.
        - *ports*: the addresses and ports on the host at which ports of the container are published, by
          `port/protocol`, such as `80/tcp`.
        - *privileged*: runs the container without isolation: all capabilities, all devices, no security profile.
          Root on the host. Default: false.
        - *publish_all_ports*: publishes every exposed port on a free port of the host, which may change at each
          start. Default: false.
        - *read_only*: makes the container's root file system read-only. It can write only to mounts. Default: false.
        - *remove*: removes the container, with its anonymous volumes, when it has stopped. Not together with a
          restart policy. Default: false.
        - *restart_policy*: what happens when the program ends. Default: nothing.
        - *runtime*: the OCI runtime, by its name in the host's configuration. Default: the host's own.
        - *security_opt*: security options, such as `no-new-privileges`, `label=type:…`, `apparmor=…` or `seccomp=…`.
          `unconfined` in place of a profile removes a protection of the host.
        - *shm_size*: the size of `/dev/shm` in bytes. Default: the host's own, usually 64 MiB.
        - *stdin_open*: keeps standard input open, so that sessions can write to it. Default: false.
        - *stop_signal*: the signal that asks the program to stop, by name or number. Default: the image's own, or
          `SIGTERM`.
        - *storage_opt*: options of the storage driver: name to value, such as `size` to `120G`.
        - *sysctls*: kernel parameters for the container: name to value, such as `net.ipv4.ip_forward` to `1`.
        - *tmpfs*: directories in memory: path to mount options, such as `/run` to `rw,noexec,size=65536k`.
        - *tty*: starts the program with a terminal; standard output and standard error become one. Default: false.
        - *ulimits*: limits of its processes, such as that of open files.
        - *user*: the user that the program runs as: `user` or `user:group`, each a name or a number. Default: the
          image's own, or root of the container.
        - *userns_mode*: `host` exempts the container from the host's mapping of users: root in the container is then
          root of the host, limited only by the other protections. Default: the host's own setting.
        - *uts_mode*: whose host name it has: `host` is the host's own, which a privileged container can change.
          Default: its own.
        - *volume_driver*: the driver of the volumes that `binds` and anonymous volumes create. It has no effect on
          `mounts`. Default: `local`.
        - *volumes*: mounts as `source:target[:options]`. The source is an absolute path on the host (created if it
          does not exist) or the name of a volume. The target is an absolute path in the container. The options,
          separated by commas, are: `rw` (the default) or `ro`; `z` or `Z` to relabel the files for SELinux as shared
          or as private; `nocopy` to leave a new volume empty, without the image's files at the target; a propagation
          as in MountBindOptions. Root on the host with a sensitive path of the host, such as `/`, `/etc` or the
          Docker socket.
        - *volumes_from*: containers whose mounts to use too, as `container`, `container:ro` or `container:rw`. They
          include mounts of paths of the host. Root on the host where one of these mounts is.
        - *working_dir*: the directory that the program starts in, as an absolute path in the container. Default: the
          image's own.
        - *name*: the name of the new container. Default: the engine makes one up.
        - *platform*: the platform to pull, and that the image must be for, as `os[/arch[/variant]]`. Default: the
          host's own is preferred.
        - *registry_auth*: credentials for the pull. Default: the pull is anonymous.
        - *pull*: when to pull the image. Default: PULL_POLICY_MISSING.
        - *detach*: ends the call after the start, without output and exit code. Default: false.
        - *slow_reader*: what happens when this client reads more slowly than the container writes. When this ends
          the call, the container continues to run. Values other than SLOW_READER_WAIT work as in
          AttachContainerStart. Default: SLOW_READER_WAIT.
        - *config*: what else the container has, or all of it
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        - *check*: raise `ContainerFailed` when the container does not end with the exit code 0
        - *progress*: is called with each report of progress
        """
        return ran(
            self.rpc("RunContainer")(
                config=container_spec(
                    config,
                    {
                        "image": image,
                        "cmd": command,
                        "host_config.blkio_weight": blkio_weight,
                        "host_config.blkio_weight_device": blkio_weight_device,
                        "host_config.cap_add": cap_add,
                        "host_config.cap_drop": cap_drop,
                        "host_config.cgroup_parent": cgroup_parent,
                        "host_config.cgroupns_mode": cgroupns,
                        "host_config.cpu_period_microseconds": cpu_period,
                        "host_config.cpu_quota_microseconds": cpu_quota,
                        "host_config.cpu_realtime_period_microseconds": cpu_rt_period,
                        "host_config.cpu_realtime_runtime_microseconds": cpu_rt_runtime,
                        "host_config.cpu_shares": cpu_shares,
                        "host_config.cpuset_cpus": cpuset_cpus,
                        "host_config.cpuset_mems": cpuset_mems,
                        "host_config.device_cgroup_rules": device_cgroup_rules,
                        "host_config.blkio_device_read_bps": device_read_bps,
                        "host_config.blkio_device_read_iops": device_read_iops,
                        "host_config.device_requests": device_requests,
                        "host_config.blkio_device_write_bps": device_write_bps,
                        "host_config.blkio_device_write_iops": device_write_iops,
                        "host_config.devices": devices,
                        "host_config.dns": dns,
                        "host_config.dns_options": dns_opt,
                        "host_config.dns_search": dns_search,
                        "domainname": domainname,
                        "entrypoint": entrypoint,
                        "env": environment,
                        "host_config.extra_hosts": extra_hosts,
                        "host_config.group_add": group_add,
                        "healthcheck": healthcheck,
                        "hostname": hostname,
                        "host_config.init": init,
                        "host_config.ipc_mode": ipc_mode,
                        "labels": labels,
                        "host_config.links": links,
                        "host_config.log_config": log_config,
                        "mac_address": mac_address,
                        "host_config.memory_bytes": mem_limit,
                        "host_config.memory_reservation_bytes": mem_reservation,
                        "host_config.memory_swappiness": mem_swappiness,
                        "host_config.memory_swap_bytes": memswap_limit,
                        "host_config.mounts": mounts,
                        "host_config.nano_cpus": nano_cpus,
                        "host_config.network_mode": network,
                        "network_disabled": network_disabled,
                        "networking_config.endpoints_config": networking_config,
                        "host_config.oom_kill_disable": oom_kill_disable,
                        "host_config.oom_score_adj": oom_score_adj,
                        "host_config.pid_mode": pid_mode,
                        "host_config.pids_limit": pids_limit,
                        "host_config.port_bindings": ports,
                        "host_config.privileged": privileged,
                        "host_config.publish_all_ports": publish_all_ports,
                        "host_config.readonly_rootfs": read_only,
                        "host_config.auto_remove": remove,
                        "host_config.restart_policy": restart_policy,
                        "host_config.runtime": runtime,
                        "host_config.security_opt": security_opt,
                        "host_config.shm_size_bytes": shm_size,
                        "open_stdin": stdin_open,
                        "stop_signal": stop_signal,
                        "host_config.storage_opt": storage_opt,
                        "host_config.sysctls": sysctls,
                        "host_config.tmpfs": tmpfs,
                        "tty": tty,
                        "host_config.ulimits": ulimits,
                        "user": user,
                        "host_config.userns_mode": userns_mode,
                        "host_config.uts_mode": uts_mode,
                        "host_config.volume_driver": volume_driver,
                        "host_config.binds": volumes,
                        "host_config.volumes_from": volumes_from,
                        "working_dir": working_dir,
                    },
                ),
                name=name,
                platform=platform,
                registry_auth=registry_auth,
                pull=pull,
                detach=detach,
                slow_reader=slow_reader,
                deadline=deadline,
            ),
            self._host,
            check,
            bool(detach),
            progress,
        )

    def get(self, id: str, *, size: bool | None = None, deadline: float | None = None) -> containers_pb2.Container:
        """Returns everything that the engine knows about a container.

        Arguments:

        - *id*: the container.
        - *size*: sets `size_rw_bytes` and `size_root_fs_bytes`, which is slow. Default: false.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        response: containers_pb2.InspectContainerResponse = self.rpc("InspectContainer")(
            id=id, size=size, deadline=deadline
        )
        return response.container

    def top(
        self, id: str, *, ps_args: str | None = None, deadline: float | None = None
    ) -> containers_pb2.TopContainerResponse:
        """Lists the processes of a container, as `ps` on the host shows them.

        Windows hosts return other columns and do not accept `ps_args`.

        Raises, of `dockfleet.reasons`:
        - `Conflict`: the container is not running.
        - `InvalidRequest`: `ps` refuses `ps_args`, or they leave out the ids of the processes.

        Arguments:

        - *id*: the container.
        - *ps_args*: the options for `ps`, such as `aux`. The output must contain the process ids. Default: `-ef`.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        response: containers_pb2.TopContainerResponse = self.rpc("TopContainer")(
            id=id, ps_args=ps_args, deadline=deadline
        )
        return response

    def log_messages(
        self,
        id: str,
        *,
        follow: bool | None = None,
        stdout: bool | None = None,
        stderr: bool | None = None,
        since: forms.Time | None = None,
        until: forms.Time | None = None,
        timestamps: bool | None = None,
        tail: int | Literal["all"] | None = None,
        details: bool | None = None,
        resume_token: bytes | None = None,
        follow_restarts: bool | None = None,
        strict: bool | None = None,
        retry_seconds: float = RETRY_SECONDS,
        deadline: float | None = None,
    ) -> ResumingStream[containers_pb2.StreamLogsResponse]:
        """Streams what a container has written, and with `follow` what it writes from then on.

        Lines come in batches, in the engine's order. A call that ends with OK has an `end` as its last response; it
        says why the log ended. All entries that the engine had come before it: without `follow` up to now, with
        `follow` up to the end of the container.

        When the connection to the host breaks, the gateway reconnects, and the stream continues at the same line.
        When this fails for a minute (the gateway's `limits.reconnect_timeout_seconds`), the call ends. A new call
        with the token of the last response continues there, at this gateway or at another. A `gap` says that the
        engine itself has lost entries, or has left them out. It can come a little late; its times say where the
        entries are missing.

        Subscribers of the same log share one connection to the host. A subscriber that reads more slowly than the
        others gets a connection of its own and the whole log, at its own pace. The container never waits.

        Raises, of `dockfleet.reasons`:
        - `HostUnreachable`: the host cannot be reached, or could not be reached for a minute.
        - `ConnectionLost`: the connection to the host broke, and broke again for a minute.
        - `NotSupported`: the container's log driver cannot be read, such as `none`.
        - `BadResumeToken`: the token is malformed.

        The stream continues after a failure of the gateway or a connection: see `ResumingStream`.

        Arguments:

        - *id*: the container.
        - *follow*: continues with what is written from now on, until the container ends. Default: false.
        - *stdout*: includes standard output. Default: false, but true when `stderr` is not true either.
        - *stderr*: includes standard error. Default: false, but true when `stdout` is not true either.
        - *since*: includes only what was written at this time or later. Default: everything.
        - *until*: includes only what was written at this time or before, by the clock of the host. With `follow`,
          the stream ends at this time. Default: everything.
        - *timestamps*: sets `time` in the entries. Default: true.
        - *tail*: the number of last lines to begin with. Default: all lines.
        - *details*: sets `details` in the entries. Default: false. Every engine reads this field, although the
          Engine's specification does not have it.
        - *resume_token*: continues after the response that carried this token. Not together with `since` and `tail`.
          `host`, `id`, `stdout`, `stderr` and `details` must be those of the call that returned the token. Any
          gateway with the same resume key accepts it; a gateway without a configured key accepts only tokens from
          its present run. A token that is forged, damaged or of another key is INVALID_ARGUMENT, reason
          BAD_RESUME_TOKEN. Default: the stream begins as `since` and `tail` say.
        - *follow_restarts*: with `follow`, continues when the container is started again, with a `restarted` between
          the runs. Default: false, the stream ends with the container's process.
        - *strict*: fails with DATA_LOSS, reason GAP, where there would be a `gap`. Default: false.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        - *retry_seconds*: for how long a broken stream is called again; 0 is never
        """
        return self._resuming(
            "StreamLogs",
            retry_seconds,
            deadline,
            id=id,
            follow=follow,
            stdout=stdout,
            stderr=stderr,
            since=since,
            until=until,
            timestamps=timestamps,
            tail=tail,
            details=details,
            resume_token=resume_token,
            follow_restarts=follow_restarts,
            strict=strict,
        )

    def logs(
        self,
        id: str,
        *,
        follow: bool | None = None,
        stdout: bool | None = None,
        stderr: bool | None = None,
        since: forms.Time | None = None,
        until: forms.Time | None = None,
        timestamps: bool | None = None,
        tail: int | Literal["all"] | None = None,
        details: bool | None = None,
        follow_restarts: bool | None = None,
        strict: bool | None = True,
        retry_seconds: float = RETRY_SECONDS,
        deadline: float | None = None,
    ) -> Lines:
        """Return the log of a container by lines.  They have no line feed; a `partial` entry continues in the next.

        The stream resumes as `log_messages` does.  When the engine has lost lines, it raises `Gap`; with `strict=False`
        it skips them silently.  `log_messages` has the arguments, reports gaps, restarts and the end, and can continue
        in another process.
        """
        return Lines(
            self.log_messages(
                id=id,
                follow=follow,
                stdout=stdout,
                stderr=stderr,
                since=since,
                until=until,
                timestamps=timestamps,
                tail=tail,
                details=details,
                follow_restarts=follow_restarts,
                strict=strict,
                retry_seconds=retry_seconds,
                deadline=deadline,
            )
        )

    def diff(
        self, id: str, *, deadline: float | None = None
    ) -> Listing[containers_pb2.FilesystemChange, containers_pb2.GetContainerChangesResponse]:
        """Lists the files that were added, changed or deleted in a container since it was created from its image.

        Arguments:

        - *id*: the container.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        response: containers_pb2.GetContainerChangesResponse = self.rpc("GetContainerChanges")(id=id, deadline=deadline)
        return Listing(response.changes, response)

    def export(self, id: str, *, deadline: float | None = None) -> Iterator[bytes]:
        """Returns a container's whole file system, without its volumes, as a tar archive.

        The container may run during the call; the archive is then not a snapshot of one instant. A call that ends
        with OK has returned the whole archive.

        Raises, of `dockfleet.reasons`:
        - `ConnectionLost`: the connection to the host broke.
        - `BadEngineResponse`: the engine's answer is cut off or malformed.

        Arguments:

        - *id*: the container.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        return download(self.rpc("ExportContainer")(id=id, deadline=deadline))

    def stats(
        self,
        id: str,
        *,
        stream: bool | None = None,
        one_shot: bool | None = None,
        retry_seconds: float = RETRY_SECONDS,
        deadline: float | None = None,
    ) -> ResumingStream[containers_pb2.StreamStatsResponse]:
        """Streams how much CPU, memory, network and disk a container uses: about one sample per second.

        A sample holds the engine's counters, and a summary of them with the numbers that `docker stats` shows.
        Subscribers of the same container share one stream of samples. Each gets the newest sample.

        For a container that is not running there is one `not_running`. The samples begin when it starts, and again
        after every restart: the stream covers all runs of the container. For the same reason the call ends with OK
        when the container is removed: no sample was missed. With `stream` false the call ends after one response.

        Raises, of `dockfleet.reasons`:
        - `NotFound`: there is no such container when the call begins.
        - `HostUnreachable`: the host cannot be reached, or could not be reached for a minute.
        - `ConnectionLost`: the connection to the host broke, and broke again for a minute.

        The stream continues after a failure of the gateway or a connection: see `ResumingStream`.

        Arguments:

        - *id*: the container.
        - *stream*: continues with a sample about every second; false asks for one sample. Default: true.
        - *one_shot*: accepts one sample without `precpu_stats`, which saves a second. Only with `stream` false.
          Default: false.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        - *retry_seconds*: for how long a broken stream is called again; 0 is never
        """
        return self._resuming(
            "StreamStats",
            retry_seconds,
            deadline,
            id=id,
            stream=stream,
            one_shot=one_shot,
        )

    def resize(
        self, id: str, size: common_pb2.TerminalSize | dicts.TerminalSizeDict, *, deadline: float | None = None
    ) -> None:
        """Sets the size of a container's terminal. Harmless to repeat. Within `containers.attach`, send `resize`
        instead.

        Raises, of `dockfleet.reasons`:
        - `Conflict`: the container is not running.

        Arguments:

        - *id*: the container. It must have a terminal.
        - *size*: the size. Required.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        self.rpc("ResizeContainer")(id=id, size=size, deadline=deadline)

    def start(
        self, id: str, *, detach_keys: str | None = None, deadline: float | None = None
    ) -> containers_pb2.StartContainerResponse:
        """Starts a container. A container that runs already stays as it is, and the response says so in `already`.

        Raises, of `dockfleet.reasons`:
        - `StartFailed`: the process could not be started, or something that the container needs is missing or taken:
          a user, a device, a network, a port, a log server.
        - `Conflict`: the container is paused, or one whose network it shares is not running.

        Arguments:

        - *id*: the container.
        - *detach_keys*: the keys that end a session and leave the process running, such as `ctrl-p,ctrl-q`: letters,
          or `ctrl-` with a letter or one of `@ ^ [ , _`. Default: the engine's own.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        response: containers_pb2.StartContainerResponse = self.rpc("StartContainer")(
            id=id, detach_keys=detach_keys, deadline=deadline
        )
        return response

    def stop(
        self, id: str, *, signal: str | None = None, timeout: int | None = None, deadline: float | None = None
    ) -> containers_pb2.StopContainerResponse:
        """Stops a container: asks its process to end, and kills it if it has not ended within the timeout. A container
        that is stopped already stays as it is, and the response says so in `already`.

        The call returns when the container has stopped, so it may take as long as the timeout.

        Arguments:

        - *id*: the container.
        - *signal*: the signal that asks the process to end, such as `SIGINT` or `2`. Default: the container's own.
        - *timeout*: seconds until the process is killed: 0 is at once, -1 is never. Default: the container's own,
          usually 10.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        response: containers_pb2.StopContainerResponse = self.rpc("StopContainer")(
            id=id, signal=signal, timeout_seconds=timeout, deadline=deadline
        )
        return response

    def restart(
        self, id: str, *, signal: str | None = None, timeout: int | None = None, deadline: float | None = None
    ) -> None:
        """Stops a container as `containers.stop` does, if it runs, and starts it. Each call restarts it again.

        Raises, of `dockfleet.reasons`:
        - `StartFailed`: the process could not be started again.

        Arguments:

        - *id*: the container.
        - *signal*: the signal that asks the process to end, such as `SIGINT` or `2`. Default: the container's own.
        - *timeout*: seconds until the process is killed: 0 is at once, -1 is never. Default: the container's own,
          usually 10.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        self.rpc("RestartContainer")(id=id, signal=signal, timeout_seconds=timeout, deadline=deadline)

    def kill(self, id: str, signal: str | int | None = None, *, deadline: float | None = None) -> None:
        """Sends a signal to a container's main process. Each call sends the signal again.

        With SIGKILL the call returns when the container has ended, with any other signal at once.

        Raises, of `dockfleet.reasons`:
        - `Conflict`: the container is not running.
        - `InvalidRequest`: there is no such signal.

        Arguments:

        - *id*: the container.
        - *signal*: the signal by name or number, such as `SIGHUP` or `1`. Default: SIGKILL.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        self.rpc("KillContainer")(id=id, signal=signal, deadline=deadline)

    def update(
        self,
        id: str,
        *,
        restart_policy: container_config_pb2.RestartPolicy | dicts.RestartPolicyDict | None = None,
        nano_cpus: int | None = None,
        cpu_shares: int | None = None,
        cpu_period_microseconds: int | None = None,
        cpu_quota_microseconds: int | None = None,
        cpu_realtime_period_microseconds: int | None = None,
        cpu_realtime_runtime_microseconds: int | None = None,
        cpuset_cpus: str | None = None,
        cpuset_mems: str | None = None,
        memory_bytes: int | str | None = None,
        memory_reservation_bytes: int | str | None = None,
        memory_swap_bytes: int | str | None = None,
        pids_limit: int | None = None,
        blkio_weight: int | None = None,
        blkio_weight_device: Sequence[container_config_pb2.WeightDevice | dicts.WeightDeviceDict] | None = None,
        blkio_device_read_bps: Sequence[container_config_pb2.ThrottleDevice | dicts.ThrottleDeviceDict] | None = None,
        blkio_device_write_bps: Sequence[container_config_pb2.ThrottleDevice | dicts.ThrottleDeviceDict] | None = None,
        blkio_device_read_iops: Sequence[container_config_pb2.ThrottleDevice | dicts.ThrottleDeviceDict] | None = None,
        blkio_device_write_iops: Sequence[container_config_pb2.ThrottleDevice | dicts.ThrottleDeviceDict] | None = None,
        cgroup_parent: str | None = None,
        memory_swappiness: int | None = None,
        oom_kill_disable: bool | None = None,
        init: bool | None = None,
        ulimits: Sequence[container_config_pb2.Ulimit | dicts.UlimitDict] | None = None,
        devices: Sequence[str | container_config_pb2.DeviceMapping | dicts.DeviceMappingDict] | None = None,
        device_cgroup_rules: Sequence[str] | None = None,
        device_requests: Sequence[container_config_pb2.DeviceRequest | dicts.DeviceRequestDict] | None = None,
        cpu_count: int | None = None,
        cpu_percent: int | None = None,
        io_maximum_iops: int | None = None,
        io_maximum_bandwidth: int | None = None,
        kernel_memory_bytes: int | str | None = None,
        kernel_memory_tcp_bytes: int | str | None = None,
        deadline: float | None = None,
    ) -> containers_pb2.UpdateContainerResponse:
        """Changes the limits and the restart policy of a container, running or not. What is absent stays as it is.
        Harmless to repeat.

        Raises, of `dockfleet.reasons`:
        - `InvalidRequest`: the engine refuses a value.
        - `Conflict`: a value contradicts the container's settings, such as a restart policy together with
          `auto_remove`, or its state, such as less memory than it uses.

        Arguments:

        - *id*: the container.
        - *restart_policy*: what happens when the program ends. Not together with `auto_remove`.
        - *nano_cpus*: CPU time in billionths of a processor: 1500000000 is one and a half. Not together with
          `cpu_period_microseconds` and `cpu_quota_microseconds`.
        - *cpu_shares*: the weight against other containers when CPU time is short.
        - *cpu_period_microseconds*: the period that `cpu_quota_microseconds` refers to, in microseconds.
        - *cpu_quota_microseconds*: CPU time in each period, in microseconds; -1 is no limit.
        - *cpu_realtime_period_microseconds*: the period for real-time tasks, in microseconds.
        - *cpu_realtime_runtime_microseconds*: CPU time for real-time tasks in each of their periods, in
          microseconds.
        - *cpuset_cpus*: the processors that it may run on, such as `0-3` or `0,1`.
        - *cpuset_mems*: the memory nodes that it may use on NUMA machines, such as `0-3` or `0,1`.
        - *memory_bytes*: the most memory that it may use, in bytes. A value above the present `memory_swap_bytes`
          needs a new `memory_swap_bytes` in the same request.
        - *memory_reservation_bytes*: the memory that the kernel shrinks it to when the host runs short, in bytes.
        - *memory_swap_bytes*: the most memory and swap together, in bytes; -1 is swap without limit.
        - *pids_limit*: the most processes and threads at the same time. 0 and -1 are no limit.
        - *blkio_weight*: the weight against other containers in the use of disks, from 10 to 1000.
        - *blkio_weight_device*: the same weight for single devices. Engines before 1.55 ignore it.
        - *blkio_device_read_bps*: the most that it may read from a device, in bytes per second. Engines before 1.55
          ignore it.
        - *blkio_device_write_bps*: the most that it may write to a device, in bytes per second. Engines before 1.55
          ignore it.
        - *blkio_device_read_iops*: the most that it may read from a device, in operations per second. Engines before
          1.55 ignore it.
        - *blkio_device_write_iops*: the most that it may write to a device, in operations per second. Engines before
          1.55 ignore it.
        - *cgroup_parent*: the cgroup that contains the container's own. Must be absent.
        - *memory_swappiness*: how readily the kernel swaps out its memory, from 0 to 100. Must be absent.
        - *oom_kill_disable*: lets its processes wait at the memory limit, instead of being killed. Must be absent.
        - *init*: runs a small init as the first process. Must be absent.
        - *ulimits*: limits of its processes, such as that of open files. Must be absent.
        - *devices*: devices of the host that it may use. Must be absent.
        - *device_cgroup_rules*: rules for devices in the kernel's format, such as `c 13:* rwm`. Must be absent.
        - *device_requests*: devices to request from device drivers. Must be absent.
        - *cpu_count*: the number of processors that it may use. Windows only. Must be absent.
        - *cpu_percent*: the share of all processors that it may use, in percent. Windows only. Must be absent.
        - *io_maximum_iops*: the most operations per second on the system drive. Windows only. Must be absent.
        - *io_maximum_bandwidth*: the most bytes per second on the system drive. Windows only. Must be absent.
        - *kernel_memory_bytes*: Deprecated: works up to 1.41; use `memory_bytes`. The most kernel memory, in bytes.
        - *kernel_memory_tcp_bytes*: Deprecated: works up to 1.51; use `memory_bytes`. The most kernel memory for
          TCP, in bytes.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        response: containers_pb2.UpdateContainerResponse = self.rpc("UpdateContainer")(
            id=id,
            restart_policy=restart_policy,
            nano_cpus=nano_cpus,
            cpu_shares=cpu_shares,
            cpu_period_microseconds=cpu_period_microseconds,
            cpu_quota_microseconds=cpu_quota_microseconds,
            cpu_realtime_period_microseconds=cpu_realtime_period_microseconds,
            cpu_realtime_runtime_microseconds=cpu_realtime_runtime_microseconds,
            cpuset_cpus=cpuset_cpus,
            cpuset_mems=cpuset_mems,
            memory_bytes=memory_bytes,
            memory_reservation_bytes=memory_reservation_bytes,
            memory_swap_bytes=memory_swap_bytes,
            pids_limit=pids_limit,
            blkio_weight=blkio_weight,
            blkio_weight_device=blkio_weight_device,
            blkio_device_read_bps=blkio_device_read_bps,
            blkio_device_write_bps=blkio_device_write_bps,
            blkio_device_read_iops=blkio_device_read_iops,
            blkio_device_write_iops=blkio_device_write_iops,
            cgroup_parent=cgroup_parent,
            memory_swappiness=memory_swappiness,
            oom_kill_disable=oom_kill_disable,
            init=init,
            ulimits=ulimits,
            devices=devices,
            device_cgroup_rules=device_cgroup_rules,
            device_requests=device_requests,
            cpu_count=cpu_count,
            cpu_percent=cpu_percent,
            io_maximum_iops=io_maximum_iops,
            io_maximum_bandwidth=io_maximum_bandwidth,
            kernel_memory_bytes=kernel_memory_bytes,
            kernel_memory_tcp_bytes=kernel_memory_tcp_bytes,
            deadline=deadline,
        )
        return response

    def rename(self, id: str, name: str, *, deadline: float | None = None) -> None:
        """Changes the name of a container.

        Raises, of `dockfleet.reasons`:
        - `NameInUse`: another container has the name.
        - `InvalidRequest`: the container has the name already.

        Arguments:

        - *id*: the container.
        - *name*: the new name. Required.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        self.rpc("RenameContainer")(id=id, name=name, deadline=deadline)

    def pause(self, id: str, *, deadline: float | None = None) -> None:
        """Suspends all processes of a container. The processes do not notice it.

        Raises, of `dockfleet.reasons`:
        - `Conflict`: the container is not running, or is paused already.

        Arguments:

        - *id*: the container.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        self.rpc("PauseContainer")(id=id, deadline=deadline)

    def unpause(self, id: str, *, deadline: float | None = None) -> None:
        """Resumes all processes of a paused container.

        Raises, of `dockfleet.reasons`:
        - `Conflict`: the container is not paused.

        Arguments:

        - *id*: the container.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        self.rpc("UnpauseContainer")(id=id, deadline=deadline)

    def attach(
        self,
        id: str,
        *,
        logs: bool | None = None,
        stream: bool | None = None,
        attach_stdin: bool | None = None,
        attach_stdout: bool | None = None,
        attach_stderr: bool | None = None,
        detach_keys: str | None = None,
        slow_reader: common_pb2.SlowReader.ValueType
        | Literal["SLOW_READER_UNSPECIFIED", "SLOW_READER_WAIT", "SLOW_READER_DROP", "SLOW_READER_CLOSE"]
        | None = None,
        deadline: float | None = None,
    ) -> Session:
        """Connects to the input and output of a container's main process.

        The result is a session: iterate over the output, and write the input. Several clients may be attached at the
        same time. A client may attach to a container before it is started.

        Cancelling the call ends the session and not the container. When the connection to the host breaks, there is
        no `end`.

        Raises, of `dockfleet.reasons`:
        - `ConnectionLost`: the connection to the host broke before the session began, or at its end.
        - `OutcomeUnknown`: the connection to the host broke during the session; input may or may not have arrived.
        - `Conflict`: the container is paused or restarting.
        - `InvalidField`: `slow_reader` is SLOW_READER_WAIT.

        Arguments:

        - *id*: the container.
        - *logs*: begins with what the log holds already. Default: false.
        - *stream*: continues with what is written from now on. Without it and without `logs` the session ends at
          once. Default: false.
        - *attach_stdin*: connects standard input. Default: false.
        - *attach_stdout*: includes standard output. Default: false.
        - *attach_stderr*: includes standard error. Default: false.
        - *detach_keys*: the keys that end the session and leave the process running, such as `ctrl-p,ctrl-q`:
          letters, or `ctrl-` with a letter or one of `@ ^ [ , _`. They need a terminal. Default: the engine's own.
        - *slow_reader*: what happens when this client reads more slowly than the container writes. With
          SLOW_READER_DROP the gateway keeps at least 1 MiB for the client, then drops the oldest output. The
          container waits for the client no longer than half a second, so that a client that reads loses nothing of a
          burst. SLOW_READER_WAIT is INVALID_ARGUMENT: a client must not be able to stop a container by not reading.
          Default: SLOW_READER_DROP.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        session: Session = self.rpc("AttachContainer")(
            id=id,
            logs=logs,
            stream=stream,
            attach_stdin=attach_stdin,
            attach_stdout=attach_stdout,
            attach_stderr=attach_stderr,
            detach_keys=detach_keys,
            slow_reader=slow_reader,
            deadline=deadline,
        )
        return session

    def wait(
        self, id: str, *, condition: str | None = None, deadline: float | None = None
    ) -> containers_pb2.WaitContainerResponse:
        """Waits until a container has stopped, or until what `condition` names, and returns its exit code.

        It waits as long as the call's deadline allows.

        Raises, of `dockfleet.reasons`:
        - `InvalidRequest`: the condition is unknown. Old engines, such as 20.10, ignore it.

        Arguments:

        - *id*: the container.
        - *condition*: what to wait for: `not-running` (at once when it is not running), `next-exit` (the end of this
          run or of the next one) or `removed`. Default: `not-running`.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        response: containers_pb2.WaitContainerResponse = self.rpc("WaitContainer")(
            id=id, condition=condition, deadline=deadline
        )
        return response

    def remove(
        self,
        id: str,
        *,
        remove_volumes: bool | None = None,
        force: bool | None = None,
        link: bool | None = None,
        deadline: float | None = None,
    ) -> None:
        """Removes a container and everything that it has written outside its volumes.

        Raises, of `dockfleet.reasons`:
        - `Conflict`: the container is running, and `force` is not set, or `link` is set for the container's own
          name.
        - `BeingChanged`: the container is being removed already.

        Arguments:

        - *id*: the container.
        - *remove_volumes*: removes also its anonymous volumes, and the data in them. Default: false.
        - *force*: kills the container first if it runs. Default: false.
        - *link*: removes a link between two containers instead of a container; `id` then names the link as
          `/container/alias`, as `containers.list` does. Default: false.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        self.rpc("RemoveContainer")(id=id, remove_volumes=remove_volumes, force=force, link=link, deadline=deadline)

    def stat_archive(self, id: str, path: str, *, deadline: float | None = None) -> containers_pb2.PathStat:
        """Returns name, size, mode and time of a path in a container's file system.

        Raises, of `dockfleet.reasons`:
        - `NotFound`: there is no such container, or nothing at the path.

        Arguments:

        - *id*: the container.
        - *path*: the path in the container, from `/`. Required.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        response: containers_pb2.StatContainerArchiveResponse = self.rpc("StatContainerArchive")(
            id=id, path=path, deadline=deadline
        )
        return response.stat

    def get_archive(self, id: str, path: str, *, deadline: float | None = None) -> Iterator[bytes]:
        """Returns a file or a directory of a container, running or not, as a tar archive.

        The first response says what the path is; the others hold the archive. A call that ends with OK has returned
        the whole archive.

        Raises, of `dockfleet.reasons`:
        - `NotFound`: there is no such container, or nothing at the path.
        - `ConnectionLost`: the connection to the host broke.
        - `BadEngineResponse`: the engine's answer is cut off or malformed.

        Arguments:

        - *id*: the container.
        - *path*: the path in the container, from `/`. A directory comes with everything in it. A directory with `/.`
          at the end of its path comes without its own name. Required.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        return download(self.rpc("GetContainerArchive")(id=id, path=path, deadline=deadline))

    def put_archive(
        self,
        source: Source,
        id: str,
        path: str,
        *,
        no_overwrite_dir_non_dir: bool | None = None,
        copy_uid_gid: bool | None = None,
        deadline: float | None = None,
    ) -> None:
        """Unpacks a tar archive into a directory of a container, running or not.

        A compressed archive is refused: an engine may decompress it with a program of the container, as root on the
        host. An upload that breaks off may leave incomplete files.

        Raises, of `dockfleet.reasons`:
        - `NotFound`: there is no such container, or no such path.
        - `InvalidRequest`: the path is not a directory, or the archive is not readable.
        - `Conflict`: `no_overwrite_dir_non_dir` is set, and a file would replace a directory, or a directory a file.
        - `Conflict`: the container's file system, or the volume, is read-only.

        Arguments:

        - *id*: the container.
        - *path*: the directory in the container, from `/`. It must exist. Required.
        - *no_overwrite_dir_non_dir*: fails instead of replacing a directory with a file, or a file with a directory.
          Default: false.
        - *copy_uid_gid*: makes the container's own user the owner of the unpacked files, instead of the owners in
          the archive. Default: false.
        - *source*: the bytes: as bytes, a file open in binary mode, or pieces of bytes
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        self.rpc("PutContainerArchive")(
            source,
            id=id,
            path=path,
            no_overwrite_dir_non_dir=no_overwrite_dir_non_dir,
            copy_uid_gid=copy_uid_gid,
            deadline=deadline,
        )

    def prune(
        self, *, filters: forms.Filters | None = None, deadline: float | None = None
    ) -> containers_pb2.PruneContainersResponse:
        """Removes all stopped containers that fit the filters; without filters, all stopped containers. Harmless to
        repeat.

        Raises, of `dockfleet.reasons`:
        - `InvalidRequest`: the engine does not know a filter, or a value does not fit its filter.
        - `BeingChanged`: another prune of containers is running on the host.

        Arguments:

        - *filters*: removes only containers that fit. `until`: created before a time, or longer ago than a duration
          such as `10m` or `1h30m` by the host's clock. `label` and `label!`: `key` or `key=value`, which they have
          or do not have. Default: no filters.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        response: containers_pb2.PruneContainersResponse = self.rpc("PruneContainers")(
            filters=filters, deadline=deadline
        )
        return response


class Distribution(Service):
    """Images in registries, as a host sees them. They need not be on that host. Images on a host, and pulls and pushes,
    belong to `images`.
    """

    def get(
        self,
        name: str,
        *,
        registry_auth: common_pb2.AuthConfig | dicts.AuthConfigDict | None = None,
        deadline: float | None = None,
    ) -> distribution_pb2.InspectDistributionResponse:
        """Looks up an image in its registry, without a pull.

        The host asks the registry with every call. If a mirror is configured, it asks the mirror first. The host
        stores nothing. Harmless to repeat, but a registry may count it against its limits.

        Raises, of `dockfleet.reasons`:
        - `NotFound`: the registry has no such image.
        - `RegistryAuth`: the registry refused the credentials, or requires some. Many answer so for an image that
          they do not have.
        - `InvalidField`: the name is not a reference.
        - `InvalidRequest`: the name is the id of an image.
        - `RegistryLimit`: the rate limit of the registry is reached.
        - `RegistryUnreachable`: the host cannot reach the registry.

        Arguments:

        - *name*: the reference of the image, such as `registry:5000/team/app:1.2`. Without a tag and a digest, the
          tag is `latest`. The id of an image alone cannot be looked up.
        - *registry_auth*: credentials for the registry. Default: the request is anonymous.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        response: distribution_pb2.InspectDistributionResponse = self.rpc("InspectDistribution")(
            name=name, registry_auth=registry_auth, deadline=deadline
        )
        return response


class Exec(Service):
    """Runs further processes, called execs, in a running container. Most clients need only `Exec`; the other RPCs are
    its single steps. The main process of a container belongs to `containers`.

    An exec exists on its engine only. The engine removes it together with its container, and some minutes after its
    process has ended.
    """

    def open(
        self,
        id: str,
        *,
        attach_stdin: bool | None = None,
        tty: bool | None = None,
        cmd: forms.Command | None = None,
        env: forms.Environment | None = None,
        working_dir: str | None = None,
        user: str | None = None,
        privileged: bool | None = None,
        detach_keys: str | None = None,
        console_size: common_pb2.TerminalSize | dicts.TerminalSizeDict | None = None,
        on_disconnect: exec_pb2.OnDisconnect.ValueType
        | Literal["ON_DISCONNECT_UNSPECIFIED", "ON_DISCONNECT_KILL", "ON_DISCONNECT_KEEP"]
        | None = None,
        slow_reader: common_pb2.SlowReader.ValueType
        | Literal["SLOW_READER_UNSPECIFIED", "SLOW_READER_WAIT", "SLOW_READER_DROP", "SLOW_READER_CLOSE"]
        | None = None,
        deadline: float | None = None,
    ) -> Session:
        """Runs a command in a container and returns its output and exit code.

        The result is a session: iterate over the output, and write the input. A command that fails raises nothing:
        see `exit_code` of the session. Each call runs the command again.

        When the call is cancelled, loses its connection or fails before the process has ended, `on_disconnect`
        decides what happens to the process.

        When the client does not read and the buffers are full, the process waits, as it does for a full pipe. It
        waits at most a minute (the gateway's `limits.stall_seconds`), unless `slow_reader` says otherwise.

        Raises, of `dockfleet.reasons`:
        - `NotFound`: there is no such container.
        - `Conflict`: the container is stopped or paused.
        - `AmbiguousId`: the prefix fits several containers.
        - `ExecStartFailed`: the command could not be started.
        - `InvalidRequest`: there is no command.
        - `OutcomeUnknown`: the connection broke; the process may or may not be running.
        - `SlowReader`: the client read nothing for too long.

        Arguments:

        - *id*: the container. It must be running.
        - *attach_stdin*: opens standard input. Default: false, the process reads end-of-file at once.
        - *tty*: starts the process with a terminal; all output is then STANDARD_STREAM_STDOUT. Default: false.
        - *cmd*: the command and its arguments. They run without a shell, unless the command is one.
        - *env*: variables as `NAME=value`, added to the container's environment.
        - *working_dir*: the directory to run in. Default: the container's own.
        - *user*: the user, as `user`, `user:group`, `uid` or `uid:gid`. Default: the container's own.
        - *privileged*: runs the process with all capabilities of the host. Default: false.
        - *detach_keys*: the keys that end the session and leave the process running, such as `ctrl-p,ctrl-q`:
          letters, or `ctrl-` with a letter or one of `@ ^ [ , _`. They need a terminal. Default: the engine's own.
        - *console_size*: the first size of the terminal.
        - *on_disconnect*: what happens to the process when the call ends before the process has ended. Default:
          ON_DISCONNECT_KILL.
        - *slow_reader*: what happens when this client reads more slowly than the process writes. With
          SLOW_READER_DROP and SLOW_READER_CLOSE the process waits no longer than half a second, and the gateway
          keeps at least 1 MiB for the client; then it drops the oldest output, or ends the call. Default:
          SLOW_READER_WAIT.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        session: Session = self.rpc("Exec")(
            id=id,
            attach_stdin=attach_stdin,
            tty=tty,
            cmd=cmd,
            env=env,
            working_dir=working_dir,
            user=user,
            privileged=privileged,
            detach_keys=detach_keys,
            console_size=console_size,
            on_disconnect=on_disconnect,
            slow_reader=slow_reader,
            deadline=deadline,
        )
        return session

    def create(
        self,
        id: str,
        *,
        cmd: forms.Command | None = None,
        env: forms.Environment | None = None,
        working_dir: str | None = None,
        user: str | None = None,
        privileged: bool | None = None,
        tty: bool | None = None,
        attach_stdin: bool | None = None,
        attach_stdout: bool | None = None,
        attach_stderr: bool | None = None,
        detach_keys: str | None = None,
        console_size: common_pb2.TerminalSize | dicts.TerminalSizeDict | None = None,
        deadline: float | None = None,
    ) -> exec_pb2.CreateExecResponse:
        """Creates an exec, which `exec.start` starts. Nothing runs yet. Each call creates another exec.

        Raises, of `dockfleet.reasons`:
        - `NotFound`: there is no such container.
        - `Conflict`: the container is stopped or paused.
        - `AmbiguousId`: the prefix fits several containers.
        - `InvalidRequest`: there is no command, or `detach_keys` is malformed.

        Arguments:

        - *id*: the container. It must be running.
        - *cmd*: the command and its arguments. They run without a shell, unless the command is one.
        - *env*: variables as `NAME=value`, added to the container's environment.
        - *working_dir*: the directory to run in. Default: the container's own.
        - *user*: the user, as `user`, `user:group`, `uid` or `uid:gid`. Default: the container's own.
        - *privileged*: runs the process with all capabilities of the host. Default: false.
        - *tty*: starts the process with a terminal. Default: false.
        - *attach_stdin*: connects standard input. Default: false.
        - *attach_stdout*: connects standard output. Default: false.
        - *attach_stderr*: connects standard error. Default: false.
        - *detach_keys*: the keys that end a session and leave the process running, such as `ctrl-p,ctrl-q`: letters,
          or `ctrl-` with a letter or one of `@ ^ [ , _`. Default: the engine's own.
        - *console_size*: the first size of the terminal.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        response: exec_pb2.CreateExecResponse = self.rpc("CreateExec")(
            id=id,
            cmd=cmd,
            env=env,
            working_dir=working_dir,
            user=user,
            privileged=privileged,
            tty=tty,
            attach_stdin=attach_stdin,
            attach_stdout=attach_stdout,
            attach_stderr=attach_stderr,
            detach_keys=detach_keys,
            console_size=console_size,
            deadline=deadline,
        )
        return response

    def start(
        self,
        id: str,
        *,
        detach: bool | None = None,
        tty: bool | None = None,
        console_size: common_pb2.TerminalSize | dicts.TerminalSizeDict | None = None,
        slow_reader: common_pb2.SlowReader.ValueType
        | Literal["SLOW_READER_UNSPECIFIED", "SLOW_READER_WAIT", "SLOW_READER_DROP", "SLOW_READER_CLOSE"]
        | None = None,
        deadline: float | None = None,
    ) -> Session:
        """Starts an exec that `exec.create` has created, and connects to it. Works once for each exec.

        The result is a session, as that of `exec.open`. With `detach` it ends at once, and the process continues to
        run; `exec.get` returns its exit code.

        Raises, of `dockfleet.reasons`:
        - `NotFound`: there is no such exec, or its container is stopped.
        - `Conflict`: the exec was started before, or its container is paused.
        - `ExecStartFailed`: the command could not be started.

        Arguments:

        - *id*: the exec, by the id that `exec.create` returned.
        - *detach*: starts the process without a session. Default: false.
        - *tty*: says that the exec has a terminal. It must have the same value as in `exec.create`. Default: false.
        - *console_size*: the first size of the terminal.
        - *slow_reader*: what happens when this client reads more slowly than the process writes: see
          `ExecStart.slow_reader`. Default: SLOW_READER_WAIT.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        session: Session = self.rpc("StartExec")(
            id=id, detach=detach, tty=tty, console_size=console_size, slow_reader=slow_reader, deadline=deadline
        )
        return session

    def resize(
        self, id: str, size: common_pb2.TerminalSize | dicts.TerminalSizeDict, *, deadline: float | None = None
    ) -> None:
        """Sets the size of the terminal of a running exec. Harmless to repeat. Within a session, send `resize` instead.

        Raises, of `dockfleet.reasons`:
        - `NotFound`: there is no such exec, or its process has ended.
        - `Conflict`: the exec has not been started.

        Arguments:

        - *id*: the exec. It must have a terminal.
        - *size*: the size. Required.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        self.rpc("ResizeExec")(id=id, size=size, deadline=deadline)

    def get(self, id: str, *, deadline: float | None = None) -> exec_pb2.ExecInstance:
        """Returns the state of an exec, and its exit code when it has ended.

        Raises, of `dockfleet.reasons`:
        - `NotFound`: there is no such exec, or the engine has removed it already.

        Arguments:

        - *id*: the exec.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        response: exec_pb2.InspectExecResponse = self.rpc("InspectExec")(id=id, deadline=deadline)
        return response.exec


class Images(ImageOperations):
    """The images in the image store of a host, and the cache of its builds. Information of a registry about images that
    are not on the host belongs to `distribution`.

    Pulls, pushes, builds, imports and loads return a stream of progress. A failure is never a progress report: it
    ends the call with a status. Cancelling a pull, a push or a build cancels the work on the host.
    """

    def list(
        self,
        *,
        all: bool | None = None,
        filters: forms.Filters | None = None,
        shared_size: bool | None = None,
        digests: bool | None = None,
        manifests: bool | None = None,
        identity: bool | None = None,
        max_age: forms.Duration | None = None,
        deadline: float | None = None,
    ) -> Listing[images_pb2.ImageSummary, images_pb2.ListImagesResponse]:
        """Lists the images on a host.

        One response holds all images: there are no pages.

        Raises, of `dockfleet.reasons`:
        - `InvalidField`: a filter is unknown, or a value does not fit its filter.
        - `NotFound`: the image that the filter `before` or `since` names does not exist.

        Arguments:

        - *all*: lists also the images without a name that others were built on. Default: false.
        - *filters*: lists only images that fit. `before` and `since`: an image that they are older or newer than.
          `dangling`: `true` for images without a name. `label`: `name` or `name=value`. `reference`: a name, which
          may have wildcards. `until`: a time before which they were created (from 1.44). Default: no filters.
        - *shared_size*: calculates `shared_size_bytes`, which takes the engine some time. Default: false.
        - *digests*: sets `repo_digests`. Engines set it in any case. Default: false.
        - *manifests*: sets `manifests`. Default: false.
        - *identity*: sets `identity` in each manifest. Needs `manifests`. Default: false.
        - *max_age*: answers from the gateway's inventory of the host, if that is not older than this. Default: the
          host is asked. In FleetService: the inventory answers, however old it is.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        response: images_pb2.ListImagesResponse = self.rpc("ListImages")(
            all=all,
            filters=filters,
            shared_size=shared_size,
            digests=digests,
            manifests=manifests,
            identity=identity,
            max_age=max_age,
            deadline=deadline,
        )
        return Listing(response.images, response)

    def build_archive(
        self,
        source: Source,
        *,
        tags: Sequence[str] | None = None,
        dockerfile: str | None = None,
        remote: str | None = None,
        target: str | None = None,
        platform: str | None = None,
        build_args: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
        pull: bool | None = None,
        registry_config: Mapping[str, common_pb2.AuthConfig | dicts.AuthConfigDict] | None = None,
        no_cache: bool | None = None,
        cache_from: common_pb2.StringList | dicts.StringListDict | Sequence[str] | None = None,
        quiet: bool | None = None,
        remove_intermediate: bool | None = None,
        force_remove_intermediate: bool | None = None,
        squash: bool | None = None,
        network_mode: str | None = None,
        extra_hosts: forms.Addresses | None = None,
        memory_bytes: int | str | None = None,
        memory_swap_bytes: int | str | None = None,
        cpu_shares: int | None = None,
        cpuset_cpus: str | None = None,
        cpu_period_microseconds: int | None = None,
        cpu_quota_microseconds: int | None = None,
        shm_size_bytes: int | str | None = None,
        version: str | None = None,
        outputs: images_pb2.BuildOutputs
        | dicts.BuildOutputsDict
        | Sequence[images_pb2.BuildOutput | dicts.BuildOutputDict]
        | None = None,
        progress: Callable[[common_pb2.Progress], object] | None = None,
        deadline: float | None = None,
    ) -> ImageResult:
        """Builds an image from a Dockerfile and the files around it. Each call builds again, but takes steps that have
        not changed from the cache.

        The source is a tar of the build context: plain, or compressed with gzip, bzip2 or xz.

        Raises, of `dockfleet.reasons`:
        - `InvalidRequest`: a parameter, the Dockerfile or the tar is malformed, or there is no Dockerfile.
        - `HostDiskFull`: the disk of the host is full.
        - `OperationFailed`: a step failed, or the base image could not be pulled.

        The call ends when the work is done.

        Arguments:

        - *tags*: the names of the image, as `repository` or `repository:tag`. Without a tag, the tag is `latest`.
        - *dockerfile*: the path of the Dockerfile in the build context. Default: `Dockerfile`.
        - *remote*: the address of a Git repository, a tar or a single Dockerfile, in place of `data`. The engine
          downloads it, from any address that its network can reach. With a tar, `dockerfile` is a path in it. With a
          single file, `dockerfile` is ignored. Default: the build context comes as `data`.
        - *target*: the stage to build up to. Default: the last one.
        - *platform*: the platform to build for, as `os[/arch[/variant]]`. Default: the host's own.
        - *build_args*: values for each `ARG` of the Dockerfile: name to value. They are not suitable for secrets:
          they remain in the history of the image.
        - *labels*: labels to set on the image: name to value.
        - *pull*: checks the registry for newer base images, also when the host has some. Default: false.
        - *registry_config*: credentials for the registries that the build pulls from, by address: the host, and the
          port unless it is 443. Docker Hub is `https://index.docker.io/v1/`.
        - *no_cache*: runs all steps, even when the cache holds their results. Default: false.
        - *cache_from*: images with layers that may be used as cache.
        - *quiet*: reports only the id of the image. Default: false.
        - *remove_intermediate*: removes the containers of the steps when the build succeeds. Default: true.
        - *force_remove_intermediate*: removes the containers of the steps also when the build fails. Default: false.
        - *squash*: merges all layers into one. Only on engines with experimental features. Default: false.
        - *network_mode*: the network of the steps: `bridge`, `host`, `none`, `container:` and a name or id, or the
          name or id of another network. `host` is the host's own network. Default: the engine's own.
        - *extra_hosts*: further lines of `/etc/hosts` in the steps, each as `name:address`.
        - *memory_bytes*: the memory of a step in bytes. Default: no limit.
        - *memory_swap_bytes*: memory and swap of a step together, in bytes; -1 is swap without limit. Default: the
          engine's own.
        - *cpu_shares*: the weight of a step against others when CPU time is short. Default: the engine's own.
        - *cpuset_cpus*: the processors that a step may run on, such as `0-3` or `0,1`. Default: all.
        - *cpu_period_microseconds*: the period in which CPU time is limited, in microseconds. Default: the engine's
          own.
        - *cpu_quota_microseconds*: the CPU time of a step in each such period, in microseconds. Default: no limit.
        - *shm_size_bytes*: the size of `/dev/shm` in the steps in bytes, above 0. Default: 64 MiB.
        - *version*: the builder: `1` (the classic one) or `2` (BuildKit). BuildKit builds the context that is sent,
          and returns the image's id; its reports of steps, with the id `moby.buildkit.trace`, come without content.
          What needs a session beside the build, such as secrets and credentials, fails: this gateway does not offer
          one. Default: `1`.
        - *outputs*: the results that BuildKit writes. Only with `version` `2`.
        - *source*: the bytes: as bytes, a file open in binary mode, or pieces of bytes
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        - *progress*: is called with each report of progress
        """
        return proceed(
            self.rpc("BuildImage")(
                source,
                tags=tags,
                dockerfile=dockerfile,
                remote=remote,
                target=target,
                platform=platform,
                build_args=build_args,
                labels=labels,
                pull=pull,
                registry_config=registry_config,
                no_cache=no_cache,
                cache_from=cache_from,
                quiet=quiet,
                remove_intermediate=remove_intermediate,
                force_remove_intermediate=force_remove_intermediate,
                squash=squash,
                network_mode=network_mode,
                extra_hosts=extra_hosts,
                memory_bytes=memory_bytes,
                memory_swap_bytes=memory_swap_bytes,
                cpu_shares=cpu_shares,
                cpuset_cpus=cpuset_cpus,
                cpu_period_microseconds=cpu_period_microseconds,
                cpu_quota_microseconds=cpu_quota_microseconds,
                shm_size_bytes=shm_size_bytes,
                version=version,
                outputs=outputs,
                deadline=deadline,
            ),
            progress,
        )

    def prune_build_cache(
        self,
        *,
        all: bool | None = None,
        filters: forms.Filters | None = None,
        reserved_space_bytes: int | str | None = None,
        max_used_space_bytes: int | str | None = None,
        min_free_space_bytes: int | str | None = None,
        keep_storage_bytes: int | str | None = None,
        deadline: float | None = None,
    ) -> images_pb2.PruneBuildCacheResponse:
        """Removes cached results of builds. Images stay. Later builds take longer. Harmless to repeat.

        Raises, of `dockfleet.reasons`:
        - `InvalidRequest`: the engine does not know a filter, or a value does not fit its filter.

        Arguments:

        - *all*: removes also records that are still of use, such as layers that other cache records or images are
          based on. Default: false.
        - *filters*: removes only records that fit. `until`: unused since a time, or for a duration such as `24h`.
          `id`, `parent`, `type` and `description`: as the cache lists them. `inuse`, `shared` and `private`: records
          in this state. Default: no filters.
        - *reserved_space_bytes*: the number of bytes of cache that always remain. Default: the engine's own.
        - *max_used_space_bytes*: the most bytes of cache that remain. Default: the engine's own.
        - *min_free_space_bytes*: the number of bytes of free disk space to aim at. Default: the engine's own.
        - *keep_storage_bytes*: the number of bytes of cache that always remain, on hosts up to 1.47; newer hosts
          call it `reserved_space_bytes`. Default: the engine's own.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        response: images_pb2.PruneBuildCacheResponse = self.rpc("PruneBuildCache")(
            all=all,
            filters=filters,
            reserved_space_bytes=reserved_space_bytes,
            max_used_space_bytes=max_used_space_bytes,
            min_free_space_bytes=min_free_space_bytes,
            keep_storage_bytes=keep_storage_bytes,
            deadline=deadline,
        )
        return response

    def pull(
        self,
        image: str,
        tag: str | None = None,
        *,
        platform: str | None = None,
        registry_auth: common_pb2.AuthConfig | dicts.AuthConfigDict | None = None,
        all_tags: bool = False,
        progress: Callable[[common_pb2.Progress], object] | None = None,
        deadline: float | None = None,
    ) -> ImageResult:
        """Pulls an image from a registry. Harmless to repeat: layers that are on the host are not downloaded again.

        Raises, of `dockfleet.reasons`:
        - `NotFound`: the registry has no such image.
        - `RegistryAuth`: the registry has no such repository, or does not show it without credentials.
        - `RegistryAuth`: the registry refused the credentials, or requires some.
        - `RegistryUnreachable`: the host cannot reach the registry.
        - `RegistryLimit`: the rate limit of the registry is reached.
        - `HostDiskFull`: the disk of the host is full.

        The call ends when the work is done.

        Arguments:

        - *image*: the image: `repository`, `repository:tag` or `repository@digest`. Required.
        - *tag*: the tag, or a digest. It replaces a tag in `image`; a digest in `image` has precedence over it.
          Default: what `image` says, and `latest` where it says nothing.
        - *platform*: the platform to pull, as `os[/arch[/variant]]`. Default: the host's own.
        - *registry_auth*: credentials for the registry. Default: the pull is anonymous.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        - *all_tags*: pull all tags of the repository
        - *progress*: is called with each report of progress
        """
        return proceed(
            self.rpc("PullImage")(
                image=image,
                tag=pulled_tag(image, tag, all_tags),
                platform=platform,
                registry_auth=registry_auth,
                deadline=deadline,
            ),
            progress,
        )

    def import_archive(
        self,
        source: Source,
        *,
        from_src: str | None = None,
        repo: str | None = None,
        tag: str | None = None,
        message: str | None = None,
        changes: Sequence[str] | None = None,
        platform: str | None = None,
        progress: Callable[[common_pb2.Progress], object] | None = None,
        deadline: float | None = None,
    ) -> ImageResult:
        """Creates an image of one layer from the tar of a file system, such as `containers.export` returns. Each call
        creates a new image.

        The tar may be compressed. The last of the `statuses` of the result is the id of the image.

        Raises, of `dockfleet.reasons`:
        - `InvalidRequest`: a parameter, an instruction or the tar is malformed.
        - `HostDiskFull`: the disk of the host is full.
        - `OperationFailed`: the host cannot download the tar, or cannot unpack it.

        The call ends when the work is done.

        Arguments:

        - *from_src*: where the tar comes from: `-` is the `data` of this call. An address is where the engine
          downloads it, from any address that its network can reach. Default: `-`.
        - *repo*: the name of the image, as `repository` or `repository:tag`. Default: no name.
        - *tag*: the tag, in place of one in `repo`. Default: `latest`.
        - *message*: the comment of the image. Default: `Imported from` and the source.
        - *changes*: instructions of a Dockerfile to apply, such as `ENV DEBUG=true`. The engine knows `CMD`,
          `ENTRYPOINT`, `ENV`, `EXPOSE`, `ONBUILD`, `USER`, `VOLUME` and `WORKDIR`.
        - *platform*: the platform that the image is for, as `os[/arch[/variant]]`. Default: the host's own.
        - *source*: the bytes: as bytes, a file open in binary mode, or pieces of bytes
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        - *progress*: is called with each report of progress
        """
        return proceed(
            self.rpc("ImportImage")(
                source,
                from_src=from_src,
                **repository(repo, tag),
                message=message,
                changes=changes,
                platform=platform,
                deadline=deadline,
            ),
            progress,
        )

    def get(
        self,
        name: str,
        *,
        manifests: bool | None = None,
        platform: oci_pb2.OciPlatform | dicts.OciPlatformDict | None = None,
        deadline: float | None = None,
    ) -> images_pb2.Image:
        """Returns everything that a host knows about an image.

        Raises, of `dockfleet.reasons`:
        - `NotFound`: there is no such image, or not for the requested platform.
        - `InvalidRequest`: both `manifests` and `platform` are set.

        Arguments:

        - *name*: the image.
        - *manifests*: sets `manifests`. Not together with `platform`. Default: false.
        - *platform*: the platform to show. Default: one that the host has, preferably its own.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        response: images_pb2.InspectImageResponse = self.rpc("InspectImage")(
            name=name, manifests=manifests, platform=platform, deadline=deadline
        )
        return response.image

    def attestations(
        self,
        name: str,
        *,
        platforms: Sequence[oci_pb2.OciPlatform | dicts.OciPlatformDict] | None = None,
        predicate_types: Sequence[str] | None = None,
        statement: bool | None = None,
        deadline: float | None = None,
    ) -> Listing[images_pb2.AttestationStatement, images_pb2.ListImageAttestationsResponse]:
        """Lists the attestations of an image, such as its provenance and its bill of materials. The list is empty when
        there are none.

        Raises, of `dockfleet.reasons`:
        - `NotFound`: there is no such image, or not for the requested platform.
        - `InvalidRequest`: the request has more than one platform.
        - `NotSupported`: the image store of the host does not keep attestations. The containerd store does.

        Arguments:

        - *name*: the image.
        - *platforms*: the platform whose attestations to list. Engines accept one at present. Default: the host's
          own.
        - *predicate_types*: lists only statements with one of these predicate types, such as
          `https://spdx.dev/Document`. Default: all.
        - *statement*: sets the statements themselves, and not only their kinds. Default: false.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        response: images_pb2.ListImageAttestationsResponse = self.rpc("ListImageAttestations")(
            name=name, platforms=platforms, predicate_types=predicate_types, statement=statement, deadline=deadline
        )
        return Listing(response.attestations, response)

    def history(
        self,
        name: str,
        *,
        platform: oci_pb2.OciPlatform | dicts.OciPlatformDict | None = None,
        deadline: float | None = None,
    ) -> Listing[images_pb2.ImageHistoryEntry, images_pb2.GetImageHistoryResponse]:
        """Returns the steps that created an image, the latest first.

        Raises, of `dockfleet.reasons`:
        - `NotFound`: there is no such image, or not for the requested platform.

        Arguments:

        - *name*: the image.
        - *platform*: the platform to show. Default: one that the host has, preferably its own.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        response: images_pb2.GetImageHistoryResponse = self.rpc("GetImageHistory")(
            name=name, platform=platform, deadline=deadline
        )
        return Listing(response.layers, response)

    def push(
        self,
        name: str,
        tag: str | None = None,
        *,
        platform: oci_pb2.OciPlatform | dicts.OciPlatformDict | None = None,
        registry_auth: common_pb2.AuthConfig | dicts.AuthConfigDict | None = None,
        progress: Callable[[common_pb2.Progress], object] | None = None,
        deadline: float | None = None,
    ) -> ImageResult:
        """Pushes an image to the registry that its name begins with; without one, to Docker Hub. Harmless to repeat:
        layers that the registry has are not sent again.

        The image must have a name for that registry: see `images.tag`.

        Raises, of `dockfleet.reasons`:
        - `NotFound`: there is no such image.
        - `RegistryAuth`: the registry refused the credentials, requires some, or does not allow the push.
        - `RegistryUnreachable`: the host cannot reach the registry.
        - `RegistryLimit`: the rate limit of the registry is reached.

        The call ends when the work is done.

        Arguments:

        - *name*: the image: its repository, which names the registry, with or without a tag.
        - *tag*: the tag. Default: the one in `name`; without that, all tags of the repository on the host.
        - *platform*: the platform to push. Default: all that the host has.
        - *registry_auth*: credentials for the registry. Default: none.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        - *progress*: is called with each report of progress
        """
        return proceed(
            self.rpc("PushImage")(
                name=name, tag=tag, platform=platform, registry_auth=registry_auth, deadline=deadline
            ),
            progress,
        )

    def tag(self, name: str, repo: str, tag: str | None = None, *, deadline: float | None = None) -> None:
        """Adds a name to an image. Harmless to repeat. If another image has the name, that image loses it.

        Raises, of `dockfleet.reasons`:
        - `NotFound`: there is no such image.
        - `InvalidField`: the new name is missing or malformed.
        - `InvalidRequest`: the new name could be taken for an id or a digest.

        Arguments:

        - *name*: the image.
        - *repo*: the repository of the new name, such as `registry.example.com:5000/team/app`. Required.
        - *tag*: the tag of the new name. Default: `latest`.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        self.rpc("TagImage")(name=name, **repository(repo, tag), deadline=deadline)

    def remove(
        self,
        name: str,
        *,
        force: bool | None = None,
        no_prune: bool | None = None,
        platforms: Sequence[oci_pb2.OciPlatform | dicts.OciPlatformDict] | None = None,
        deadline: float | None = None,
    ) -> Listing[images_pb2.ImageDeletion, images_pb2.RemoveImageResponse]:
        """Removes a name from an image. Together with its last name it removes the image, and those of its parents that
        have no name. When the request has an id, it removes the image itself. A repetition fails, because there is
        nothing to remove any more.

        Raises, of `dockfleet.reasons`:
        - `NotFound`: there is no such image.
        - `Conflict`: a container uses the image, another image is built on it, or the request has an id and the
          image has names in several repositories. `force` overrides some of this.

        Arguments:

        - *name*: the image. A name removes that name, an id removes the image.
        - *force*: removes the image even if stopped containers use it or it has several names. Default: false.
        - *no_prune*: keeps the parents that have no name. Default: false.
        - *platforms*: removes only what the image has for these platforms. Default: all.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        response: images_pb2.RemoveImageResponse = self.rpc("RemoveImage")(
            name=name, force=force, no_prune=no_prune, platforms=platforms, deadline=deadline
        )
        return Listing(response.images, response)

    def search(
        self,
        term: str,
        *,
        limit: int | None = None,
        filters: forms.Filters | None = None,
        deadline: float | None = None,
    ) -> Listing[images_pb2.ImageSearchResult, images_pb2.SearchImagesResponse]:
        """Searches Docker Hub for images, from the host.

        Raises, of `dockfleet.reasons`:
        - `InvalidRequest`: the engine does not know a filter, or the limit is out of range.
        - `RegistryUnreachable`: the host cannot reach Docker Hub.

        Arguments:

        - *term*: the text to search for. Required.
        - *limit*: the most results, up to 100. Default: the engine's own, usually 25.
        - *filters*: returns only images that fit. `is-official`: `true` or `false`. `stars`: the least number of
          stars. Default: no filters.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        response: images_pb2.SearchImagesResponse = self.rpc("SearchImages")(
            term=term, limit=limit, filters=filters, deadline=deadline
        )
        return Listing(response.results, response)

    def prune(
        self, *, filters: forms.Filters | None = None, deadline: float | None = None
    ) -> images_pb2.PruneImagesResponse:
        """Removes images that no container uses. Unless filters say otherwise, it removes only images without a name.
        Harmless to repeat.

        Raises, of `dockfleet.reasons`:
        - `InvalidRequest`: the engine does not know a filter, or a value does not fit its filter.
        - `BeingChanged`: another prune of images is running on the host.

        Arguments:

        - *filters*: removes only unused images that fit. `dangling`: `true` for images without a name, `false` for
          all. `until`: created before a time, or longer ago than a duration such as `24h`. `label` and `label!`:
          `name` or `name=value`, which they have or do not have. Default: `dangling` is `true`.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        response: images_pb2.PruneImagesResponse = self.rpc("PruneImages")(filters=filters, deadline=deadline)
        return response

    def commit(
        self,
        container: str,
        repo: str | None = None,
        tag: str | None = None,
        *,
        comment: str | None = None,
        author: str | None = None,
        pause: bool | None = None,
        changes: Sequence[str] | None = None,
        config: container_config_pb2.ContainerConfig | dicts.ContainerConfigDict | None = None,
        deadline: float | None = None,
    ) -> images_pb2.CommitContainerResponse:
        """Creates an image from the present state of a container, without its volumes. Each call creates a new image.

        Raises, of `dockfleet.reasons`:
        - `NotFound`: there is no such container.
        - `AmbiguousId`: the prefix fits several containers.
        - `InvalidField`: the name of the image is malformed.
        - `InvalidRequest`: an instruction is malformed.

        Arguments:

        - *container*: the container. Required.
        - *repo*: the repository of the image's name. Default: no name.
        - *tag*: the tag of the image's name. Default: `latest`.
        - *comment*: the comment of the image. Default: none.
        - *author*: the author of the image, such as `Ada Lovelace <ada@example.com>`. Default: none.
        - *pause*: pauses the container during the commit, so that its files are consistent. Default: true.
        - *changes*: instructions of a Dockerfile to apply, such as `ENV DEBUG=true`.
        - *config*: the settings of the image. Default: those of the container. When it is set, the image takes its
          `entrypoint`, `cmd`, `env`, `labels`, `exposed_ports`, `volumes`, `user`, `working_dir` and `healthcheck`
          from the container where they are unset; all other settings are those of this field alone.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        response: images_pb2.CommitContainerResponse = self.rpc("CommitContainer")(
            container=container,
            **repository(repo, tag),
            comment=comment,
            author=author,
            pause=pause,
            changes=changes,
            config=config,
            deadline=deadline,
        )
        return response

    def save(
        self,
        name: str,
        *,
        platforms: Sequence[oci_pb2.OciPlatform | dicts.OciPlatformDict] | None = None,
        deadline: float | None = None,
    ) -> Iterator[bytes]:
        """Returns an image with its layers, as a tar that `images.load` accepts.

        A repository without a tag means all its tags on the host. With an id, the tar holds the image without names.
        The tar is an OCI image layout or the older layout of `docker save`; the engine decides.

        Raises, of `dockfleet.reasons`:
        - `NotFound`: there is no such image.

        Arguments:

        - *name*: the image.
        - *platforms*: the platforms to return. More than one from 1.52 on. Default: all that the host has.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        return download(self.rpc("SaveImage")(name=name, platforms=platforms, deadline=deadline))

    def save_all(
        self,
        *,
        names: Sequence[str] | None = None,
        platforms: Sequence[oci_pb2.OciPlatform | dicts.OciPlatformDict] | None = None,
        deadline: float | None = None,
    ) -> Iterator[bytes]:
        """Returns several images in one tar. Layers that they share are in it only once. Otherwise it works like
        `images.save`.

        Raises, of `dockfleet.reasons`:
        - `NotFound`: one of the images does not exist.

        Arguments:

        - *names*: the images.
        - *platforms*: the platforms to return. More than one from 1.52 on. Default: all that the host has.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        return download(self.rpc("SaveImages")(names=names, platforms=platforms, deadline=deadline))

    def load(
        self,
        source: Source,
        *,
        quiet: bool | None = None,
        platforms: Sequence[oci_pb2.OciPlatform | dicts.OciPlatformDict] | None = None,
        progress: Callable[[common_pb2.Progress], object] | None = None,
        deadline: float | None = None,
    ) -> ImageResult:
        """Loads the images of a tar, with their names, as `images.save` and `images.save_all` return it. Loading the
        same tar again changes nothing.

        The tar may be compressed with gzip, bzip2 or xz. If another image has one of the names, that image loses it.

        Raises, of `dockfleet.reasons`:
        - `HostDiskFull`: the disk of the host is full.
        - `InvalidRequest`: the tar is malformed.
        - `OperationFailed`: the tar holds no images, or the host cannot unpack it.

        The call ends when the work is done.

        Arguments:

        - *quiet*: reports only what was loaded, without progress. Default: true.
        - *platforms*: the platforms to load. More than one from 1.52 on. Default: all that the tar holds.
        - *source*: the bytes: as bytes, a file open in binary mode, or pieces of bytes
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        - *progress*: is called with each report of progress
        """
        return proceed(self.rpc("LoadImages")(source, quiet=quiet, platforms=platforms, deadline=deadline), progress)


class Networks(Service):
    """The networks of a host, and the connections of its containers to them. The networks that a container gets at its
    creation, and its published ports, belong to `containers`.

    Every method that takes a network accepts its id, a unique prefix of the id, or its name. The host's own networks
    (`bridge`, `host` and `none` on Linux, `nat` and `none` on Windows) can be neither created nor removed.

    Raises, of `dockfleet.reasons`:
    - `AmbiguousId`: the prefix or the name fits several networks.
    """

    def list(
        self,
        *,
        filters: forms.Filters | None = None,
        max_age: forms.Duration | None = None,
        deadline: float | None = None,
    ) -> Listing[networks_pb2.Network, networks_pb2.ListNetworksResponse]:
        """Lists networks; without filters, all of them.

        The response has neither what is connected to the networks (`containers`, `services`) nor their `status`:
        `networks.get` returns these.

        Raises, of `dockfleet.reasons`:
        - `InvalidField`: a filter is unknown, or a value does not fit its filter.

        Arguments:

        - *filters*: lists only networks that fit. All filters must fit, each by one of its values. `dangling`:
          `true` for networks without a container. `driver`: its name. `id`: all of it, or a part. `label`: `name` or
          `name=value`. `name`: all of it, or a part. `scope`: `local`, `swarm` or `global`. `type`: `custom` or
          `builtin`. Default: no filters.
        - *max_age*: answers from the gateway's inventory of the host, if that is not older than this. Default: the
          host is asked. In FleetService: the inventory answers, however old it is.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        response: networks_pb2.ListNetworksResponse = self.rpc("ListNetworks")(
            filters=filters, max_age=max_age, deadline=deadline
        )
        return Listing(response.networks, response)

    def get(
        self, id: str, *, verbose: bool | None = None, scope: str | None = None, deadline: float | None = None
    ) -> networks_pb2.Network:
        """Returns a network with the containers that are connected to it.

        Raises, of `dockfleet.reasons`:
        - `NotFound`: there is no such network, or not in the requested scope.

        Arguments:

        - *id*: the network: id, unique id prefix or name.
        - *verbose*: adds the services of a swarm that use the network, from all hosts of the swarm. Default: false.
        - *scope*: looks only among the networks of this scope: `local`, `swarm` or `global`. Default: all scopes.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        response: networks_pb2.InspectNetworkResponse = self.rpc("InspectNetwork")(
            id=id, verbose=verbose, scope=scope, deadline=deadline
        )
        return response.network

    def remove(self, id: str, *, deadline: float | None = None) -> None:
        """Removes a network. A repetition fails, because the network does not exist any more.

        Stopped containers do not prevent the removal. They cannot be started again without the network.

        Raises, of `dockfleet.reasons`:
        - `NotFound`: there is no such network.
        - `Conflict`: a running container or a service uses the network, or it is one of the host's own networks.

        Arguments:

        - *id*: the network: id, unique id prefix or name.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        self.rpc("RemoveNetwork")(id=id, deadline=deadline)

    def create(
        self,
        name: str,
        *,
        driver: str | None = None,
        scope: str | None = None,
        internal: bool | None = None,
        attachable: bool | None = None,
        ingress: bool | None = None,
        config_only: bool | None = None,
        config_from: networks_pb2.ConfigReference | dicts.ConfigReferenceDict | None = None,
        ipam: networks_pb2.Ipam | dicts.IpamDict | None = None,
        enable_ipv4: bool | None = None,
        enable_ipv6: bool | None = None,
        options: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
        check_duplicate: bool | None = None,
        deadline: float | None = None,
    ) -> networks_pb2.CreateNetworkResponse:
        """Creates a network.

        Engines before API 1.44 check for a taken name only with `check_duplicate`. Without it, a repetition of the
        call creates a second network of the same name.

        Raises, of `dockfleet.reasons`:
        - `NameInUse`: another network has the name.
        - `InvalidRequest`: the settings contradict each other, or an address is malformed.
        - `NotFound`: there is no such driver.
        - `Conflict`: the name is that of one of the host's own networks, the subnet overlaps with another, or the
          driver has all the networks that it can have.
        - `NotSwarmManager`: the driver is `overlay` and the host is not a manager of a swarm.

        Arguments:

        - *name*: its name. Required.
        - *driver*: the driver, such as `bridge`, `overlay`, `macvlan` or the name of a plugin. Default: `bridge`.
        - *scope*: its reach: `local`, `swarm` or `global`. Default: the usual one of the driver.
        - *internal*: creates it without a connection to the world outside the host. Default: false.
        - *attachable*: allows connections of containers that are not tasks of a swarm. Only for networks of a swarm.
          Default: false.
        - *ingress*: makes it the network for the published ports of a swarm's services. A swarm has at most one.
          Default: false.
        - *config_only*: makes it hold only settings for other networks. Containers cannot be connected to it.
          Default: false.
        - *config_from*: the network that the settings come from. It must be `config_only`.
        - *ipam*: how it assigns addresses. Default: the engine chooses.
        - *enable_ipv4*: assigns IPv4 addresses. Engines may allow `false` with experimental features only. Default:
          true.
        - *enable_ipv6*: assigns IPv6 addresses. Default: false.
        - *options*: options of its driver, by name, such as `com.docker.network.driver.mtu`.
        - *labels*: Labels: name to value.
        - *check_duplicate*: Deprecated: works up to 1.43; later engines always refuse a taken name. Refuses a taken
          name, as far as the engine notices it. Default: false.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        response: networks_pb2.CreateNetworkResponse = self.rpc("CreateNetwork")(
            name=name,
            driver=driver,
            scope=scope,
            internal=internal,
            attachable=attachable,
            ingress=ingress,
            config_only=config_only,
            config_from=config_from,
            ipam=ipam,
            enable_ipv4=enable_ipv4,
            enable_ipv6=enable_ipv6,
            options=options,
            labels=labels,
            check_duplicate=check_duplicate,
            deadline=deadline,
        )
        return response

    def connect(
        self,
        id: str,
        container: str,
        *,
        endpoint_config: networks_pb2.EndpointSettings | dicts.EndpointSettingsDict | None = None,
        deadline: float | None = None,
    ) -> None:
        """Connects a container, running or not, to a network. A running container gets its address at once, a stopped
        one when it starts.

        The network must be local to the host, or a swarm's network that is `attachable`.

        Raises, of `dockfleet.reasons`:
        - `NotFound`: there is no such network or container.
        - `InvalidRequest`: the settings do not fit the network.
        - `Conflict`: the running container is connected to the network already, for example because the call is
          repeated, or the network does not allow the connection.

        Arguments:

        - *id*: the network: id, unique id prefix or name.
        - *container*: the container: id, unique id prefix or name. Required.
        - *endpoint_config*: how to connect it. Default: the network chooses.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        self.rpc("ConnectNetwork")(id=id, container=container, endpoint_config=endpoint_config, deadline=deadline)

    def disconnect(self, id: str, container: str, *, force: bool | None = None, deadline: float | None = None) -> None:
        """Disconnects a container, running or not, from a network. A repetition does no harm, but fails, because the
        container is not connected any more.

        Raises, of `dockfleet.reasons`:
        - `NotFound`: there is no such network or container.
        - `Conflict`: the container is not connected to the network.
        - `InvalidRequest`: the network is `host`.

        Arguments:

        - *id*: the network: id, unique id prefix or name.
        - *container*: the container: id, unique id prefix or name. Required.
        - *force*: removes also the connection of a container that does not exist any more or does not release it.
          Default: false.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        self.rpc("DisconnectNetwork")(id=id, container=container, force=force, deadline=deadline)

    def prune(
        self, *, filters: forms.Filters | None = None, deadline: float | None = None
    ) -> networks_pb2.PruneNetworksResponse:
        """Removes all networks that no running container is connected to, except the host's own. Harmless to repeat.

        A network that cannot be removed is skipped. Stopped containers do not prevent the removal. They cannot be
        started again without the network.

        Raises, of `dockfleet.reasons`:
        - `InvalidRequest`: the engine does not know a filter, or a value does not fit its filter.

        Arguments:

        - *filters*: removes only networks that fit. All filters must fit. `until`: created before a date, before a
          time in seconds since 1970, or longer ago than a duration such as `1h30m`. `label` and `label!`: `name` or
          `name=value`, which they have or do not have. Default: no filters.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        response: networks_pb2.PruneNetworksResponse = self.rpc("PruneNetworks")(filters=filters, deadline=deadline)
        return response


class System(Service):
    """The engine of a host as a whole. Every RPC asks the host and changes nothing there. What the gateway itself knows
    about its hosts belongs to `fleet.hosts`.
    """

    def check_auth(
        self, *, credentials: common_pb2.AuthConfig | dicts.AuthConfigDict | None = None, deadline: float | None = None
    ) -> system_pb2.CheckAuthResponse:
        """Tries credentials at a registry, from the host.

        Some registries return a token; the client then uses it in place of the password. Neither the host nor the
        gateway stores the credentials. Harmless to repeat, but a registry may count it against its limits.

        Raises, of `dockfleet.reasons`:
        - `RegistryAuth`: the registry refused the credentials.
        - `RegistryUnreachable`: the host cannot reach the registry.

        Arguments:

        - *credentials*: the credentials, with the address of the registry in `server_address`. Without an address,
          the registry is Docker Hub.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        response: system_pb2.CheckAuthResponse = self.rpc("CheckAuth")(credentials=credentials, deadline=deadline)
        return response

    def info(self, *, deadline: float | None = None) -> system_pb2.EngineInfo:
        """Returns the state and the settings of an engine and its machine.

        Arguments:

        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        response: system_pb2.GetInfoResponse = self.rpc("GetInfo")(deadline=deadline)
        return response.info

    def version(self, *, deadline: float | None = None) -> system_pb2.EngineVersion:
        """Returns the versions of an engine and its components.

        Arguments:

        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        response: system_pb2.GetVersionResponse = self.rpc("GetVersion")(deadline=deadline)
        return response.version

    def ping(self, *, deadline: float | None = None) -> system_pb2.PingResponse:
        """Checks whether an engine responds, with the least work. `fleet.hosts` returns the same information without
        asking the host.

        Raises, of `dockfleet.reasons`:
        - `HostUnreachable`: the host cannot be reached.
        - `HostTimeout`: the engine does not respond in time.

        Arguments:

        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        response: system_pb2.PingResponse = self.rpc("Ping")(deadline=deadline)
        return response

    def events(
        self,
        *,
        since: forms.Time | None = None,
        until: forms.Time | None = None,
        filters: forms.Filters | None = None,
        resume_token: bytes | None = None,
        retry_seconds: float = RETRY_SECONDS,
        deadline: float | None = None,
    ) -> ResumingStream[system_pb2.StreamEventsResponse]:
        """Streams what happens to the objects of a host, as it happens.

        With `since`, past events come first: the engine keeps its last 256 events, and the gateway keeps up to
        10,000 while it is connected. Then come new events, until the time in `until` or without limit. After the
        headers of the call have come, no event is missed.

        Subscribers share one connection to the host. When it breaks, the gateway reconnects and the stream continues
        at the same event. A `gap` says that the engine itself has lost events. After the gap come `synthetic`
        events: the differences between the containers, images, networks and volumes before and after. A client that
        does not read for long also gets a gap, but no synthetic events: it must list the objects again.

        When the call ends because the host cannot be reached, a new call with the last `resume_token` continues
        there.

        Raises, of `dockfleet.reasons`:
        - `InvalidField`: a filter or a time is malformed.
        - `BadResumeToken`: the token is malformed.
        - `HostUnreachable`: the host cannot be reached, or could not be reached for a minute.

        The stream continues after a failure of the gateway or a connection: see `ResumingStream`.

        Arguments:

        - *since*: includes past events, from this time on. Default: new events only, or with `until` all past events
          that the engine or the gateway keeps.
        - *until*: ends the stream at this time of the host's clock, at once if it has passed. Default: no end.
        - *filters*: returns only events that fit. All filters must fit, each by one of its values; of `label`, all
          values must fit. `type` and `event`: as `EngineEvent.type` and `EngineEvent.action`. `scope`: `local` or
          `swarm`. `label`: `name` or `name=value` of a container or an image. `image`: the name or id of an image;
          it fits its containers too. `config`, `container`, `daemon`, `network`, `node`, `plugin`, `secret`,
          `service` and `volume`: the name or id of an object of that kind, or the beginning of it. The gateway
          refuses other filters; engines ignore them. Default: no filters.
        - *resume_token*: continues after the response that carried this token. Not together with `since`. Any
          gateway with the same resume key accepts it. Default: the stream begins as `since` says.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        - *retry_seconds*: for how long a broken stream is called again; 0 is never
        """
        return self._resuming(
            "StreamEvents",
            retry_seconds,
            deadline,
            since=since,
            until=until,
            filters=filters,
            resume_token=resume_token,
        )

    def data_usage(
        self, *, object_types: Sequence[str] | None = None, verbose: bool | None = None, deadline: float | None = None
    ) -> system_pb2.GetDataUsageResponse:
        """Returns how much disk space the images, containers, volumes and the build cache of a host use.

        It may take minutes, because the engine adds up file sizes. An engine before API 1.42 may refuse a second
        call during the first. The response has two layouts: see GetDataUsageResponse.

        Raises, of `dockfleet.reasons`:
        - `BeingChanged`: another call is running on the host, whose engine refuses a second one.

        Arguments:

        - *object_types*: the types of objects to add up: `container`, `image`, `volume`, `build-cache`. Default:
          all.
        - *verbose*: adds a list of the single objects, in the layout that came with 1.52. Default: false.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        response: system_pb2.GetDataUsageResponse = self.rpc("GetDataUsage")(
            object_types=object_types, verbose=verbose, deadline=deadline
        )
        return response


class Volumes(Service):
    """The volumes of a host: named storage that exists independently of containers. On managers of a swarm, also the
    volumes of its cluster. Mounting a volume is part of a container's configuration, and belongs to `containers`.
    """

    def list(
        self,
        *,
        filters: forms.Filters | None = None,
        max_age: forms.Duration | None = None,
        deadline: float | None = None,
    ) -> Listing[volumes_pb2.Volume, volumes_pb2.ListVolumesResponse]:
        """Lists the volumes of a host; on managers of a swarm, from 1.42 on, also those of the cluster.

        One response holds all volumes: there are no pages.

        Raises, of `dockfleet.reasons`:
        - `InvalidField`: a filter is unknown, or a value does not fit its filter.

        Arguments:

        - *filters*: lists only volumes that fit. `dangling`: `true` for volumes that no container uses, `false` for
          the others. `driver`: its name. `label`: `name` or `name=value`. `name`: all of the name, or a part.
          Default: no filters.
        - *max_age*: answers from the gateway's inventory of the host, if that is not older than this. Default: the
          host is asked. In FleetService: the inventory answers, however old it is.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        response: volumes_pb2.ListVolumesResponse = self.rpc("ListVolumes")(
            filters=filters, max_age=max_age, deadline=deadline
        )
        return Listing(response.volumes, response)

    def create(
        self,
        name: str | None = None,
        *,
        driver: str | None = None,
        driver_opts: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
        cluster_volume_spec: volumes_pb2.ClusterVolumeSpec | dicts.ClusterVolumeSpecDict | None = None,
        deadline: float | None = None,
    ) -> volumes_pb2.Volume:
        """Creates a volume. Harmless to repeat with a name: if a volume of the same driver has the name, the response
        holds that volume, unchanged. Without a name, each call creates another volume.

        Raises, of `dockfleet.reasons`:
        - `NameInUse`: a volume of another driver has the name.
        - `NotFound`: there is no such driver.
        - `InvalidField`: the name is malformed.
        - `InvalidRequest`: an option is malformed.

        Arguments:

        - *name*: its name. Default: the engine makes one up, and the volume counts as anonymous.
        - *driver*: its driver. Default: `local`.
        - *driver_opts*: options of the driver. With `local` they are those of a mount (`type`, `device`, `o`). Root
          on the host with `local`, because its options can mount any path of the host. They may hold the password of
          a network share.
        - *labels*: Labels: name to value.
        - *cluster_volume_spec*: creates it as a volume of the cluster. The host must be a manager of a swarm.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        response: volumes_pb2.CreateVolumeResponse = self.rpc("CreateVolume")(
            name=name,
            driver=driver,
            driver_opts=driver_opts,
            labels=labels,
            cluster_volume_spec=cluster_volume_spec,
            deadline=deadline,
        )
        return response.volume

    def get(self, name: str, *, deadline: float | None = None) -> volumes_pb2.Volume:
        """Returns a volume.

        Raises, of `dockfleet.reasons`:
        - `NotFound`: there is no such volume.

        Arguments:

        - *name*: the name of the volume, or the id of a cluster volume.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        response: volumes_pb2.InspectVolumeResponse = self.rpc("InspectVolume")(name=name, deadline=deadline)
        return response.volume

    def update(
        self,
        name: str,
        version: int,
        *,
        update: volumes_pb2.VolumeUpdate | dicts.VolumeUpdateDict | None = None,
        deadline: float | None = None,
    ) -> None:
        """Changes the availability of a cluster volume. Everything else in its spec must stay the same. A repetition
        fails: a change creates a new version, and the engine refuses the old one.

        Raises, of `dockfleet.reasons`:
        - `NotFound`: there is no such volume.
        - `NotSwarmManager`: the host is not a manager of a swarm.
        - `InvalidField`: the version is missing.
        - `InvalidRequest`: the request changes something else.

        Arguments:

        - *name*: the name or id of the volume.
        - *version*: the version that the change starts from: `cluster_volume.version.index`. If the volume has
          another version by now, the engine refuses the change. Required.
        - *update*: the change.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        self.rpc("UpdateVolume")(name=name, version=version, update=update, deadline=deadline)

    def remove(self, name: str, *, force: bool | None = None, deadline: float | None = None) -> None:
        """Removes a volume with its data. A repetition fails, unless `force` is set, because the volume does not exist
        any more.

        Raises, of `dockfleet.reasons`:
        - `NotFound`: there is no such volume, or its driver is missing.
        - `Conflict`: a container uses it, running or not.

        Arguments:

        - *name*: the name of the volume, or the id of a cluster volume.
        - *force*: removes the volume from the engine even if its driver fails or is missing; a volume that does not
          exist is then not a failure. A volume in use remains. Default: false.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        self.rpc("RemoveVolume")(name=name, force=force, deadline=deadline)

    def prune(
        self, *, filters: forms.Filters | None = None, deadline: float | None = None
    ) -> volumes_pb2.PruneVolumesResponse:
        """Removes the local volumes that no container uses, with their data. Harmless to repeat.

        From 1.42 on it removes only anonymous volumes, unless the filter `all` is set. Hosts below 1.42 remove named
        volumes too.

        Raises, of `dockfleet.reasons`:
        - `InvalidRequest`: the engine does not know a filter, or a value does not fit its filter.
        - `BeingChanged`: another prune of volumes is running on the host.

        Arguments:

        - *filters*: removes only unused volumes that fit. `label` and `label!`: `name` or `name=value`, which they
          have or do not have. `all`: `true` to include named volumes (from 1.42; older hosts refuse it, because they
          always include them). Default: no filters.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        response: volumes_pb2.PruneVolumesResponse = self.rpc("PruneVolumes")(filters=filters, deadline=deadline)
        return response
