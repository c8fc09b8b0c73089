"""All attacks, by name."""

from __future__ import annotations

from tests.attacks import (
    by_answers,
    by_floods,
    by_frames,
    by_hosts,
    by_requests,
    by_silence,
    by_sizes,
    by_sshd,
    by_watches,
)
from tests.attacks.attack import Attack, Nothing

_CLASSES: tuple[type[Attack], ...] = (
    Nothing,
    by_hosts.ErrorText,
    by_requests.HostName,
    by_requests.ResumeToken,
    by_sizes.CostlySelectors,
    by_sizes.LargeRequests,
    by_hosts.ProbeError,
    by_sshd.Sshd,
    by_answers.ManyContainers,
    by_answers.ManyAnswers,
    by_answers.EmptyObjects,
    by_answers.FreeForm,
    by_answers.TinyChunks,
    by_silence.UnfinishedMessages,
    by_silence.SilentCalls,
    by_silence.Connections,
    by_silence.SilentScrapers,
    by_sizes.PipelinedScrapes,
    by_frames.RapidReset,
    by_frames.FrameFloods,
    by_watches.HealthWatch,
    by_watches.IdleReflection,
    by_floods.EventsFlood,
    by_floods.MergedEventsFlood,
    by_floods.PullFlood,
    by_floods.LogFlood,
    by_floods.MergedLogFlood,
    by_floods.WholeLog,
    by_floods.EmptyFrames,
    by_floods.LineInPieces,
    by_hosts.DeepPingError,
    by_hosts.Extremes,
    by_requests.Undecodable,
    by_hosts.EchoedSecrets,
)
ATTACKS = {attack.name: attack for attack in _CLASSES}
