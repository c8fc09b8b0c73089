"""Names of images."""

from __future__ import annotations


def split_tag(reference: str) -> tuple[str, str]:
    """Return the repository and the tag or digest of *reference*; the second is empty when it has none."""
    if "@" in reference:
        repository, _, digest = reference.partition("@")
        return repository, digest
    repository, colon, tag = reference.rpartition(":")
    return (repository, tag) if colon and "/" not in tag else (reference, "")


def with_tag(reference: str) -> str:
    """Return *reference* with the tag `latest` when it has neither tag nor digest."""
    return reference if split_tag(reference)[1] else f"{reference}:latest"
