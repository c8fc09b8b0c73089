"""Messages of requests as dicts, for type checkers.  Generated from the contract by protos/generate_clients.py.

A key is the name of a field in the contract, or the Engine's name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypedDict

from dockfleet import forms
from dockfleet.fleet.v1 import fleet_pb2, hosts_pb2, selectors_pb2
from dockfleet.v1 import (
    common_pb2,
    container_config_pb2,
    containers_pb2,
    images_pb2,
    networks_pb2,
    oci_pb2,
    volumes_pb2,
)


class FleetBatchOptionsDict(TypedDict, total=False):
    """How a batch proceeds."""

    parallelism: int | None
    parallelism_per_host: int | None
    parallelismPerHost: int | None
    group_size: int | None
    groupSize: int | None
    group_pause: forms.Duration | None
    groupPause: forms.Duration | None
    max_failures: int | None
    maxFailures: int | None
    target_timeout: forms.Duration | None
    targetTimeout: forms.Duration | None
    dry_run: bool | None
    dryRun: bool | None


class FleetContainerSelectorDict(TypedDict, total=False):
    """Which containers. A container is selected when it meets everything that is set. An empty selector is
    INVALID_ARGUMENT.
    """

    names: Sequence[str] | None
    labels: Sequence[selectors_pb2.LabelRequirement | FleetLabelRequirementDict] | None
    images: Sequence[str] | None
    states: Sequence[str] | None
    all: bool | None
    published_ports: Sequence[int] | None
    publishedPorts: Sequence[int] | None


class FleetDiscoverServicesRequestDict(TypedDict, total=False):
    """The request of DiscoverServices."""

    hosts: selectors_pb2.HostSelector | FleetHostSelectorDict | None
    services: Sequence[str] | None
    labels: Sequence[selectors_pb2.LabelRequirement | FleetLabelRequirementDict] | None
    container_port: int | None
    containerPort: int | None
    include_unhealthy: bool | None
    includeUnhealthy: bool | None


class FleetHostSelectorDict(TypedDict, total=False):
    """Which hosts. A host is selected when its name is one of `names` and its labels meet every one of `labels`. An
    empty selector is INVALID_ARGUMENT.
    """

    names: Sequence[str] | None
    labels: Sequence[selectors_pb2.LabelRequirement | FleetLabelRequirementDict] | None
    all: bool | None


class FleetHostSpecDict(TypedDict, total=False):
    """The name, the address and the credentials of a host."""

    name: str | None
    address: str | None
    labels: Mapping[str, str] | None
    tls: hosts_pb2.HostTls | FleetHostTlsDict | None
    ssh: hosts_pb2.HostSsh | FleetHostSshDict | None
    insecure: bool | None


class FleetHostSshDict(TypedDict, total=False):
    """How to log in by ssh."""

    private_key: str | None
    privateKey: str | None
    known_hosts: str | None
    knownHosts: str | None
    jump_host: str | None
    jumpHost: str | None


class FleetHostTlsDict(TypedDict, total=False):
    """The certificates of a TLS connection to an engine."""

    ca: str | None
    certificate: str | None
    key: str | None
    server_name: str | None
    serverName: str | None


class FleetLabelRequirementDict(TypedDict, total=False):
    """A requirement on a label."""

    key: str | None
    operator: (
        selectors_pb2.LabelOperator.ValueType
        | Literal[
            "LABEL_OPERATOR_UNSPECIFIED",
            "LABEL_OPERATOR_EQUAL",
            "LABEL_OPERATOR_NOT_EQUAL",
            "LABEL_OPERATOR_IN",
            "LABEL_OPERATOR_NOT_IN",
            "LABEL_OPERATOR_EXISTS",
            "LABEL_OPERATOR_NOT_EXISTS",
        ]
        | None
    )
    values: Sequence[str] | None


class FleetPlacementDict(TypedDict, total=False):
    """The rule by which the host of a container is chosen."""

    strategy: (
        fleet_pb2.PlacementStrategy.ValueType
        | Literal["PLACEMENT_STRATEGY_UNSPECIFIED", "PLACEMENT_STRATEGY_SPREAD", "PLACEMENT_STRATEGY_BINPACK"]
        | None
    )
    resource: (
        fleet_pb2.PlacementResource.ValueType
        | Literal[
            "PLACEMENT_RESOURCE_UNSPECIFIED",
            "PLACEMENT_RESOURCE_CONTAINERS",
            "PLACEMENT_RESOURCE_MEMORY",
            "PLACEMENT_RESOURCE_CPU",
        ]
        | None
    )
    prefer_image: bool | None
    preferImage: bool | None


class AuthConfigDict(TypedDict, total=False):
    """Credentials for a registry. The gateway uses them for one call, and neither stores nor logs them."""

    username: str | None
    password: str | None
    auth: str | None
    server_address: str | None
    serveraddress: str | None
    identity_token: str | None
    identitytoken: str | None
    registry_token: str | None
    registrytoken: str | None


class BuildOutputDict(TypedDict, total=False):
    """One result that BuildKit writes."""

    type: str | None
    Type: str | None
    attrs: Mapping[str, str] | None
    Attrs: Mapping[str, str] | None


class BuildOutputsDict(TypedDict, total=False):
    """The results that a build writes."""

    items: Sequence[images_pb2.BuildOutput | BuildOutputDict] | None


class ClusterVolumeAccessModeDict(TypedDict, total=False):
    """How tasks use a cluster volume."""

    scope: str | None
    Scope: str | None
    sharing: str | None
    Sharing: str | None
    mount_volume: volumes_pb2.ClusterVolumeMount | ClusterVolumeMountDict | None
    MountVolume: volumes_pb2.ClusterVolumeMount | ClusterVolumeMountDict | None
    block_volume: volumes_pb2.ClusterVolumeBlock | ClusterVolumeBlockDict | None
    BlockVolume: volumes_pb2.ClusterVolumeBlock | ClusterVolumeBlockDict | None
    accessibility_requirements: (
        volumes_pb2.ClusterVolumeTopologyRequirements | ClusterVolumeTopologyRequirementsDict | None
    )
    AccessibilityRequirements: (
        volumes_pb2.ClusterVolumeTopologyRequirements | ClusterVolumeTopologyRequirementsDict | None
    )
    capacity_range: volumes_pb2.ClusterVolumeCapacityRange | ClusterVolumeCapacityRangeDict | None
    CapacityRange: volumes_pb2.ClusterVolumeCapacityRange | ClusterVolumeCapacityRangeDict | None
    secrets: Sequence[volumes_pb2.ClusterVolumeSecret | ClusterVolumeSecretDict] | None
    Secrets: Sequence[volumes_pb2.ClusterVolumeSecret | ClusterVolumeSecretDict] | None
    availability: str | None
    Availability: str | None


class ClusterVolumeBlockDict(TypedDict, total=False):
    """How a cluster volume is provided as a block device. It has no options."""


class ClusterVolumeCapacityRangeDict(TypedDict, total=False):
    """The requested size of a volume."""

    required_bytes: int | str | None
    RequiredBytes: int | str | None
    limit_bytes: int | str | None
    LimitBytes: int | str | None


class ClusterVolumeMountDict(TypedDict, total=False):
    """How a cluster volume is mounted."""

    fs_type: str | None
    FsType: str | None
    mount_flags: Sequence[str] | None
    MountFlags: Sequence[str] | None


class ClusterVolumeSecretDict(TypedDict, total=False):
    """A secret of the swarm that a storage plugin receives."""

    key: str | None
    Key: str | None
    secret: str | None
    Secret: str | None


class ClusterVolumeSpecDict(TypedDict, total=False):
    """The requested properties of a cluster volume."""

    group: str | None
    Group: str | None
    access_mode: volumes_pb2.ClusterVolumeAccessMode | ClusterVolumeAccessModeDict | None
    AccessMode: volumes_pb2.ClusterVolumeAccessMode | ClusterVolumeAccessModeDict | None
    accessibility_requirements: (
        volumes_pb2.ClusterVolumeTopologyRequirements | ClusterVolumeTopologyRequirementsDict | None
    )
    AccessibilityRequirements: (
        volumes_pb2.ClusterVolumeTopologyRequirements | ClusterVolumeTopologyRequirementsDict | None
    )
    capacity_range: volumes_pb2.ClusterVolumeCapacityRange | ClusterVolumeCapacityRangeDict | None
    CapacityRange: volumes_pb2.ClusterVolumeCapacityRange | ClusterVolumeCapacityRangeDict | None
    secrets: Sequence[volumes_pb2.ClusterVolumeSecret | ClusterVolumeSecretDict] | None
    Secrets: Sequence[volumes_pb2.ClusterVolumeSecret | ClusterVolumeSecretDict] | None
    availability: str | None
    Availability: str | None


class ClusterVolumeTopologyRequirementsDict(TypedDict, total=False):
    """The places of the cluster that must be able to access a volume."""

    requisite: Sequence[volumes_pb2.VolumeTopology | VolumeTopologyDict] | None
    Requisite: Sequence[volumes_pb2.VolumeTopology | VolumeTopologyDict] | None
    preferred: Sequence[volumes_pb2.VolumeTopology | VolumeTopologyDict] | None
    Preferred: Sequence[volumes_pb2.VolumeTopology | VolumeTopologyDict] | None


class ConfigReferenceDict(TypedDict, total=False):
    """The network that another network takes its settings from."""

    network: str | None
    Network: str | None


class ContainerConfigDict(TypedDict, total=False):
    """The configuration of a container's program, without the settings of the host. InspectContainer returns it and
    CommitContainer accepts it.
    """

    image: str | None
    Image: str | None
    entrypoint: forms.Command | None
    Entrypoint: forms.Command | None
    cmd: forms.Command | None
    Cmd: forms.Command | None
    env: forms.Environment | None
    Env: forms.Environment | None
    working_dir: str | None
    WorkingDir: str | None
    user: str | int | None
    User: str | int | None
    hostname: str | None
    Hostname: str | None
    domainname: str | None
    Domainname: str | None
    labels: forms.Labels | None
    Labels: forms.Labels | None
    exposed_ports: forms.PortNames | None
    ExposedPorts: forms.PortNames | None
    volumes: forms.Paths | None
    Volumes: forms.Paths | None
    healthcheck: container_config_pb2.HealthConfig | HealthConfigDict | None
    Healthcheck: container_config_pb2.HealthConfig | HealthConfigDict | None
    tty: bool | None
    Tty: bool | None
    open_stdin: bool | None
    OpenStdin: bool | None
    stdin_once: bool | None
    StdinOnce: bool | None
    attach_stdin: bool | None
    AttachStdin: bool | None
    attach_stdout: bool | None
    AttachStdout: bool | None
    attach_stderr: bool | None
    AttachStderr: bool | None
    stop_signal: str | None
    StopSignal: str | None
    stop_timeout_seconds: int | None
    StopTimeout: int | None
    network_disabled: bool | None
    NetworkDisabled: bool | None
    on_build: Sequence[str] | None
    OnBuild: Sequence[str] | None
    shell: Sequence[str] | None
    Shell: Sequence[str] | None
    args_escaped: bool | None
    ArgsEscaped: bool | None
    mac_address: str | None
    MacAddress: str | None


class ContainerSpecDict(TypedDict, total=False):
    """What to create a container from. A field that is not set has the image's value, or the host's default when the
    image has none.
    """

    image: str | None
    Image: str | None
    entrypoint: forms.Command | None
    Entrypoint: forms.Command | None
    cmd: forms.Command | None
    Cmd: forms.Command | None
    env: forms.Environment | None
    Env: forms.Environment | None
    working_dir: str | None
    WorkingDir: str | None
    user: str | int | None
    User: str | int | None
    hostname: str | None
    Hostname: str | None
    domainname: str | None
    Domainname: str | None
    labels: forms.Labels | None
    Labels: forms.Labels | None
    exposed_ports: forms.PortNames | None
    ExposedPorts: forms.PortNames | None
    volumes: forms.Paths | None
    Volumes: forms.Paths | None
    healthcheck: container_config_pb2.HealthConfig | HealthConfigDict | None
    Healthcheck: container_config_pb2.HealthConfig | HealthConfigDict | None
    tty: bool | None
    Tty: bool | None
    open_stdin: bool | None
    OpenStdin: bool | None
    stdin_once: bool | None
    StdinOnce: bool | None
    attach_stdin: bool | None
    AttachStdin: bool | None
    attach_stdout: bool | None
    AttachStdout: bool | None
    attach_stderr: bool | None
    AttachStderr: bool | None
    stop_signal: str | None
    StopSignal: str | None
    stop_timeout_seconds: int | None
    StopTimeout: int | None
    host_config: container_config_pb2.HostConfig | HostConfigDict | None
    HostConfig: container_config_pb2.HostConfig | HostConfigDict | None
    networking_config: container_config_pb2.NetworkingConfig | NetworkingConfigDict | None
    NetworkingConfig: container_config_pb2.NetworkingConfig | NetworkingConfigDict | None
    network_disabled: bool | None
    NetworkDisabled: bool | None
    on_build: Sequence[str] | None
    OnBuild: Sequence[str] | None
    shell: Sequence[str] | None
    Shell: Sequence[str] | None
    args_escaped: bool | None
    ArgsEscaped: bool | None
    mac_address: str | None
    MacAddress: str | None


class CreateNetworkRequestDict(TypedDict, total=False):
    """The request of CreateNetwork."""

    host: str | None
    name: str | None
    Name: str | None
    driver: str | None
    Driver: str | None
    scope: str | None
    Scope: str | None
    internal: bool | None
    Internal: bool | None
    attachable: bool | None
    Attachable: bool | None
    ingress: bool | None
    Ingress: bool | None
    config_only: bool | None
    ConfigOnly: bool | None
    config_from: networks_pb2.ConfigReference | ConfigReferenceDict | None
    ConfigFrom: networks_pb2.ConfigReference | ConfigReferenceDict | None
    ipam: networks_pb2.Ipam | IpamDict | None
    IPAM: networks_pb2.Ipam | IpamDict | None
    enable_ipv4: bool | None
    EnableIPv4: bool | None
    enable_ipv6: bool | None
    EnableIPv6: bool | None
    options: Mapping[str, str] | None
    Options: Mapping[str, str] | None
    labels: Mapping[str, str] | None
    Labels: Mapping[str, str] | None
    check_duplicate: bool | None
    CheckDuplicate: bool | None


class CreateVolumeRequestDict(TypedDict, total=False):
    """The request of CreateVolume."""

    host: str | None
    name: str | None
    Name: str | None
    driver: str | None
    Driver: str | None
    driver_opts: Mapping[str, str] | None
    DriverOpts: Mapping[str, str] | None
    labels: Mapping[str, str] | None
    Labels: Mapping[str, str] | None
    cluster_volume_spec: volumes_pb2.ClusterVolumeSpec | ClusterVolumeSpecDict | None
    ClusterVolumeSpec: volumes_pb2.ClusterVolumeSpec | ClusterVolumeSpecDict | None


class DeviceMappingDict(TypedDict, total=False):
    """A device of the host that a container may use."""

    path_on_host: str | None
    PathOnHost: str | None
    path_in_container: str | None
    PathInContainer: str | None
    cgroup_permissions: str | None
    CgroupPermissions: str | None


class DeviceRequestDict(TypedDict, total=False):
    """Devices to request from a device driver."""

    driver: str | None
    Driver: str | None
    count: int | None
    Count: int | None
    device_ids: Sequence[str] | None
    DeviceIDs: Sequence[str] | None
    capabilities: Sequence[common_pb2.StringList | StringListDict | Sequence[str]] | None
    Capabilities: Sequence[common_pb2.StringList | StringListDict | Sequence[str]] | None
    options: Mapping[str, str] | None
    Options: Mapping[str, str] | None


class EndpointIpamConfigDict(TypedDict, total=False):
    """Addresses to assign to a container on a network. They must be in a subnet of the network."""

    ipv4_address: str | None
    IPv4Address: str | None
    ipv6_address: str | None
    IPv6Address: str | None
    link_local_ips: Sequence[str] | None
    LinkLocalIPs: Sequence[str] | None


class EndpointSettingsDict(TypedDict, total=False):
    """The connection of a container to a network, as the container shows it. In a request: how to connect the
    container.
    """

    ipam_config: networks_pb2.EndpointIpamConfig | EndpointIpamConfigDict | None
    IPAMConfig: networks_pb2.EndpointIpamConfig | EndpointIpamConfigDict | None
    aliases: Sequence[str] | None
    Aliases: Sequence[str] | None
    links: forms.Links | None
    Links: forms.Links | None
    mac_address: str | None
    MacAddress: str | None
    driver_opts: Mapping[str, str] | None
    DriverOpts: Mapping[str, str] | None
    gw_priority: int | None
    GwPriority: int | None
    network_id: str | None
    NetworkID: str | None
    endpoint_id: str | None
    EndpointID: str | None
    ip_address: str | None
    IPAddress: str | None
    ip_prefix_len: int | None
    IPPrefixLen: int | None
    gateway: str | None
    Gateway: str | None
    global_ipv6_address: str | None
    GlobalIPv6Address: str | None
    global_ipv6_prefix_len: int | None
    GlobalIPv6PrefixLen: int | None
    ipv6_gateway: str | None
    IPv6Gateway: str | None
    dns_names: Sequence[str] | None
    DNSNames: Sequence[str] | None


class GetDataUsageRequestDict(TypedDict, total=False):
    """The request of GetDataUsage."""

    host: str | None
    object_types: Sequence[str] | None
    type: Sequence[str] | None
    verbose: bool | None


class GetInfoRequestDict(TypedDict, total=False):
    """The request of GetInfo."""

    host: str | None


class GetVersionRequestDict(TypedDict, total=False):
    """The request of GetVersion."""

    host: str | None


class HealthConfigDict(TypedDict, total=False):
    """The health check of a container: a command that the Engine runs in the container at intervals. The command should
    not change anything. Its exit code 0 means healthy, 1 means unhealthy, 2 is reserved.
    """

    test: str | Sequence[str] | None
    Test: str | Sequence[str] | None
    interval: forms.HealthTime | None
    Interval: forms.HealthTime | None
    timeout: forms.HealthTime | None
    Timeout: forms.HealthTime | None
    retries: int | None
    Retries: int | None
    start_period: forms.HealthTime | None
    StartPeriod: forms.HealthTime | None
    start_interval: forms.HealthTime | None
    StartInterval: forms.HealthTime | None


class HostConfigDict(TypedDict, total=False):
    """What a host provides to a container: files, networks, limits and privileges."""

    binds: forms.Binds | None
    Binds: forms.Binds | None
    mounts: Sequence[container_config_pb2.Mount | MountDict] | None
    Mounts: Sequence[container_config_pb2.Mount | MountDict] | None
    volumes_from: str | Sequence[str] | None
    VolumesFrom: str | Sequence[str] | None
    volume_driver: str | None
    VolumeDriver: str | None
    tmpfs: Mapping[str, str | None] | Sequence[str] | None
    Tmpfs: Mapping[str, str | None] | Sequence[str] | None
    shm_size_bytes: int | str | None
    ShmSize: int | str | None
    readonly_rootfs: bool | None
    ReadonlyRootfs: bool | None
    storage_opt: Mapping[str, str] | None
    StorageOpt: Mapping[str, str] | None
    network_mode: str | None
    NetworkMode: str | None
    port_bindings: forms.Ports | None
    PortBindings: forms.Ports | None
    publish_all_ports: bool | None
    PublishAllPorts: bool | None
    dns: Sequence[str] | None
    Dns: Sequence[str] | None
    dns_options: Sequence[str] | None
    DnsOptions: Sequence[str] | None
    dns_search: Sequence[str] | None
    DnsSearch: Sequence[str] | None
    extra_hosts: forms.Addresses | None
    ExtraHosts: forms.Addresses | None
    links: forms.Links | None
    Links: forms.Links | None
    restart_policy: container_config_pb2.RestartPolicy | RestartPolicyDict | None
    RestartPolicy: container_config_pb2.RestartPolicy | RestartPolicyDict | None
    auto_remove: bool | None
    AutoRemove: bool | None
    init: bool | None
    Init: bool | None
    log_config: container_config_pb2.LogConfig | LogConfigDict | None
    LogConfig: container_config_pb2.LogConfig | LogConfigDict | None
    console_size: common_pb2.TerminalSize | TerminalSizeDict | None
    ConsoleSize: common_pb2.TerminalSize | TerminalSizeDict | None
    annotations: Mapping[str, str] | None
    Annotations: Mapping[str, str] | None
    runtime: str | None
    Runtime: str | None
    container_id_file: str | None
    ContainerIDFile: str | None
    privileged: bool | None
    Privileged: bool | None
    cap_add: Sequence[str] | None
    CapAdd: Sequence[str] | None
    cap_drop: Sequence[str] | None
    CapDrop: Sequence[str] | None
    security_opt: Sequence[str] | None
    SecurityOpt: Sequence[str] | None
    group_add: Sequence[str | int] | None
    GroupAdd: Sequence[str | int] | None
    sysctls: Mapping[str, str | int] | None
    Sysctls: Mapping[str, str | int] | None
    masked_paths: common_pb2.StringList | StringListDict | Sequence[str] | None
    MaskedPaths: common_pb2.StringList | StringListDict | Sequence[str] | None
    readonly_paths: common_pb2.StringList | StringListDict | Sequence[str] | None
    ReadonlyPaths: common_pb2.StringList | StringListDict | Sequence[str] | None
    pid_mode: str | None
    PidMode: str | None
    ipc_mode: str | None
    IpcMode: str | None
    uts_mode: str | None
    UTSMode: str | None
    userns_mode: str | None
    UsernsMode: str | None
    cgroupns_mode: str | None
    CgroupnsMode: str | None
    cgroup: str | None
    Cgroup: str | None
    cgroup_parent: str | None
    CgroupParent: str | None
    devices: Sequence[str | container_config_pb2.DeviceMapping | DeviceMappingDict] | None
    Devices: Sequence[str | container_config_pb2.DeviceMapping | DeviceMappingDict] | None
    device_cgroup_rules: Sequence[str] | None
    DeviceCgroupRules: Sequence[str] | None
    device_requests: Sequence[container_config_pb2.DeviceRequest | DeviceRequestDict] | None
    DeviceRequests: Sequence[container_config_pb2.DeviceRequest | DeviceRequestDict] | None
    nano_cpus: int | None
    NanoCpus: int | None
    cpu_shares: int | None
    CpuShares: int | None
    cpu_period_microseconds: int | None
    CpuPeriod: int | None
    cpu_quota_microseconds: int | None
    CpuQuota: int | None
    cpu_realtime_period_microseconds: int | None
    CpuRealtimePeriod: int | None
    cpu_realtime_runtime_microseconds: int | None
    CpuRealtimeRuntime: int | None
    cpuset_cpus: str | None
    CpusetCpus: str | None
    cpuset_mems: str | None
    CpusetMems: str | None
    memory_bytes: int | str | None
    Memory: int | str | None
    memory_reservation_bytes: int | str | None
    MemoryReservation: int | str | None
    memory_swap_bytes: int | str | None
    MemorySwap: int | str | None
    memory_swappiness: int | None
    MemorySwappiness: int | None
    oom_kill_disable: bool | None
    OomKillDisable: bool | None
    oom_score_adj: int | None
    OomScoreAdj: int | None
    pids_limit: int | None
    PidsLimit: int | None
    ulimits: Sequence[container_config_pb2.Ulimit | UlimitDict] | None
    Ulimits: Sequence[container_config_pb2.Ulimit | UlimitDict] | None
    blkio_weight: int | None
    BlkioWeight: int | None
    blkio_weight_device: Sequence[container_config_pb2.WeightDevice | WeightDeviceDict] | None
    BlkioWeightDevice: Sequence[container_config_pb2.WeightDevice | WeightDeviceDict] | None
    blkio_device_read_bps: Sequence[container_config_pb2.ThrottleDevice | ThrottleDeviceDict] | None
    BlkioDeviceReadBps: Sequence[container_config_pb2.ThrottleDevice | ThrottleDeviceDict] | None
    blkio_device_write_bps: Sequence[container_config_pb2.ThrottleDevice | ThrottleDeviceDict] | None
    BlkioDeviceWriteBps: Sequence[container_config_pb2.ThrottleDevice | ThrottleDeviceDict] | None
    blkio_device_read_iops: Sequence[container_config_pb2.ThrottleDevice | ThrottleDeviceDict] | None
    BlkioDeviceReadIOps: Sequence[container_config_pb2.ThrottleDevice | ThrottleDeviceDict] | None
    blkio_device_write_iops: Sequence[container_config_pb2.ThrottleDevice | ThrottleDeviceDict] | None
    BlkioDeviceWriteIOps: Sequence[container_config_pb2.ThrottleDevice | ThrottleDeviceDict] | None
    umask: int | None
    Umask: int | None
    isolation: str | None
    Isolation: str | None
    cpu_count: int | None
    CpuCount: int | None
    cpu_percent: int | None
    CpuPercent: int | None
    io_maximum_iops: int | None
    IOMaximumIOps: int | None
    io_maximum_bandwidth: int | None
    IOMaximumBandwidth: int | None
    kernel_memory_bytes: int | str | None
    KernelMemory: int | str | None
    kernel_memory_tcp_bytes: int | str | None
    KernelMemoryTCP: int | str | None


class IpamDict(TypedDict, total=False):
    """How a network assigns addresses (IP address management)."""

    driver: str | None
    Driver: str | None
    config: Sequence[networks_pb2.IpamConfig | IpamConfigDict] | None
    Config: Sequence[networks_pb2.IpamConfig | IpamConfigDict] | None
    options: Mapping[str, str] | None
    Options: Mapping[str, str] | None


class IpamConfigDict(TypedDict, total=False):
    """A subnet of a network."""

    subnet: str | None
    Subnet: str | None
    ip_range: str | None
    IPRange: str | None
    gateway: str | None
    Gateway: str | None
    auxiliary_addresses: Mapping[str, str] | None
    AuxiliaryAddresses: Mapping[str, str] | None


class KillContainerRequestDict(TypedDict, total=False):
    """The request of KillContainer."""

    host: str | None
    id: str | None
    signal: str | int | None


class ListContainersRequestDict(TypedDict, total=False):
    """The request of ListContainers."""

    host: str | None
    all: bool | None
    limit: int | None
    size: bool | None
    filters: forms.Filters | None
    max_age: forms.Duration | None
    maxAge: forms.Duration | None


class ListImagesRequestDict(TypedDict, total=False):
    """The request of ListImages."""

    host: str | None
    all: bool | None
    filters: forms.Filters | None
    shared_size: bool | None
    digests: bool | None
    manifests: bool | None
    identity: bool | None
    max_age: forms.Duration | None
    maxAge: forms.Duration | None


class ListNetworksRequestDict(TypedDict, total=False):
    """The request of ListNetworks."""

    host: str | None
    filters: forms.Filters | None
    max_age: forms.Duration | None
    maxAge: forms.Duration | None


class ListVolumesRequestDict(TypedDict, total=False):
    """The request of ListVolumes."""

    host: str | None
    filters: forms.Filters | None
    max_age: forms.Duration | None
    maxAge: forms.Duration | None


class LogConfigDict(TypedDict, total=False):
    """How the output of a container is logged."""

    type: str | None
    Type: str | None
    config: Mapping[str, str] | None
    Config: Mapping[str, str] | None


class MountDict(TypedDict, total=False):
    """A mount of a container."""

    type: str | None
    Type: str | None
    source: str | None
    Source: str | None
    target: str | None
    Target: str | None
    read_only: bool | None
    ReadOnly: bool | None
    consistency: str | None
    Consistency: str | None
    bind_options: container_config_pb2.MountBindOptions | MountBindOptionsDict | None
    BindOptions: container_config_pb2.MountBindOptions | MountBindOptionsDict | None
    volume_options: container_config_pb2.MountVolumeOptions | MountVolumeOptionsDict | None
    VolumeOptions: container_config_pb2.MountVolumeOptions | MountVolumeOptionsDict | None
    image_options: container_config_pb2.MountImageOptions | MountImageOptionsDict | None
    ImageOptions: container_config_pb2.MountImageOptions | MountImageOptionsDict | None
    tmpfs_options: container_config_pb2.MountTmpfsOptions | MountTmpfsOptionsDict | None
    TmpfsOptions: container_config_pb2.MountTmpfsOptions | MountTmpfsOptionsDict | None


class MountBindOptionsDict(TypedDict, total=False):
    """More about a mount of a path of the host."""

    propagation: str | None
    Propagation: str | None
    non_recursive: bool | None
    NonRecursive: bool | None
    create_mountpoint: bool | None
    CreateMountpoint: bool | None
    read_only_non_recursive: bool | None
    ReadOnlyNonRecursive: bool | None
    read_only_force_recursive: bool | None
    ReadOnlyForceRecursive: bool | None


class MountImageOptionsDict(TypedDict, total=False):
    """More about a mount of an image."""

    subpath: str | None
    Subpath: str | None


class MountTmpfsOptionsDict(TypedDict, total=False):
    """More about a mount in memory."""

    size_bytes: int | str | None
    SizeBytes: int | str | None
    mode: int | None
    Mode: int | None
    options: Sequence[common_pb2.StringList | StringListDict | Sequence[str]] | None
    Options: Sequence[common_pb2.StringList | StringListDict | Sequence[str]] | None


class MountVolumeDriverDict(TypedDict, total=False):
    """The driver that creates the volume of a mount, if the volume does not exist."""

    name: str | None
    Name: str | None
    options: Mapping[str, str] | None
    Options: Mapping[str, str] | None


class MountVolumeOptionsDict(TypedDict, total=False):
    """More about a mount of a volume."""

    no_copy: bool | None
    NoCopy: bool | None
    labels: Mapping[str, str] | None
    Labels: Mapping[str, str] | None
    driver_config: container_config_pb2.MountVolumeDriver | MountVolumeDriverDict | None
    DriverConfig: container_config_pb2.MountVolumeDriver | MountVolumeDriverDict | None
    subpath: str | None
    Subpath: str | None


class NetworkingConfigDict(TypedDict, total=False):
    """The networks that a new container is connected to."""

    endpoints_config: Mapping[str, networks_pb2.EndpointSettings | EndpointSettingsDict] | None
    EndpointsConfig: Mapping[str, networks_pb2.EndpointSettings | EndpointSettingsDict] | None


class OciPlatformDict(TypedDict, total=False):
    """The platform of an image: the kind of machine that it runs on."""

    architecture: str | None
    os: str | None
    os_version: str | None
    os_features: Sequence[str] | None
    variant: str | None


class PauseContainerRequestDict(TypedDict, total=False):
    """The request of PauseContainer."""

    host: str | None
    id: str | None


class PingRequestDict(TypedDict, total=False):
    """The request of Ping."""

    host: str | None


class PortBindingDict(TypedDict, total=False):
    """One place on the host at which a port of a container is published."""

    host_ip: str | None
    HostIp: str | None
    host_port: str | int | None
    HostPort: str | int | None


class PortBindingsDict(TypedDict, total=False):
    """The places on the host at which one port of a container is published."""

    items: Sequence[container_config_pb2.PortBinding | PortBindingDict] | None


class PruneBuildCacheRequestDict(TypedDict, total=False):
    """The request of PruneBuildCache."""

    host: str | None
    all: bool | None
    filters: forms.Filters | None
    reserved_space_bytes: int | str | None
    max_used_space_bytes: int | str | None
    min_free_space_bytes: int | str | None
    keep_storage_bytes: int | str | None


class PruneContainersRequestDict(TypedDict, total=False):
    """The request of PruneContainers."""

    host: str | None
    filters: forms.Filters | None


class PruneImagesRequestDict(TypedDict, total=False):
    """The request of PruneImages."""

    host: str | None
    filters: forms.Filters | None


class PruneNetworksRequestDict(TypedDict, total=False):
    """The request of PruneNetworks."""

    host: str | None
    filters: forms.Filters | None


class PruneVolumesRequestDict(TypedDict, total=False):
    """The request of PruneVolumes."""

    host: str | None
    filters: forms.Filters | None


class PullImageRequestDict(TypedDict, total=False):
    """The request of PullImage."""

    host: str | None
    image: str | None
    fromImage: str | None
    tag: str | None
    platform: str | None
    registry_auth: common_pb2.AuthConfig | AuthConfigDict | None
    registryAuth: common_pb2.AuthConfig | AuthConfigDict | None


class RemoveContainerRequestDict(TypedDict, total=False):
    """The request of RemoveContainer."""

    host: str | None
    id: str | None
    remove_volumes: bool | None
    v: bool | None
    force: bool | None
    link: bool | None


class RemoveImageRequestDict(TypedDict, total=False):
    """The request of RemoveImage."""

    host: str | None
    name: str | None
    force: bool | None
    no_prune: bool | None
    noprune: bool | None
    platforms: Sequence[oci_pb2.OciPlatform | OciPlatformDict] | None


class RemoveNetworkRequestDict(TypedDict, total=False):
    """The request of RemoveNetwork."""

    host: str | None
    id: str | None


class RemoveVolumeRequestDict(TypedDict, total=False):
    """The request of RemoveVolume."""

    host: str | None
    name: str | None
    force: bool | None


class RestartContainerRequestDict(TypedDict, total=False):
    """The request of RestartContainer."""

    host: str | None
    id: str | None
    signal: str | None
    timeout_seconds: int | None
    t: int | None


class RestartPolicyDict(TypedDict, total=False):
    """What happens when the program of a container ends. Before each restart there is a pause: 100 ms at first, and
    twice as long each time.
    """

    name: str | None
    Name: str | None
    maximum_retry_count: int | None
    MaximumRetryCount: int | None


class RunContainerRequestDict(TypedDict, total=False):
    """The request of RunContainer."""

    host: str | None
    name: str | None
    platform: str | None
    config: container_config_pb2.ContainerSpec | ContainerSpecDict | None
    registry_auth: common_pb2.AuthConfig | AuthConfigDict | None
    registryAuth: common_pb2.AuthConfig | AuthConfigDict | None
    pull: (
        containers_pb2.PullPolicy.ValueType
        | Literal["PULL_POLICY_UNSPECIFIED", "PULL_POLICY_MISSING", "PULL_POLICY_ALWAYS", "PULL_POLICY_NEVER"]
        | None
    )
    detach: bool | None
    slow_reader: (
        common_pb2.SlowReader.ValueType
        | Literal["SLOW_READER_UNSPECIFIED", "SLOW_READER_WAIT", "SLOW_READER_DROP", "SLOW_READER_CLOSE"]
        | None
    )
    slowReader: (
        common_pb2.SlowReader.ValueType
        | Literal["SLOW_READER_UNSPECIFIED", "SLOW_READER_WAIT", "SLOW_READER_DROP", "SLOW_READER_CLOSE"]
        | None
    )


class StartContainerRequestDict(TypedDict, total=False):
    """The request of StartContainer."""

    host: str | None
    id: str | None
    detach_keys: str | None
    detachKeys: str | None


class StopContainerRequestDict(TypedDict, total=False):
    """The request of StopContainer."""

    host: str | None
    id: str | None
    signal: str | None
    timeout_seconds: int | None
    t: int | None


class StreamEventsRequestDict(TypedDict, total=False):
    """The request of StreamEvents."""

    host: str | None
    since: forms.Time | None
    until: forms.Time | None
    filters: forms.Filters | None
    resume_token: bytes | None
    resumeToken: bytes | None


class StreamLogsRequestDict(TypedDict, total=False):
    """The request of StreamLogs."""

    host: str | None
    id: str | None
    follow: bool | None
    stdout: bool | None
    stderr: bool | None
    since: forms.Time | None
    until: forms.Time | None
    timestamps: bool | None
    tail: int | Literal["all"] | None
    details: bool | None
    resume_token: bytes | None
    resumeToken: bytes | None
    follow_restarts: bool | None
    followRestarts: bool | None
    strict: bool | None


class StreamStatsRequestDict(TypedDict, total=False):
    """The request of StreamStats."""

    host: str | None
    id: str | None
    stream: bool | None
    one_shot: bool | None


class StringListDict(TypedDict, total=False):
    """A list of strings. It is used where the Engine has an array inside a map or another array."""

    items: Sequence[str] | None


class TagImageRequestDict(TypedDict, total=False):
    """The request of TagImage."""

    host: str | None
    name: str | None
    repo: str | None
    tag: str | None


class TerminalSizeDict(TypedDict, total=False):
    """The size of a terminal."""

    height: int | None
    h: int | None
    width: int | None
    w: int | None


class ThrottleDeviceDict(TypedDict, total=False):
    """A container's limit at one device."""

    path: str | None
    Path: str | None
    rate: int | None
    Rate: int | None


