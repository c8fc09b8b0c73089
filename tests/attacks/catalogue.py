"""All attacks, by name."""

from __future__ import annotations

from tests.attacks import by_clients, by_hosts, by_sshd
from tests.attacks.attack import Attack

_CLASSES: tuple[type[Attack], ...] = (
    by_clients.Nothing,
    by_hosts.ErrorText,
    by_clients.HostName,
    by_clients.ResumeToken,
    by_hosts.ProbeError,
    by_sshd.Sshd,
    by_hosts.ManyContainers,
    by_hosts.EmptyObjects,
    by_hosts.FreeForm,
    by_hosts.TinyChunks,
    by_clients.UnfinishedMessages,
    by_clients.SilentCalls,
    by_clients.Connections,
    by_clients.SilentScrapers,
    by_clients.RapidReset,
    by_clients.FrameFloods,
    by_clients.HealthWatch,
    by_clients.IdleReflection,
    by_hosts.EventsFlood,
    by_hosts.PullFlood,
    by_hosts.LogFlood,
    by_hosts.EmptyFrames,
    by_hosts.LineInPieces,
    by_hosts.DeepPingError,
    by_hosts.Extremes,
    by_clients.Undecodable,
    by_hosts.EchoedSecrets,
)
ATTACKS = {attack.name: attack for attack in _CLASSES}
