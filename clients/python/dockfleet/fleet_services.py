"""The services of many hosts.  Generated from the contract by protos/generate_clients.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from dockfleet.calling import Service
from dockfleet.fleet.v1 import fleet_pb2, hosts_pb2
from dockfleet.proceeding import changed, found, ran
from dockfleet.results import Batch, Found, Listing, RunResult
from dockfleet.resume_state import RETRY_SECONDS
from dockfleet.resuming import ResumingStream
from dockfleet.selectors import container_selector, host_selector, labelled, requirements
from dockfleet.specs import container_spec, pulled_tag
from dockfleet.v1 import (
    common_pb2,
    container_config_pb2,
    containers_pb2,
    images_pb2,
    networks_pb2,
    oci_pb2,
    system_pb2,
    volumes_pb2,
)

if TYPE_CHECKING:  # many types, which only annotations name
    from dockfleet import dicts, forms


class FleetContainers(Service):
    """The containers of many hosts."""

    def list(
        self,
        *,
        hosts: forms.Selection | None = None,
        host_label: forms.Selection | None = None,
        host_timeout: forms.Duration | None = None,
        all: bool | None = None,
        limit: int | None = None,
        size: bool | None = None,
        filters: forms.Filters | None = None,
        label: forms.Selection | None = None,
        max_age: forms.Duration | None = None,
        deadline: float | None = None,
    ) -> Found[containers_pb2.ContainerSummary, fleet_pb2.ListContainersAnswer]:
        """Lists the containers of many hosts.

        Arguments:

        - *hosts*: names of hosts; a `*` stands for any characters. Default: all hosts.
        - *host_label*: labels of hosts: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k` or `!k`.
        - *host_timeout*: how long one host may take. Default: the gateway's `limits.fan_out_timeout_seconds`.
        - *all*: lists also containers that are not running. Default: false.
        - *limit*: lists at most this number of containers: the newest ones, running or not. Default: no limit.
        - *size*: sets `size_rw_bytes` and `size_root_fs_bytes`, which is slow. Default: false.
        - *filters*: lists only containers that fit every key, each by one of its values. The keys are `ancestor`,
          `before`, `expose`, `exited`, `health`, `id`, `isolation`, `is-task`, `label`, `name`, `network`,
          `publish`, `since`, `status` and `volume`. Default: no filters.
        - *label*: labels of the objects: `k` or `k=v`.
        - *max_age*: answers from the gateway's inventory of the host, if that is not older than this. Default: the
          host is asked. In FleetService: the inventory answers, however old it is.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        return found(
            self.rpc("ListContainers")(
                hosts=host_selector(hosts, host_label),
                host_timeout=host_timeout,
                request={
                    "all": all,
                    "limit": limit,
                    "size": size,
                    "filters": labelled(filters, label),
                    "max_age": max_age,
                },
                deadline=deadline,
            ),
            lambda answer: answer.response.containers,
        )

    def find(
        self,
        names: forms.Selection | None = None,
        *,
        hosts: forms.Selection | None = None,
        host_label: forms.Selection | None = None,
        label: forms.Selection | None = None,
        images: forms.Selection | None = None,
        states: forms.Selection | None = None,
        published_ports: Sequence[int] | None = None,
        deadline: float | None = None,
    ) -> Found[containers_pb2.ContainerSummary, fleet_pb2.FindContainersAnswer]:
        """Finds containers, by name, id prefix, label, image, state or published port: where is `web-1`? It answers
        from the gateway's inventory.

        Arguments:

        - *hosts*: names of hosts; a `*` stands for any characters. Default: all hosts.
        - *host_label*: labels of hosts: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k` or `!k`.
        - *names*: names or ids of containers; a `*` stands for any characters.
        - *label*: labels of containers: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k` or `!k`.
        - *images*: images that containers were created from.
        - *states*: states, such as `running` or `exited`.
        - *published_ports*: ports of the host.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        return found(
            self.rpc("FindContainers")(
                hosts=host_selector(hosts, host_label),
                containers=container_selector(names, label, images, states, published_ports, True),
                deadline=deadline,
            ),
            lambda answer: answer.containers,
        )

    def watch(
        self,
        names: forms.Selection | None = None,
        *,
        hosts: forms.Selection | None = None,
        host_label: forms.Selection | None = None,
        label: forms.Selection | None = None,
        images: forms.Selection | None = None,
        states: forms.Selection | None = None,
        published_ports: Sequence[int] | None = None,
        resume_token: bytes | None = None,
        retry_seconds: float = RETRY_SECONDS,
        deadline: float | None = None,
    ) -> ResumingStream[fleet_pb2.WatchContainersResponse]:
        """Follows the containers that are selected: first all of them, then every change.

        For each host there is one `synced` after its first containers. While a host does not respond, its containers
        stay as they were, and a `stale` reports it. When the host responds again, the missed changes follow, and a
        `synced`. A call with the token of the last response continues there, at this gateway or at another, with the
        changes since then. When the gateway does not have these any more, it sends a `forget` and all containers of
        that host.

        Arguments:

        - *hosts*: names of hosts; a `*` stands for any characters. Default: all hosts.
        - *host_label*: labels of hosts: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k` or `!k`.
        - *names*: names or ids of containers; a `*` stands for any characters.
        - *label*: labels of containers: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k` or `!k`.
        - *images*: images that containers were created from.
        - *states*: states, such as `running` or `exited`.
        - *published_ports*: ports of the host.
        - *resume_token*: continues after the response that carried this token.
        - *retry_seconds*: for how long a broken stream is called again; 0 is never
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        return self._resuming(
            "WatchContainers",
            retry_seconds,
            deadline,
            hosts=host_selector(hosts, host_label),
            containers=container_selector(names, label, images, states, published_ports, True),
            resume_token=resume_token,
        )

    def logs(
        self,
        names: forms.Selection | None = None,
        *,
        hosts: forms.Selection | None = None,
        host_label: forms.Selection | None = None,
        label: forms.Selection | None = None,
        images: forms.Selection | None = None,
        states: forms.Selection | None = None,
        published_ports: Sequence[int] | None = None,
        follow: bool | None = None,
        stdout: bool | None = None,
        stderr: bool | None = None,
        since: forms.Time | None = None,
        until: forms.Time | None = None,
        timestamps: bool | None = None,
        tail: int | Literal["all"] | None = None,
        details: bool | None = None,
        follow_restarts: bool | None = None,
        strict: bool | None = None,
        max_wait: forms.Duration | None = None,
        resume_token: bytes | None = None,
        retry_seconds: float = RETRY_SECONDS,
        deadline: float | None = None,
    ) -> ResumingStream[fleet_pb2.StreamLogsResponse]:
        """Streams the logs of all containers that are selected, in the order of their times.

        A record waits for older records of other containers, at most `max_wait`. A container that sends nothing in
        this time no longer delays the others: a `stalled` names it, and its records come late, after a `resumed`.
        Containers that are started later join; those that end or are removed leave. A call with the token of the
        last response continues all logs there, at this gateway or at another.

        The engines' clocks order the records: hosts should have the same time. Where they do not, what was written
        before comes in the order of these times, what is written now comes at once, and nothing is lost or repeated.
        `since` and `until` are by the clock of each host.

        With `until`, the stream does not wait for hosts that are down then, nor, for longer than
        `limits.fan_out_timeout_seconds`, for hosts that do not answer: their logs end with a failure.

        Arguments:

        - *hosts*: names of hosts; a `*` stands for any characters. Default: all hosts.
        - *host_label*: labels of hosts: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k` or `!k`.
        - *names*: names or ids of containers; a `*` stands for any characters.
        - *label*: labels of containers: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k` or `!k`.
        - *images*: images that containers were created from.
        - *states*: states, such as `running` or `exited`.
        - *published_ports*: ports of the host.
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
        - *follow_restarts*: with `follow`, continues when the container is started again, with a `restarted` between
          the runs. Default: false, the stream ends with the container's process.
        - *strict*: fails with DATA_LOSS, reason GAP, where there would be a `gap`. Default: false.
        - *max_wait*: how long a record waits at most for older ones of other containers. Default: 1 second.
        - *resume_token*: continues after the response that carried this token.
        - *retry_seconds*: for how long a broken stream is called again; 0 is never
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        return self._resuming(
            "StreamLogs",
            retry_seconds,
            deadline,
            hosts=host_selector(hosts, host_label),
            containers=container_selector(names, label, images, states, published_ports, True),
            request={
                "follow": follow,
                "stdout": stdout,
                "stderr": stderr,
                "since": since,
                "until": until,
                "timestamps": timestamps,
                "tail": tail,
                "details": details,
                "follow_restarts": follow_restarts,
                "strict": strict,
            },
            max_wait=max_wait,
            resume_token=resume_token,
        )

    def stats(
        self,
        names: forms.Selection | None = None,
        *,
        hosts: forms.Selection | None = None,
        host_label: forms.Selection | None = None,
        label: forms.Selection | None = None,
        images: forms.Selection | None = None,
        states: forms.Selection | None = None,
        published_ports: Sequence[int] | None = None,
        stream: bool | None = None,
        one_shot: bool | None = None,
        retry_seconds: float = RETRY_SECONDS,
        deadline: float | None = None,
    ) -> ResumingStream[fleet_pb2.StreamStatsResponse]:
        """Streams samples of all running containers that are selected. Containers that are started later join.

        Arguments:

        - *hosts*: names of hosts; a `*` stands for any characters. Default: all hosts.
        - *host_label*: labels of hosts: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k` or `!k`.
        - *names*: names or ids of containers; a `*` stands for any characters.
        - *label*: labels of containers: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k` or `!k`.
        - *images*: images that containers were created from.
        - *states*: states, such as `running` or `exited`.
        - *published_ports*: ports of the host.
        - *stream*: continues with a sample about every second; false asks for one sample. Default: true.
        - *one_shot*: accepts one sample without `precpu_stats`, which saves a second. Only with `stream` false.
          Default: false.
        - *retry_seconds*: for how long a broken stream is called again; 0 is never
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        return self._resuming(
            "StreamStats",
            retry_seconds,
            deadline,
            hosts=host_selector(hosts, host_label),
            containers=container_selector(names, label, images, states, published_ports, True),
            request={"stream": stream, "one_shot": one_shot},
        )

    def run(
        self,
        image: str,
        command: forms.Command | None = None,
        *,
        hosts: forms.Selection | None = None,
        host_label: forms.Selection | None = None,
        placement: fleet_pb2.Placement | dicts.FleetPlacementDict | None = None,
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
        registry_auth: common_pb2.AuthConfig | dicts.AuthConfigDict | None = None,
        pull: containers_pb2.PullPolicy.ValueType
        | Literal["PULL_POLICY_UNSPECIFIED", "PULL_POLICY_MISSING", "PULL_POLICY_ALWAYS", "PULL_POLICY_NEVER"]
        | None = None,
        detach: bool | None = None,
        slow_reader: common_pb2.SlowReader.ValueType
        | Literal["SLOW_READER_UNSPECIFIED", "SLOW_READER_WAIT", "SLOW_READER_DROP", "SLOW_READER_CLOSE"]
        | None = None,
        check: bool = True,
        progress: Callable[[common_pb2.Progress], object] | None = None,
        deadline: float | None = None,
    ) -> RunResult:
        """Runs a container on the host that fits best, among those that are selected: see Placement.

        The first response says which host that is, and why; the others are those of `containers.run` of a host.

        Raises, of `dockfleet.reasons`:
        - `NoHostFits`: no selected host can take the container. The message says why, host by host.

        Arguments:

        - *image*: the image: a reference or an id.
        - *hosts*: names of hosts; a `*` stands for any characters. Default: all hosts.
        - *host_label*: labels of hosts: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k` or `!k`.
        - *placement*: how the host is chosen.
        - *name*: the name of the new container. Default: the engine makes one up.
        - *platform*: the platform to pull, and that the image must be for, as `os[/arch[/variant]]`. Default: the
          host's own is preferred.
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
        - *config*: what else the container has, or all of it.
        - *registry_auth*: credentials for the pull. Default: the pull is anonymous.
        - *pull*: when to pull the image. Default: PULL_POLICY_MISSING.
        - *detach*: ends the call after the start, without output and exit code. Default: false.
        - *slow_reader*: what happens when this client reads more slowly than the container writes. When this ends
          the call, the container continues to run. Values other than SLOW_READER_WAIT work as in
          AttachContainerStart. Default: SLOW_READER_WAIT.
        - *check*: raise `ContainerFailed` when the container does not end with the exit code 0
        - *progress*: is called with each report of progress
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        return ran(
            self.rpc("RunContainer")(
                hosts=host_selector(hosts, host_label),
                placement=placement,
                request={
                    "name": name,
                    "platform": platform,
                    "config": container_spec(
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
                    "registry_auth": registry_auth,
                    "pull": pull,
                    "detach": detach,
                    "slow_reader": slow_reader,
                },
                deadline=deadline,
            ),
            "",
            check,
            bool(detach),
            progress,
        )

    def run_on_each(
        self,
        image: str,
        command: forms.Command | None = None,
        *,
        hosts: forms.Selection | None = None,
        host_label: forms.Selection | None = None,
        batch: fleet_pb2.BatchOptions | dicts.FleetBatchOptionsDict | None = None,
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
        registry_auth: common_pb2.AuthConfig | dicts.AuthConfigDict | None = None,
        pull: containers_pb2.PullPolicy.ValueType
        | Literal["PULL_POLICY_UNSPECIFIED", "PULL_POLICY_MISSING", "PULL_POLICY_ALWAYS", "PULL_POLICY_NEVER"]
        | None = None,
        detach: bool | None = None,
        slow_reader: common_pb2.SlowReader.ValueType
        | Literal["SLOW_READER_UNSPECIFIED", "SLOW_READER_WAIT", "SLOW_READER_DROP", "SLOW_READER_CLOSE"]
        | None = None,
        check: bool = True,
        progress: Callable[[fleet_pb2.RunContainersResult], object] | None = None,
        deadline: float | None = None,
    ) -> Batch[fleet_pb2.RunContainersResult]:
        """Runs one container on every host: an agent, for example. Images are pulled as `request.pull` says.

        Arguments:

        - *image*: the image: a reference or an id.
        - *hosts*: names of hosts; a `*` stands for any characters. Default: all hosts.
        - *host_label*: labels of hosts: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k` or `!k`.
        - *batch*: how to proceed.
        - *name*: the name of the new container. Default: the engine makes one up.
        - *platform*: the platform to pull, and that the image must be for, as `os[/arch[/variant]]`. Default: the
          host's own is preferred.
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
        - *config*: what else the container has, or all of it.
        - *registry_auth*: credentials for the pull. Default: the pull is anonymous.
        - *pull*: when to pull the image. Default: PULL_POLICY_MISSING.
        - *detach*: ends the call after the start, without output and exit code. Default: false.
        - *slow_reader*: what happens when this client reads more slowly than the container writes. When this ends
          the call, the container continues to run. Values other than SLOW_READER_WAIT work as in
          AttachContainerStart. Default: SLOW_READER_WAIT.
        - *check*: raise `FleetFailed` when something fails, after all is done; its `results` has all results
        - *progress*: is called with each result, as it comes
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        return changed(
            self.rpc("RunContainers")(
                hosts=host_selector(hosts, host_label),
                batch=batch,
                request={
                    "name": name,
                    "platform": platform,
                    "config": container_spec(
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
                    "registry_auth": registry_auth,
                    "pull": pull,
                    "detach": detach,
                    "slow_reader": slow_reader,
                },
                deadline=deadline,
            ),
            check,
            progress,
        )

    def start(
        self,
        names: forms.Selection | None = None,
        *,
        hosts: forms.Selection | None = None,
        host_label: forms.Selection | None = None,
        label: forms.Selection | None = None,
        images: forms.Selection | None = None,
        states: forms.Selection | None = None,
        published_ports: Sequence[int] | None = None,
        every: bool = False,
        batch: fleet_pb2.BatchOptions | dicts.FleetBatchOptionsDict | None = None,
        detach_keys: str | None = None,
        check: bool = True,
        progress: Callable[[fleet_pb2.StartContainersResult], object] | None = None,
        deadline: float | None = None,
    ) -> Batch[fleet_pb2.StartContainersResult]:
        """Starts containers.

        Arguments:

        - *hosts*: names of hosts; a `*` stands for any characters. Default: all hosts.
        - *host_label*: labels of hosts: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k` or `!k`.
        - *names*: names or ids of containers; a `*` stands for any characters.
        - *label*: labels of containers: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k` or `!k`.
        - *images*: images that containers were created from.
        - *states*: states, such as `running` or `exited`.
        - *published_ports*: ports of the host.
        - *every*: all containers, when nothing else selects them.
        - *batch*: how to proceed.
        - *detach_keys*: the keys that end a session and leave the process running, such as `ctrl-p,ctrl-q`: letters,
          or `ctrl-` with a letter or one of `@ ^ [ , _`. Default: the engine's own.
        - *check*: raise `FleetFailed` when something fails, after all is done; its `results` has all results
        - *progress*: is called with each result, as it comes
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        return changed(
            self.rpc("StartContainers")(
                hosts=host_selector(hosts, host_label),
                containers=container_selector(names, label, images, states, published_ports, every),
                batch=batch,
                request={"detach_keys": detach_keys},
                deadline=deadline,
            ),
            check,
            progress,
        )

    def stop(
        self,
        names: forms.Selection | None = None,
        *,
        hosts: forms.Selection | None = None,
        host_label: forms.Selection | None = None,
        label: forms.Selection | None = None,
        images: forms.Selection | None = None,
        states: forms.Selection | None = None,
        published_ports: Sequence[int] | None = None,
        every: bool = False,
        batch: fleet_pb2.BatchOptions | dicts.FleetBatchOptionsDict | None = None,
        signal: str | None = None,
        timeout: int | None = None,
        check: bool = True,
        progress: Callable[[fleet_pb2.StopContainersResult], object] | None = None,
        deadline: float | None = None,
    ) -> Batch[fleet_pb2.StopContainersResult]:
        """Stops containers.

        Arguments:

        - *hosts*: names of hosts; a `*` stands for any characters. Default: all hosts.
        - *host_label*: labels of hosts: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k` or `!k`.
        - *names*: names or ids of containers; a `*` stands for any characters.
        - *label*: labels of containers: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k` or `!k`.
        - *images*: images that containers were created from.
        - *states*: states, such as `running` or `exited`.
        - *published_ports*: ports of the host.
        - *every*: all containers, when nothing else selects them.
        - *batch*: how to proceed.
        - *signal*: the signal that asks the process to end, such as `SIGINT` or `2`. Default: the container's own.
        - *timeout*: seconds until the process is killed: 0 is at once, -1 is never. Default: the container's own,
          usually 10.
        - *check*: raise `FleetFailed` when something fails, after all is done; its `results` has all results
        - *progress*: is called with each result, as it comes
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        return changed(
            self.rpc("StopContainers")(
                hosts=host_selector(hosts, host_label),
                containers=container_selector(names, label, images, states, published_ports, every),
                batch=batch,
                request={"signal": signal, "timeout_seconds": timeout},
                deadline=deadline,
            ),
            check,
            progress,
        )

    def restart(
        self,
        names: forms.Selection | None = None,
        *,
        hosts: forms.Selection | None = None,
        host_label: forms.Selection | None = None,
        label: forms.Selection | None = None,
        images: forms.Selection | None = None,
        states: forms.Selection | None = None,
        published_ports: Sequence[int] | None = None,
        every: bool = False,
        batch: fleet_pb2.BatchOptions | dicts.FleetBatchOptionsDict | None = None,
        signal: str | None = None,
        timeout: int | None = None,
        check: bool = True,
        progress: Callable[[fleet_pb2.RestartContainersResult], object] | None = None,
        deadline: float | None = None,
    ) -> Batch[fleet_pb2.RestartContainersResult]:
        """Restarts containers.

        Arguments:

        - *hosts*: names of hosts; a `*` stands for any characters. Default: all hosts.
        - *host_label*: labels of hosts: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k` or `!k`.
        - *names*: names or ids of containers; a `*` stands for any characters.
        - *label*: labels of containers: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k` or `!k`.
        - *images*: images that containers were created from.
        - *states*: states, such as `running` or `exited`.
        - *published_ports*: ports of the host.
        - *every*: all containers, when nothing else selects them.
        - *batch*: how to proceed.
        - *signal*: the signal that asks the process to end, such as `SIGINT` or `2`. Default: the container's own.
        - *timeout*: seconds until the process is killed: 0 is at once, -1 is never. Default: the container's own,
          usually 10.
        - *check*: raise `FleetFailed` when something fails, after all is done; its `results` has all results
        - *progress*: is called with each result, as it comes
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        return changed(
            self.rpc("RestartContainers")(
                hosts=host_selector(hosts, host_label),
                containers=container_selector(names, label, images, states, published_ports, every),
                batch=batch,
                request={"signal": signal, "timeout_seconds": timeout},
                deadline=deadline,
            ),
            check,
            progress,
        )

    def kill(
        self,
        names: forms.Selection | None = None,
        *,
        hosts: forms.Selection | None = None,
        host_label: forms.Selection | None = None,
        label: forms.Selection | None = None,
        images: forms.Selection | None = None,
        states: forms.Selection | None = None,
        published_ports: Sequence[int] | None = None,
        every: bool = False,
        batch: fleet_pb2.BatchOptions | dicts.FleetBatchOptionsDict | None = None,
        signal: str | int | None = None,
        check: bool = True,
        progress: Callable[[fleet_pb2.KillContainersResult], object] | None = None,
        deadline: float | None = None,
    ) -> Batch[fleet_pb2.KillContainersResult]:
        """Sends a signal to containers.

        Arguments:

        - *hosts*: names of hosts; a `*` stands for any characters. Default: all hosts.
        - *host_label*: labels of hosts: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k` or `!k`.
        - *names*: names or ids of containers; a `*` stands for any characters.
        - *label*: labels of containers: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k` or `!k`.
        - *images*: images that containers were created from.
        - *states*: states, such as `running` or `exited`.
        - *published_ports*: ports of the host.
        - *every*: all containers, when nothing else selects them.
        - *batch*: how to proceed.
        - *signal*: the signal by name or number, such as `SIGHUP` or `1`. Default: SIGKILL.
        - *check*: raise `FleetFailed` when something fails, after all is done; its `results` has all results
        - *progress*: is called with each result, as it comes
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        return changed(
            self.rpc("KillContainers")(
                hosts=host_selector(hosts, host_label),
                containers=container_selector(names, label, images, states, published_ports, every),
                batch=batch,
                request={"signal": signal},
                deadline=deadline,
            ),
            check,
            progress,
        )

    def pause(
        self,
        names: forms.Selection | None = None,
        *,
        hosts: forms.Selection | None = None,
        host_label: forms.Selection | None = None,
        label: forms.Selection | None = None,
        images: forms.Selection | None = None,
        states: forms.Selection | None = None,
        published_ports: Sequence[int] | None = None,
        every: bool = False,
        batch: fleet_pb2.BatchOptions | dicts.FleetBatchOptionsDict | None = None,
        check: bool = True,
        progress: Callable[[fleet_pb2.PauseContainersResult], object] | None = None,
        deadline: float | None = None,
    ) -> Batch[fleet_pb2.PauseContainersResult]:
        """Suspends the processes of containers.

        Arguments:

        - *hosts*: names of hosts; a `*` stands for any characters. Default: all hosts.
        - *host_label*: labels of hosts: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k` or `!k`.
        - *names*: names or ids of containers; a `*` stands for any characters.
        - *label*: labels of containers: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k` or `!k`.
        - *images*: images that containers were created from.
        - *states*: states, such as `running` or `exited`.
        - *published_ports*: ports of the host.
        - *every*: all containers, when nothing else selects them.
        - *batch*: how to proceed.
        - *check*: raise `FleetFailed` when something fails, after all is done; its `results` has all results
        - *progress*: is called with each result, as it comes
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        return changed(
            self.rpc("PauseContainers")(
                hosts=host_selector(hosts, host_label),
                containers=container_selector(names, label, images, states, published_ports, every),
                batch=batch,
                request={},
                deadline=deadline,
            ),
            check,
            progress,
        )

    def unpause(
        self,
        names: forms.Selection | None = None,
        *,
        hosts: forms.Selection | None = None,
        host_label: forms.Selection | None = None,
        label: forms.Selection | None = None,
        images: forms.Selection | None = None,
        states: forms.Selection | None = None,
        published_ports: Sequence[int] | None = None,
        every: bool = False,
        batch: fleet_pb2.BatchOptions | dicts.FleetBatchOptionsDict | None = None,
        check: bool = True,
        progress: Callable[[fleet_pb2.UnpauseContainersResult], object] | None = None,
        deadline: float | None = None,
    ) -> Batch[fleet_pb2.UnpauseContainersResult]:
        """Lets the processes of paused containers run again.

        Arguments:

        - *hosts*: names of hosts; a `*` stands for any characters. Default: all hosts.
        - *host_label*: labels of hosts: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k` or `!k`.
        - *names*: names or ids of containers; a `*` stands for any characters.
        - *label*: labels of containers: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k` or `!k`.
        - *images*: images that containers were created from.
        - *states*: states, such as `running` or `exited`.
        - *published_ports*: ports of the host.
        - *every*: all containers, when nothing else selects them.
        - *batch*: how to proceed.
        - *check*: raise `FleetFailed` when something fails, after all is done; its `results` has all results
        - *progress*: is called with each result, as it comes
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        return changed(
            self.rpc("UnpauseContainers")(
                hosts=host_selector(hosts, host_label),
                containers=container_selector(names, label, images, states, published_ports, every),
                batch=batch,
                request={},
                deadline=deadline,
            ),
            check,
            progress,
        )

    def update(
        self,
        names: forms.Selection | None = None,
        *,
        hosts: forms.Selection | None = None,
        host_label: forms.Selection | None = None,
        label: forms.Selection | None = None,
        images: forms.Selection | None = None,
        states: forms.Selection | None = None,
        published_ports: Sequence[int] | None = None,
        every: bool = False,
        batch: fleet_pb2.BatchOptions | dicts.FleetBatchOptionsDict | None = None,
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
        check: bool = True,
        progress: Callable[[fleet_pb2.UpdateContainersResult], object] | None = None,
        deadline: float | None = None,
    ) -> Batch[fleet_pb2.UpdateContainersResult]:
        """Changes the resources or the restart policy of containers.

        Arguments:

        - *hosts*: names of hosts; a `*` stands for any characters. Default: all hosts.
        - *host_label*: labels of hosts: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k` or `!k`.
        - *names*: names or ids of containers; a `*` stands for any characters.
        - *label*: labels of containers: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k` or `!k`.
        - *images*: images that containers were created from.
        - *states*: states, such as `running` or `exited`.
        - *published_ports*: ports of the host.
        - *every*: all containers, when nothing else selects them.
        - *batch*: how to proceed.
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
        - *check*: raise `FleetFailed` when something fails, after all is done; its `results` has all results
        - *progress*: is called with each result, as it comes
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        return changed(
            self.rpc("UpdateContainers")(
                hosts=host_selector(hosts, host_label),
                containers=container_selector(names, label, images, states, published_ports, every),
                batch=batch,
                request={
                    "restart_policy": restart_policy,
                    "nano_cpus": nano_cpus,
                    "cpu_shares": cpu_shares,
                    "cpu_period_microseconds": cpu_period_microseconds,
                    "cpu_quota_microseconds": cpu_quota_microseconds,
                    "cpu_realtime_period_microseconds": cpu_realtime_period_microseconds,
                    "cpu_realtime_runtime_microseconds": cpu_realtime_runtime_microseconds,
                    "cpuset_cpus": cpuset_cpus,
                    "cpuset_mems": cpuset_mems,
                    "memory_bytes": memory_bytes,
                    "memory_reservation_bytes": memory_reservation_bytes,
                    "memory_swap_bytes": memory_swap_bytes,
                    "pids_limit": pids_limit,
                    "blkio_weight": blkio_weight,
                    "blkio_weight_device": blkio_weight_device,
                    "blkio_device_read_bps": blkio_device_read_bps,
                    "blkio_device_write_bps": blkio_device_write_bps,
                    "blkio_device_read_iops": blkio_device_read_iops,
                    "blkio_device_write_iops": blkio_device_write_iops,
                    "cgroup_parent": cgroup_parent,
                    "memory_swappiness": memory_swappiness,
                    "oom_kill_disable": oom_kill_disable,
                    "init": init,
                    "ulimits": ulimits,
                    "devices": devices,
                    "device_cgroup_rules": device_cgroup_rules,
                    "device_requests": device_requests,
                    "cpu_count": cpu_count,
                    "cpu_percent": cpu_percent,
                    "io_maximum_iops": io_maximum_iops,
                    "io_maximum_bandwidth": io_maximum_bandwidth,
                    "kernel_memory_bytes": kernel_memory_bytes,
                    "kernel_memory_tcp_bytes": kernel_memory_tcp_bytes,
                },
                deadline=deadline,
            ),
            check,
            progress,
        )

    def remove(
        self,
        names: forms.Selection | None = None,
        *,
        hosts: forms.Selection | None = None,
        host_label: forms.Selection | None = None,
        label: forms.Selection | None = None,
        images: forms.Selection | None = None,
        states: forms.Selection | None = None,
        published_ports: Sequence[int] | None = None,
        every: bool = False,
        batch: fleet_pb2.BatchOptions | dicts.FleetBatchOptionsDict | None = None,
        remove_volumes: bool | None = None,
        force: bool | None = None,
        link: bool | None = None,
        check: bool = True,
        progress: Callable[[fleet_pb2.RemoveContainersResult], object] | None = None,
        deadline: float | None = None,
    ) -> Batch[fleet_pb2.RemoveContainersResult]:
        """Removes containers.

        Arguments:

        - *hosts*: names of hosts; a `*` stands for any characters. Default: all hosts.
        - *host_label*: labels of hosts: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k` or `!k`.
        - *names*: names or ids of containers; a `*` stands for any characters.
        - *label*: labels of containers: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k` or `!k`.
        - *images*: images that containers were created from.
        - *states*: states, such as `running` or `exited`.
        - *published_ports*: ports of the host.
        - *every*: all containers, when nothing else selects them.
        - *batch*: how to proceed.
        - *remove_volumes*: removes also its anonymous volumes, and the data in them. Default: false.
        - *force*: kills the container first if it runs. Default: false.
        - *link*: removes a link between two containers instead of a container; `id` then names the link as
          `/container/alias`, as `containers.list` does. Default: false.
        - *check*: raise `FleetFailed` when something fails, after all is done; its `results` has all results
        - *progress*: is called with each result, as it comes
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        return changed(
            self.rpc("RemoveContainers")(
                hosts=host_selector(hosts, host_label),
                containers=container_selector(names, label, images, states, published_ports, every),
                batch=batch,
                request={"remove_volumes": remove_volumes, "force": force, "link": link},
                deadline=deadline,
            ),
            check,
            progress,
        )

    def prune(
        self,
        *,
        hosts: forms.Selection | None = None,
        host_label: forms.Selection | None = None,
        batch: fleet_pb2.BatchOptions | dicts.FleetBatchOptionsDict | None = None,
        filters: forms.Filters | None = None,
        check: bool = True,
        progress: Callable[[fleet_pb2.PruneContainersResult], object] | None = None,
        deadline: float | None = None,
    ) -> Batch[fleet_pb2.PruneContainersResult]:
        """Removes the stopped containers of every host.

        Arguments:

        - *hosts*: names of hosts; a `*` stands for any characters. Default: all hosts.
        - *host_label*: labels of hosts: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k` or `!k`.
        - *batch*: how to proceed.
        - *filters*: removes only containers that fit. `until`: created before a time, or longer ago than a duration
          such as `10m` or `1h30m` by the host's clock. `label` and `label!`: `key` or `key=value`, which they have
          or do not have. Default: no filters.
        - *check*: raise `FleetFailed` when something fails, after all is done; its `results` has all results
        - *progress*: is called with each result, as it comes
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        return changed(
            self.rpc("PruneContainers")(
                hosts=host_selector(hosts, host_label), batch=batch, request={"filters": filters}, deadline=deadline
            ),
            check,
            progress,
        )


class FleetImages(Service):
    """The images of many hosts."""

    def list(
        self,
        *,
        hosts: forms.Selection | None = None,
        host_label: forms.Selection | None = None,
        host_timeout: forms.Duration | None = None,
        all: bool | None = None,
        filters: forms.Filters | None = None,
        label: forms.Selection | None = None,
        shared_size: bool | None = None,
        digests: bool | None = None,
        manifests: bool | None = None,
        identity: bool | None = None,
        max_age: forms.Duration | None = None,
        deadline: float | None = None,
    ) -> Found[images_pb2.ImageSummary, fleet_pb2.ListImagesAnswer]:
        """Lists the images of many hosts.

        Arguments:

        - *hosts*: names of hosts; a `*` stands for any characters. Default: all hosts.
        - *host_label*: labels of hosts: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k` or `!k`.
        - *host_timeout*: how long one host may take. Default: the gateway's `limits.fan_out_timeout_seconds`.
        - *all*: lists also the images without a name that others were built on. Default: false.
        - *filters*: lists only images that fit. `before` and `since`: an image that they are older or newer than.
          `dangling`: `true` for images without a name. `label`: `name` or `name=value`. `reference`: a name, which
          may have wildcards. `until`: a time before which they were created (from 1.44). Default: no filters.
        - *label*: labels of the objects: `k` or `k=v`.
        - *shared_size*: calculates `shared_size_bytes`, which takes the engine some time. Default: false.
        - *digests*: sets `repo_digests`. Engines set it in any case. Default: false.
        - *manifests*: sets `manifests`. Default: false.
        - *identity*: sets `identity` in each manifest. Needs `manifests`. Default: false.
        - *max_age*: answers from the gateway's inventory of the host, if that is not older than this. Default: the
          host is asked. In FleetService: the inventory answers, however old it is.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        return found(
            self.rpc("ListImages")(
                hosts=host_selector(hosts, host_label),
                host_timeout=host_timeout,
                request={
                    "all": all,
                    "filters": labelled(filters, label),
                    "shared_size": shared_size,
                    "digests": digests,
                    "manifests": manifests,
                    "identity": identity,
                    "max_age": max_age,
                },
                deadline=deadline,
            ),
            lambda answer: answer.response.images,
        )

    def pull(
        self,
        image: str,
        *,
        hosts: forms.Selection | None = None,
        host_label: forms.Selection | None = None,
        batch: fleet_pb2.BatchOptions | dicts.FleetBatchOptionsDict | None = None,
        tag: str | None = None,
        all_tags: bool = False,
        platform: str | None = None,
        registry_auth: common_pb2.AuthConfig | dicts.AuthConfigDict | None = None,
        check: bool = True,
        progress: Callable[[fleet_pb2.PullImagesResult], object] | None = None,
        deadline: float | None = None,
    ) -> Batch[fleet_pb2.PullImagesResult]:
        """Pulls an image on every host.

        Arguments:

        - *image*: the image: `repository`, `repository:tag` or `repository@digest`. Required.
        - *hosts*: names of hosts; a `*` stands for any characters. Default: all hosts.
        - *host_label*: labels of hosts: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k` or `!k`.
        - *batch*: how to proceed.
        - *tag*: the tag, or a digest. It replaces a tag in `image`; a digest in `image` has precedence over it.
          Default: what `image` says, and `latest` where it says nothing.
        - *all_tags*: pull all tags of the repository
        - *platform*: the platform to pull, as `os[/arch[/variant]]`. Default: the host's own.
        - *registry_auth*: credentials for the registry. Default: the pull is anonymous.
        - *check*: raise `FleetFailed` when something fails, after all is done; its `results` has all results
        - *progress*: is called with each result, as it comes
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        return changed(
            self.rpc("PullImages")(
                hosts=host_selector(hosts, host_label),
                batch=batch,
                request={
                    "image": image,
                    "tag": pulled_tag(image, tag, all_tags),
                    "platform": platform,
                    "registry_auth": registry_auth,
                },
                deadline=deadline,
            ),
            check,
            progress,
        )

    def copy(
        self,
        host: str,
        image: str,
        *,
        to: forms.Selection | None = None,
        to_label: forms.Selection | None = None,
        parallelism: int | None = None,
        check: bool = True,
        progress: Callable[[fleet_pb2.CopyImageResult], object] | None = None,
        deadline: float | None = None,
    ) -> Batch[fleet_pb2.CopyImageResult]:
        """Copies an image from one host to others, without a registry.

        The image streams through the gateway, which stores nothing. Hosts that have the image already are skipped.
        After the load, the gateway compares the id of the image with that of the source. An engine that keeps images
        in containerd gives an image another id than one that does not: there, the gateway compares layers, platform,
        time and configuration. Such an image must be copied by its name. A draining host has the failure
        HOST_DRAINING.

        Raises, of `dockfleet.reasons`:
        - `NotFound`: the source does not have the image.
        - `HostUnreachable`: the source cannot be reached.

        Arguments:

        - *host*: the host that has the image.
        - *image*: the image: its id, or a reference with which it can be saved. Copied by its id alone, the image
          has no name on the other hosts.
        - *to*: names of hosts; a `*` stands for any characters. Default: all hosts.
        - *to_label*: labels of hosts: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k` or `!k`.
        - *parallelism*: to how many hosts at once. Default: 8.
        - *check*: raise `FleetFailed` when something fails, after all is done; its `results` has all results
        - *progress*: is called with each result, as it comes
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        return changed(
            self.rpc("CopyImage")(
                host=host, image=image, to=host_selector(to, to_label), parallelism=parallelism, deadline=deadline
            ),
            check,
            progress,
        )

    def tag(
        self,
        name: str,
        repo: str,
        *,
        hosts: forms.Selection | None = None,
        host_label: forms.Selection | None = None,
        batch: fleet_pb2.BatchOptions | dicts.FleetBatchOptionsDict | None = None,
        tag: str | None = None,
        check: bool = True,
        progress: Callable[[fleet_pb2.TagImagesResult], object] | None = None,
        deadline: float | None = None,
    ) -> Batch[fleet_pb2.TagImagesResult]:
        """Gives an image another name on every host.

        Arguments:

        - *name*: the image.
        - *repo*: the repository of the new name, such as `registry.example.com:5000/team/app`. Required.
        - *hosts*: names of hosts; a `*` stands for any characters. Default: all hosts.
        - *host_label*: labels of hosts: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k` or `!k`.
        - *batch*: how to proceed.
        - *tag*: the tag of the new name. Default: `latest`.
        - *check*: raise `FleetFailed` when something fails, after all is done; its `results` has all results
        - *progress*: is called with each result, as it comes
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        return changed(
            self.rpc("TagImages")(
                hosts=host_selector(hosts, host_label),
                batch=batch,
                request={"name": name, "repo": repo, "tag": tag},
                deadline=deadline,
            ),
            check,
            progress,
        )

    def remove(
        self,
        name: str,
        *,
        hosts: forms.Selection | None = None,
        host_label: forms.Selection | None = None,
        batch: fleet_pb2.BatchOptions | dicts.FleetBatchOptionsDict | None = None,
        force: bool | None = None,
        no_prune: bool | None = None,
        platforms: Sequence[oci_pb2.OciPlatform | dicts.OciPlatformDict] | None = None,
        check: bool = True,
        progress: Callable[[fleet_pb2.RemoveImagesResult], object] | None = None,
        deadline: float | None = None,
    ) -> Batch[fleet_pb2.RemoveImagesResult]:
        """Removes an image from every host.

        Arguments:

        - *name*: the image. A name removes that name, an id removes the image.
        - *hosts*: names of hosts; a `*` stands for any characters. Default: all hosts.
        - *host_label*: labels of hosts: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k` or `!k`.
        - *batch*: how to proceed.
        - *force*: removes the image even if stopped containers use it or it has several names. Default: false.
        - *no_prune*: keeps the parents that have no name. Default: false.
        - *platforms*: removes only what the image has for these platforms. Default: all.
        - *check*: raise `FleetFailed` when something fails, after all is done; its `results` has all results
        - *progress*: is called with each result, as it comes
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        return changed(
            self.rpc("RemoveImages")(
                hosts=host_selector(hosts, host_label),
                batch=batch,
                request={"name": name, "force": force, "no_prune": no_prune, "platforms": platforms},
                deadline=deadline,
            ),
            check,
            progress,
        )

    def prune(
        self,
        *,
        hosts: forms.Selection | None = None,
        host_label: forms.Selection | None = None,
        batch: fleet_pb2.BatchOptions | dicts.FleetBatchOptionsDict | None = None,
        filters: forms.Filters | None = None,
        check: bool = True,
        progress: Callable[[fleet_pb2.PruneImagesResult], object] | None = None,
        deadline: float | None = None,
    ) -> Batch[fleet_pb2.PruneImagesResult]:
        """Removes the unused images of every host.

        Arguments:

        - *hosts*: names of hosts; a `*` stands for any characters. Default: all hosts.
        - *host_label*: labels of hosts: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k` or `!k`.
        - *batch*: how to proceed.
        - *filters*: removes only unused images that fit. `dangling`: `true` for images without a name, `false` for
          all. `until`: created before a time, or longer ago than a duration such as `24h`. `label` and `label!`:
          `name` or `name=value`, which they have or do not have. Default: `dangling` is `true`.
        - *check*: raise `FleetFailed` when something fails, after all is done; its `results` has all results
        - *progress*: is called with each result, as it comes
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        return changed(
            self.rpc("PruneImages")(
                hosts=host_selector(hosts, host_label), batch=batch, request={"filters": filters}, deadline=deadline
            ),
            check,
            progress,
        )

    def prune_build_caches(
        self,
        *,
        hosts: forms.Selection | None = None,
        host_label: forms.Selection | None = None,
        batch: fleet_pb2.BatchOptions | dicts.FleetBatchOptionsDict | None = None,
        all: bool | None = None,
        filters: forms.Filters | None = None,
        reserved_space_bytes: int | str | None = None,
        max_used_space_bytes: int | str | None = None,
        min_free_space_bytes: int | str | None = None,
        keep_storage_bytes: int | str | None = None,
        check: bool = True,
        progress: Callable[[fleet_pb2.PruneBuildCachesResult], object] | None = None,
        deadline: float | None = None,
    ) -> Batch[fleet_pb2.PruneBuildCachesResult]:
        """Removes the unused build cache of every host.

        Arguments:

        - *hosts*: names of hosts; a `*` stands for any characters. Default: all hosts.
        - *host_label*: labels of hosts: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k` or `!k`.
        - *batch*: how to proceed.
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
        - *check*: raise `FleetFailed` when something fails, after all is done; its `results` has all results
        - *progress*: is called with each result, as it comes
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        return changed(
            self.rpc("PruneBuildCaches")(
                hosts=host_selector(hosts, host_label),
                batch=batch,
                request={
                    "all": all,
                    "filters": filters,
                    "reserved_space_bytes": reserved_space_bytes,
                    "max_used_space_bytes": max_used_space_bytes,
                    "min_free_space_bytes": min_free_space_bytes,
                    "keep_storage_bytes": keep_storage_bytes,
                },
                deadline=deadline,
            ),
            check,
            progress,
        )


class FleetNetworks(Service):
    """The networks of many hosts."""

    def list(
        self,
        *,
        hosts: forms.Selection | None = None,
        host_label: forms.Selection | None = None,
        host_timeout: forms.Duration | None = None,
        filters: forms.Filters | None = None,
        label: forms.Selection | None = None,
        max_age: forms.Duration | None = None,
        deadline: float | None = None,
    ) -> Found[networks_pb2.Network, fleet_pb2.ListNetworksAnswer]:
        """Lists the networks of many hosts.

        Arguments:

        - *hosts*: names of hosts; a `*` stands for any characters. Default: all hosts.
        - *host_label*: labels of hosts: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k` or `!k`.
        - *host_timeout*: how long one host may take. Default: the gateway's `limits.fan_out_timeout_seconds`.
        - *filters*: lists only networks that fit. All filters must fit, each by one of its values. `dangling`:
          `true` for networks without a container. `driver`: its name. `id`: all of it, or a part. `label`: `name` or
          `name=value`. `name`: all of it, or a part. `scope`: `local`, `swarm` or `global`. `type`: `custom` or
          `builtin`. Default: no filters.
        - *label*: labels of the objects: `k` or `k=v`.
        - *max_age*: answers from the gateway's inventory of the host, if that is not older than this. Default: the
          host is asked. In FleetService: the inventory answers, however old it is.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        return found(
            self.rpc("ListNetworks")(
                hosts=host_selector(hosts, host_label),
                host_timeout=host_timeout,
                request={"filters": labelled(filters, label), "max_age": max_age},
                deadline=deadline,
            ),
            lambda answer: answer.response.networks,
        )

    def create(
        self,
        name: str,
        *,
        hosts: forms.Selection | None = None,
        host_label: forms.Selection | None = None,
        batch: fleet_pb2.BatchOptions | dicts.FleetBatchOptionsDict | None = None,
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
        check: bool = True,
        progress: Callable[[fleet_pb2.CreateNetworksResult], object] | None = None,
        deadline: float | None = None,
    ) -> Batch[fleet_pb2.CreateNetworksResult]:
        """Creates a network on every host.

        Arguments:

        - *name*: its name. Required.
        - *hosts*: names of hosts; a `*` stands for any characters. Default: all hosts.
        - *host_label*: labels of hosts: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k` or `!k`.
        - *batch*: how to proceed.
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
        - *check*: raise `FleetFailed` when something fails, after all is done; its `results` has all results
        - *progress*: is called with each result, as it comes
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        return changed(
            self.rpc("CreateNetworks")(
                hosts=host_selector(hosts, host_label),
                batch=batch,
                request={
                    "name": name,
                    "driver": driver,
                    "scope": scope,
                    "internal": internal,
                    "attachable": attachable,
                    "ingress": ingress,
                    "config_only": config_only,
                    "config_from": config_from,
                    "ipam": ipam,
                    "enable_ipv4": enable_ipv4,
                    "enable_ipv6": enable_ipv6,
                    "options": options,
                    "labels": labels,
                    "check_duplicate": check_duplicate,
                },
                deadline=deadline,
            ),
            check,
            progress,
        )

    def remove(
        self,
        *,
        hosts: forms.Selection | None = None,
        host_label: forms.Selection | None = None,
        batch: fleet_pb2.BatchOptions | dicts.FleetBatchOptionsDict | None = None,
        check: bool = True,
        progress: Callable[[fleet_pb2.RemoveNetworksResult], object] | None = None,
        deadline: float | None = None,
    ) -> Batch[fleet_pb2.RemoveNetworksResult]:
        """Removes a network from every host.

        Arguments:

        - *hosts*: names of hosts; a `*` stands for any characters. Default: all hosts.
        - *host_label*: labels of hosts: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k` or `!k`.
        - *batch*: how to proceed.
        - *check*: raise `FleetFailed` when something fails, after all is done; its `results` has all results
        - *progress*: is called with each result, as it comes
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        return changed(
            self.rpc("RemoveNetworks")(
                hosts=host_selector(hosts, host_label), batch=batch, request={}, deadline=deadline
            ),
            check,
            progress,
        )

    def prune(
        self,
        *,
        hosts: forms.Selection | None = None,
        host_label: forms.Selection | None = None,
        batch: fleet_pb2.BatchOptions | dicts.FleetBatchOptionsDict | None = None,
        filters: forms.Filters | None = None,
        check: bool = True,
        progress: Callable[[fleet_pb2.PruneNetworksResult], object] | None = None,
        deadline: float | None = None,
    ) -> Batch[fleet_pb2.PruneNetworksResult]:
        """Removes the unused networks of every host.

        Arguments:

        - *hosts*: names of hosts; a `*` stands for any characters. Default: all hosts.
        - *host_label*: labels of hosts: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k` or `!k`.
        - *batch*: how to proceed.
        - *filters*: removes only networks that fit. All filters must fit. `until`: created before a date, before a
          time in seconds since 1970, or longer ago than a duration such as `1h30m`. `label` and `label!`: `name` or
          `name=value`, which they have or do not have. Default: no filters.
        - *check*: raise `FleetFailed` when something fails, after all is done; its `results` has all results
        - *progress*: is called with each result, as it comes
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        return changed(
            self.rpc("PruneNetworks")(
                hosts=host_selector(hosts, host_label), batch=batch, request={"filters": filters}, deadline=deadline
            ),
            check,
            progress,
        )


class FleetVolumes(Service):
    """The volumes of many hosts."""

    def list(
        self,
        *,
        hosts: forms.Selection | None = None,
        host_label: forms.Selection | None = None,
        host_timeout: forms.Duration | None = None,
        filters: forms.Filters | None = None,
        label: forms.Selection | None = None,
        max_age: forms.Duration | None = None,
        deadline: float | None = None,
    ) -> Found[volumes_pb2.Volume, fleet_pb2.ListVolumesAnswer]:
        """Lists the volumes of many hosts.

        Arguments:

        - *hosts*: names of hosts; a `*` stands for any characters. Default: all hosts.
        - *host_label*: labels of hosts: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k` or `!k`.
        - *host_timeout*: how long one host may take. Default: the gateway's `limits.fan_out_timeout_seconds`.
        - *filters*: lists only volumes that fit. `dangling`: `true` for volumes that no container uses, `false` for
          the others. `driver`: its name. `label`: `name` or `name=value`. `name`: all of the name, or a part.
          Default: no filters.
        - *label*: labels of the objects: `k` or `k=v`.
        - *max_age*: answers from the gateway's inventory of the host, if that is not older than this. Default: the
          host is asked. In FleetService: the inventory answers, however old it is.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        return found(
            self.rpc("ListVolumes")(
                hosts=host_selector(hosts, host_label),
                host_timeout=host_timeout,
                request={"filters": labelled(filters, label), "max_age": max_age},
                deadline=deadline,
            ),
            lambda answer: answer.response.volumes,
        )

    def create(
        self,
        *,
        hosts: forms.Selection | None = None,
        host_label: forms.Selection | None = None,
        batch: fleet_pb2.BatchOptions | dicts.FleetBatchOptionsDict | None = None,
        name: str | None = None,
        driver: str | None = None,
        driver_opts: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
        cluster_volume_spec: volumes_pb2.ClusterVolumeSpec | dicts.ClusterVolumeSpecDict | None = None,
        check: bool = True,
        progress: Callable[[fleet_pb2.CreateVolumesResult], object] | None = None,
        deadline: float | None = None,
    ) -> Batch[fleet_pb2.CreateVolumesResult]:
        """Creates a volume on every host.

        Arguments:

        - *hosts*: names of hosts; a `*` stands for any characters. Default: all hosts.
        - *host_label*: labels of hosts: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k` or `!k`.
        - *batch*: how to proceed.
        - *name*: its name. Default: the engine makes one up, and the volume counts as anonymous.
        - *driver*: its driver. Default: `local`.
        - *driver_opts*: options of the driver. With `local` they are those of a mount (`type`, `device`, `o`). Root
          on the host with `local`, because its options can mount any path of the host. They may hold the password of
          a network share.
        - *labels*: Labels: name to value.
        - *cluster_volume_spec*: creates it as a volume of the cluster. The host must be a manager of a swarm.
        - *check*: raise `FleetFailed` when something fails, after all is done; its `results` has all results
        - *progress*: is called with each result, as it comes
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        return changed(
            self.rpc("CreateVolumes")(
                hosts=host_selector(hosts, host_label),
                batch=batch,
                request={
                    "name": name,
                    "driver": driver,
                    "driver_opts": driver_opts,
                    "labels": labels,
                    "cluster_volume_spec": cluster_volume_spec,
                },
                deadline=deadline,
            ),
            check,
            progress,
        )

    def remove(
        self,
        name: str,
        *,
        hosts: forms.Selection | None = None,
        host_label: forms.Selection | None = None,
        batch: fleet_pb2.BatchOptions | dicts.FleetBatchOptionsDict | None = None,
        force: bool | None = None,
        check: bool = True,
        progress: Callable[[fleet_pb2.RemoveVolumesResult], object] | None = None,
        deadline: float | None = None,
    ) -> Batch[fleet_pb2.RemoveVolumesResult]:
        """Removes a volume from every host.

        Arguments:

        - *name*: the name of the volume, or the id of a cluster volume.
        - *hosts*: names of hosts; a `*` stands for any characters. Default: all hosts.
        - *host_label*: labels of hosts: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k` or `!k`.
        - *batch*: how to proceed.
        - *force*: removes the volume from the engine even if its driver fails or is missing; a volume that does not
          exist is then not a failure. A volume in use remains. Default: false.
        - *check*: raise `FleetFailed` when something fails, after all is done; its `results` has all results
        - *progress*: is called with each result, as it comes
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        return changed(
            self.rpc("RemoveVolumes")(
                hosts=host_selector(hosts, host_label),
                batch=batch,
                request={"name": name, "force": force},
                deadline=deadline,
            ),
            check,
            progress,
        )

    def prune(
        self,
        *,
        hosts: forms.Selection | None = None,
        host_label: forms.Selection | None = None,
        batch: fleet_pb2.BatchOptions | dicts.FleetBatchOptionsDict | None = None,
        filters: forms.Filters | None = None,
        check: bool = True,
        progress: Callable[[fleet_pb2.PruneVolumesResult], object] | None = None,
        deadline: float | None = None,
    ) -> Batch[fleet_pb2.PruneVolumesResult]:
        """Removes the unused volumes of every host.

        Arguments:

        - *hosts*: names of hosts; a `*` stands for any characters. Default: all hosts.
        - *host_label*: labels of hosts: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k` or `!k`.
        - *batch*: how to proceed.
        - *filters*: removes only unused volumes that fit. `label` and `label!`: `name` or `name=value`, which they
          have or do not have. `all`: `true` to include named volumes (from 1.42; older hosts refuse it, because they
          always include them). Default: no filters.
        - *check*: raise `FleetFailed` when something fails, after all is done; its `results` has all results
        - *progress*: is called with each result, as it comes
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        return changed(
            self.rpc("PruneVolumes")(
                hosts=host_selector(hosts, host_label), batch=batch, request={"filters": filters}, deadline=deadline
            ),
            check,
            progress,
        )


class FleetSystem(Service):
    """Many hosts and their engines."""

    def info(
        self,
        *,
        hosts: forms.Selection | None = None,
        host_label: forms.Selection | None = None,
        host_timeout: forms.Duration | None = None,
        deadline: float | None = None,
    ) -> Found[system_pb2.EngineInfo, fleet_pb2.GetInfoAnswer]:
        """Returns information about many hosts and their engines.

        Arguments:

        - *hosts*: names of hosts; a `*` stands for any characters. Default: all hosts.
        - *host_label*: labels of hosts: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k` or `!k`.
        - *host_timeout*: how long one host may take. Default: the gateway's `limits.fan_out_timeout_seconds`.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        return found(
            self.rpc("GetInfo")(
                hosts=host_selector(hosts, host_label), host_timeout=host_timeout, request={}, deadline=deadline
            ),
            lambda answer: [answer.response.info] if answer.HasField("response") else [],
        )

    def version(
        self,
        *,
        hosts: forms.Selection | None = None,
        host_label: forms.Selection | None = None,
        host_timeout: forms.Duration | None = None,
        deadline: float | None = None,
    ) -> Found[system_pb2.EngineVersion, fleet_pb2.GetVersionAnswer]:
        """Returns the versions of many engines.

        Arguments:

        - *hosts*: names of hosts; a `*` stands for any characters. Default: all hosts.
        - *host_label*: labels of hosts: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k` or `!k`.
        - *host_timeout*: how long one host may take. Default: the gateway's `limits.fan_out_timeout_seconds`.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        return found(
            self.rpc("GetVersion")(
                hosts=host_selector(hosts, host_label), host_timeout=host_timeout, request={}, deadline=deadline
            ),
            lambda answer: [answer.response.version] if answer.HasField("response") else [],
        )

    def data_usage(
        self,
        *,
        hosts: forms.Selection | None = None,
        host_label: forms.Selection | None = None,
        host_timeout: forms.Duration | None = None,
        object_types: Sequence[str] | None = None,
        verbose: bool | None = None,
        deadline: float | None = None,
    ) -> Found[system_pb2.GetDataUsageResponse, fleet_pb2.GetDataUsageAnswer]:
        """Returns the disk usage of many hosts. It is expensive for each engine: set a suitable `host_timeout`.

        Arguments:

        - *hosts*: names of hosts; a `*` stands for any characters. Default: all hosts.
        - *host_label*: labels of hosts: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k` or `!k`.
        - *host_timeout*: how long one host may take. Default: the gateway's `limits.fan_out_timeout_seconds`.
        - *object_types*: the types of objects to add up: `container`, `image`, `volume`, `build-cache`. Default:
          all.
        - *verbose*: adds a list of the single objects, in the layout that came with 1.52. Default: false.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        return found(
            self.rpc("GetDataUsage")(
                hosts=host_selector(hosts, host_label),
                host_timeout=host_timeout,
                request={"object_types": object_types, "verbose": verbose},
                deadline=deadline,
            ),
            lambda answer: [answer.response] if answer.HasField("response") else [],
        )

    def ping(
        self,
        *,
        hosts: forms.Selection | None = None,
        host_label: forms.Selection | None = None,
        host_timeout: forms.Duration | None = None,
        deadline: float | None = None,
    ) -> Found[system_pb2.PingResponse, fleet_pb2.PingAnswer]:
        """Pings many engines.

        Arguments:

        - *hosts*: names of hosts; a `*` stands for any characters. Default: all hosts.
        - *host_label*: labels of hosts: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k` or `!k`.
        - *host_timeout*: how long one host may take. Default: the gateway's `limits.fan_out_timeout_seconds`.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        return found(
            self.rpc("Ping")(
                hosts=host_selector(hosts, host_label), host_timeout=host_timeout, request={}, deadline=deadline
            ),
            lambda answer: [answer.response] if answer.HasField("response") else [],
        )

    def events(
        self,
        *,
        hosts: forms.Selection | None = None,
        host_label: forms.Selection | None = None,
        since: forms.Time | None = None,
        until: forms.Time | None = None,
        filters: forms.Filters | None = None,
        max_wait: forms.Duration | None = None,
        resume_token: bytes | None = None,
        retry_seconds: float = RETRY_SECONDS,
        deadline: float | None = None,
    ) -> ResumingStream[fleet_pb2.StreamEventsResponse]:
        """Streams the events of all hosts that are selected, in the order of their times, as `containers.log_messages`
        does. Hosts that are added later join. After the headers of the call, no event is missed of a host that has
        answered within `max_wait`. With `until`, the stream does not wait for hosts that do not answer: see
        `containers.log_messages`.

        Arguments:

        - *hosts*: names of hosts; a `*` stands for any characters. Default: all hosts.
        - *host_label*: labels of hosts: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k` or `!k`.
        - *since*: includes past events, from this time on. Default: new events only, or with `until` all past events
          that the engine or the gateway keeps.
        - *until*: ends the stream at this time of the host's clock, at once if it has passed. Default: no end.
        - *filters*: returns only events that fit. All filters must fit, each by one of its values; of `label`, all
          values must fit. `type` and `event`: as `EngineEvent.type` and `EngineEvent.action`. `scope`: `local` or
          `swarm`. `label`: `name` or `name=value` of a container or an image. `image`: the name or id of an image;
          it fits its containers too. `config`, `container`, `daemon`, `network`, `node`, `plugin`, `secret`,
          `service` and `volume`: the name or id of an object of that kind, or the beginning of it. The gateway
          refuses other filters; engines ignore them. Default: no filters.
        - *max_wait*: how long an event waits at most for older ones of other hosts. Default: 1 second.
        - *resume_token*: continues after the response that carried this token.
        - *retry_seconds*: for how long a broken stream is called again; 0 is never
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        return self._resuming(
            "StreamEvents",
            retry_seconds,
            deadline,
            hosts=host_selector(hosts, host_label),
            request={"since": since, "until": until, "filters": filters},
            max_wait=max_wait,
            resume_token=resume_token,
        )


class FleetDiscovery(Service):
    """Where services can be reached."""

    def discover(
        self,
        *,
        hosts: forms.Selection | None = None,
        host_label: forms.Selection | None = None,
        services: Sequence[str] | None = None,
        label: forms.Selection | None = None,
        container_port: int | None = None,
        include_unhealthy: bool | None = None,
        deadline: float | None = None,
    ) -> fleet_pb2.DiscoverServicesResponse:
        """Finds the endpoints of services: running containers, with addresses, ports and health.

        Arguments:

        - *hosts*: names of hosts; a `*` stands for any characters. Default: all hosts.
        - *host_label*: labels of hosts: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k` or `!k`.
        - *services*: the names of the services. A `*` stands for any number of characters. At most 1000 names with
          1024 characters each, 50 of them with `*`. Empty: any service.
        - *label*: labels: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k` or `!k`.
        - *container_port*: only this port in the container.
        - *include_unhealthy*: also endpoints whose health is `starting` or `unhealthy`.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        response: fleet_pb2.DiscoverServicesResponse = self.rpc("DiscoverServices")(
            hosts=host_selector(hosts, host_label),
            services=services,
            labels=requirements(label),
            container_port=container_port,
            include_unhealthy=include_unhealthy,
            deadline=deadline,
        )
        return response

    def watch(
        self,
        *,
        services: fleet_pb2.DiscoverServicesRequest | dicts.FleetDiscoverServicesRequestDict | None = None,
        retry_seconds: float = RETRY_SECONDS,
        deadline: float | None = None,
    ) -> ResumingStream[fleet_pb2.WatchServicesResponse]:
        """Follows the endpoints of services: all endpoints at first, then every change. The endpoints of a host that is
        down are removed.

        Arguments:

        - *services*: which endpoints.
        - *retry_seconds*: for how long a broken stream is called again; 0 is never
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        return self._resuming("WatchServices", retry_seconds, deadline, services=services)


class Hosts(Service):
    """The hosts of the fleet and their states. The gateway answers from its memory: no call here but ProbeHost waits
    for a host.

    Hosts come from sources: the configuration, the calls of this service, a directory, docker contexts, etcd, Consul
    and DNS. When two sources have a host of the same name, the first in this order counts. A host that calls have
    added can be changed and removed by calls; any host can be drained. A source that does not answer keeps the hosts
    that it had.
    """

    def list(
        self,
        names: forms.Selection | None = None,
        *,
        label: forms.Selection | None = None,
        deadline: float | None = None,
    ) -> Listing[hosts_pb2.Host, hosts_pb2.ListHostsResponse]:
        """Lists hosts, reachable or not, by name.

        Raises, of `dockfleet.reasons`:
        - `UnknownHost`: the selector names a host that the gateway does not know.
        - `InvalidField`: the selector is malformed.

        Arguments:

        - *names*: names of hosts; a `*` stands for any characters. Default: all hosts.
        - *label*: labels of hosts: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k` or `!k`.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        response: hosts_pb2.ListHostsResponse = self.rpc("ListHosts")(
            selector=host_selector(names, label), deadline=deadline
        )
        return Listing(response.hosts, response)

    def get(self, host: str, *, deadline: float | None = None) -> hosts_pb2.Host:
        """Returns one host.

        Raises, of `dockfleet.reasons`:
        - `UnknownHost`: the gateway knows no host of this name.
        - `InvalidField`: the name is missing.

        Arguments:

        - *host*: the name of the host.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        response: hosts_pb2.GetHostResponse = self.rpc("GetHost")(host=host, deadline=deadline)
        return response.host

    def watch(
        self,
        names: forms.Selection | None = None,
        *,
        label: forms.Selection | None = None,
        retry_seconds: float = RETRY_SECONDS,
        deadline: float | None = None,
    ) -> ResumingStream[hosts_pb2.WatchHostsResponse]:
        """Follows the hosts that are selected: all of them at first, then every change. A host that changes often while
        the client does not read is sent once, in its latest state.

        Raises, of `dockfleet.reasons`:
        - `InvalidField`: the selector is malformed.

        Arguments:

        - *names*: names of hosts; a `*` stands for any characters. Default: all hosts.
        - *label*: labels of hosts: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k` or `!k`.
        - *retry_seconds*: for how long a broken stream is called again; 0 is never
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        return self._resuming("WatchHosts", retry_seconds, deadline, selector=host_selector(names, label))

    def add(
        self,
        name: str,
        address: str,
        *,
        labels: Mapping[str, str] | None = None,
        tls: hosts_pb2.HostTls | dicts.FleetHostTlsDict | None = None,
        ssh: hosts_pb2.HostSsh | dicts.FleetHostSshDict | None = None,
        insecure: bool | None = None,
        deadline: float | None = None,
    ) -> hosts_pb2.Host:
        """Adds a host. The gateway stores it, so that it exists after a restart. The call does not wait for the host:
        its state is HOST_STATE_CONNECTING at first.

        Raises, of `dockfleet.reasons`:
        - `NameInUse`: another host has the name.
        - `InvalidField`: the name, the address, the labels or the credentials are malformed.
        - `HostStoreUnavailable`: the gateway cannot store the host.

        Arguments:

        - *name*: its name: 1 to 63 of `a` to `z`, digits and, inside, `_`, `.` and `-`.
        - *address*: where its engine listens: `unix:///PATH`, `tcp://HOST:PORT` or `ssh://USER@HOST:PORT/PATH-OF-
          SOCKET`.
        - *labels*: its labels.
        - *tls*: the certificates for a `tcp://` address. Without it the connection is not encrypted; beyond the
          gateway's machine this needs `insecure`.
        - *ssh*: how to log in on an `ssh://` address.
        - *insecure*: reach a `tcp://` address beyond the gateway's machine without TLS. Anyone on the network path
          can become root on that host.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        response: hosts_pb2.AddHostResponse = self.rpc("AddHost")(
            spec={"name": name, "address": address, "labels": labels, "tls": tls, "ssh": ssh, "insecure": insecure},
            deadline=deadline,
        )
        return response.host

    def update(
        self,
        name: str,
        address: str,
        *,
        labels: Mapping[str, str] | None = None,
        tls: hosts_pb2.HostTls | dicts.FleetHostTlsDict | None = None,
        ssh: hosts_pb2.HostSsh | dicts.FleetHostSshDict | None = None,
        insecure: bool | None = None,
        deadline: float | None = None,
    ) -> hosts_pb2.Host:
        """Replaces the settings of a host that AddHost has stored. With the same address its calls and streams
        continue.

        Raises, of `dockfleet.reasons`:
        - `UnknownHost`: the gateway knows no host of this name.
        - `HostReadOnly`: the host comes from a source that calls cannot change.
        - `InvalidField`: the name, the address, the labels or the credentials are malformed.

        Arguments:

        - *name*: its name: 1 to 63 of `a` to `z`, digits and, inside, `_`, `.` and `-`.
        - *address*: where its engine listens: `unix:///PATH`, `tcp://HOST:PORT` or `ssh://USER@HOST:PORT/PATH-OF-
          SOCKET`.
        - *labels*: its labels.
        - *tls*: the certificates for a `tcp://` address. Without it the connection is not encrypted; beyond the
          gateway's machine this needs `insecure`.
        - *ssh*: how to log in on an `ssh://` address.
        - *insecure*: reach a `tcp://` address beyond the gateway's machine without TLS. Anyone on the network path
          can become root on that host.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        response: hosts_pb2.UpdateHostResponse = self.rpc("UpdateHost")(
            spec={"name": name, "address": address, "labels": labels, "tls": tls, "ssh": ssh, "insecure": insecure},
            deadline=deadline,
        )
        return response.host

    def remove(self, host: str, *, deadline: float | None = None) -> None:
        """Removes a host that AddHost has added. Its open calls and streams end with FAILED_PRECONDITION, reason
        HOST_REMOVED. Nothing changes on the host itself.

        Raises, of `dockfleet.reasons`:
        - `UnknownHost`: the gateway knows no host of this name.
        - `HostReadOnly`: the host comes from a source that calls cannot change.

        Arguments:

        - *host*: the name of the host.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        self.rpc("RemoveHost")(host=host, deadline=deadline)

    def drain(self, host: str, *, deadline: float | None = None) -> hosts_pb2.Host:
        """Stops new work on a host. RPCs with the option `new_work`, which create or start something there, fail with
        FAILED_PRECONDITION, reason HOST_DRAINING. Everything else continues. The gateway stores the name of the host
        until UndrainHost.

        Raises, of `dockfleet.reasons`:
        - `UnknownHost`: the gateway knows no host of this name.

        Arguments:

        - *host*: the name of the host.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        response: hosts_pb2.DrainHostResponse = self.rpc("DrainHost")(host=host, deadline=deadline)
        return response.host

    def undrain(self, host: str, *, deadline: float | None = None) -> hosts_pb2.Host:
        """Allows new work on a drained host again.

        Raises, of `dockfleet.reasons`:
        - `UnknownHost`: the gateway knows no host of this name.

        Arguments:

        - *host*: the name of the host.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        response: hosts_pb2.UndrainHostResponse = self.rpc("UndrainHost")(host=host, deadline=deadline)
        return response.host

    def probe(
        self, host: str, *, host_timeout: forms.Duration | None = None, deadline: float | None = None
    ) -> hosts_pb2.Host:
        """Probes a host now, and returns it with the state that it has after the probe.

        Raises, of `dockfleet.reasons`:
        - `UnknownHost`: the gateway knows no host of this name.

        Arguments:

        - *host*: the name of the host.
        - *host_timeout*: how long the host may take. Default: 5 seconds.
        - *deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold
        """
        response: hosts_pb2.ProbeHostResponse = self.rpc("ProbeHost")(
            host=host, host_timeout=host_timeout, deadline=deadline
        )
        return response.host