class UlimitDict(TypedDict, total=False):
    """A limit of a container's processes."""

    name: str | None
    Name: str | None
    soft: int | None
    Soft: int | None
    hard: int | None
    Hard: int | None


class UnpauseContainerRequestDict(TypedDict, total=False):
    """The request of UnpauseContainer."""

    host: str | None
    id: str | None


class UpdateContainerRequestDict(TypedDict, total=False):
    """The request of UpdateContainer. A field that is absent changes nothing."""

    host: str | None
    id: str | None
    restart_policy: container_config_pb2.RestartPolicy | RestartPolicyDict | None
    RestartPolicy: container_config_pb2.RestartPolicy | RestartPolicyDict | None
    nano_cpus: int | None
    NanoCpus: int | None
    cpu_shares: int | None
    CpuShares: int | None
    cpu_period_microseconds: int | None
    CpuPeriod: int | None
    cpu_quota_microseconds: int | None
    CpuQuota: int | None
    cpu_realtime_period_microseconds: int | None
    CpuRealtimePeriod: int | None
    cpu_realtime_runtime_microseconds: int | None
    CpuRealtimeRuntime: int | None
    cpuset_cpus: str | None
    CpusetCpus: str | None
    cpuset_mems: str | None
    CpusetMems: str | None
    memory_bytes: int | str | None
    Memory: int | str | None
    memory_reservation_bytes: int | str | None
    MemoryReservation: int | str | None
    memory_swap_bytes: int | str | None
    MemorySwap: int | str | None
    pids_limit: int | None
    PidsLimit: int | None
    blkio_weight: int | None
    BlkioWeight: int | None
    blkio_weight_device: Sequence[container_config_pb2.WeightDevice | WeightDeviceDict] | None
    BlkioWeightDevice: Sequence[container_config_pb2.WeightDevice | WeightDeviceDict] | None
    blkio_device_read_bps: Sequence[container_config_pb2.ThrottleDevice | ThrottleDeviceDict] | None
    BlkioDeviceReadBps: Sequence[container_config_pb2.ThrottleDevice | ThrottleDeviceDict] | None
    blkio_device_write_bps: Sequence[container_config_pb2.ThrottleDevice | ThrottleDeviceDict] | None
    BlkioDeviceWriteBps: Sequence[container_config_pb2.ThrottleDevice | ThrottleDeviceDict] | None
    blkio_device_read_iops: Sequence[container_config_pb2.ThrottleDevice | ThrottleDeviceDict] | None
    BlkioDeviceReadIOps: Sequence[container_config_pb2.ThrottleDevice | ThrottleDeviceDict] | None
    blkio_device_write_iops: Sequence[container_config_pb2.ThrottleDevice | ThrottleDeviceDict] | None
    BlkioDeviceWriteIOps: Sequence[container_config_pb2.ThrottleDevice | ThrottleDeviceDict] | None
    cgroup_parent: str | None
    CgroupParent: str | None
    memory_swappiness: int | None
    MemorySwappiness: int | None
    oom_kill_disable: bool | None
    OomKillDisable: bool | None
    init: bool | None
    Init: bool | None
    ulimits: Sequence[container_config_pb2.Ulimit | UlimitDict] | None
    Ulimits: Sequence[container_config_pb2.Ulimit | UlimitDict] | None
    devices: Sequence[str | container_config_pb2.DeviceMapping | DeviceMappingDict] | None
    Devices: Sequence[str | container_config_pb2.DeviceMapping | DeviceMappingDict] | None
    device_cgroup_rules: Sequence[str] | None
    DeviceCgroupRules: Sequence[str] | None
    device_requests: Sequence[container_config_pb2.DeviceRequest | DeviceRequestDict] | None
    DeviceRequests: Sequence[container_config_pb2.DeviceRequest | DeviceRequestDict] | None
    cpu_count: int | None
    CpuCount: int | None
    cpu_percent: int | None
    CpuPercent: int | None
    io_maximum_iops: int | None
    IOMaximumIOps: int | None
    io_maximum_bandwidth: int | None
    IOMaximumBandwidth: int | None
    kernel_memory_bytes: int | str | None
    KernelMemory: int | str | None
    kernel_memory_tcp_bytes: int | str | None
    KernelMemoryTCP: int | str | None


class VolumeTopologyDict(TypedDict, total=False):
    """A place in a cluster, as the storage plugin defines it."""

    segments: Mapping[str, str] | None
    Segments: Mapping[str, str] | None


class VolumeUpdateDict(TypedDict, total=False):
    """A change of a cluster volume."""

    spec: volumes_pb2.ClusterVolumeSpec | ClusterVolumeSpecDict | None
    Spec: volumes_pb2.ClusterVolumeSpec | ClusterVolumeSpecDict | None


class WeightDeviceDict(TypedDict, total=False):
    """A container's weight at one device."""

    path: str | None
    Path: str | None
    weight: int | None
    Weight: int | None
