"""All attacks, by name."""

from __future__ import annotations

from tests.attacks import by_answers, by_clients, by_floods, by_hosts, by_sshd
from tests.attacks.attack import Attack

_CLASSES: tuple[type[Attack], ...] = (
    by_clients.Nothing,
    by_hosts.ErrorText,
    by_clients.HostName,
    by_clients.ResumeToken,
    by_hosts.ProbeError,
    by_sshd.Sshd,
    by_answers.ManyContainers,
    by_answers.EmptyObjects,
    by_answers.FreeForm,
    by_answers.TinyChunks,
    by_clients.UnfinishedMessages,
    by_clients.SilentCalls,
    by_clients.Connections,
    by_clients.SilentScrapers,
    by_clients.RapidReset,
    by_clients.FrameFloods,
    by_clients.HealthWatch,
    by_clients.IdleReflection,
    by_floods.EventsFlood,
    by_floods.PullFlood,
    by_floods.LogFlood,
    by_floods.EmptyFrames,
    by_floods.LineInPieces,
    by_hosts.DeepPingError,
    by_hosts.Extremes,
    by_clients.Undecodable,
    by_hosts.EchoedSecrets,
)
ATTACKS = {attack.name: attack for attack in _CLASSES}
