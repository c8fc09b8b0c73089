"""What tests ask of etcd, by a way other than the gateway's own."""

from __future__ import annotations

import base64
import itertools
import json
from typing import Any

from deploy.private_engines.stores import Etcd

_PREFIXES = itertools.count(1)


class Keys:
    """The keys of one fleet in an etcd, by its JSON gateway."""

    def __init__(self, etcd: Etcd) -> None:
        self.etcd = etcd
        self.prefix = f"/fleet-{next(_PREFIXES)}/"
        self.headers: dict[str, str] = {}

    def put(self, key: str, value: Any, *, lease: str = "0") -> str:
        """Write a key; a value that is no text as JSON.  Return the revision."""
        text = value if isinstance(value, str) else json.dumps(value)
        body = {"key": encoded(self.prefix + key), "value": encoded(text), "lease": lease}
        return str(self.call("kv/put", body)["header"]["revision"])

    def delete(self, key: str) -> None:
        """Delete a key."""
        self.call("kv/deleterange", {"key": encoded(self.prefix + key)})

    def get(self, key: str) -> str | None:
        """The value of a key."""
        found = self.call("kv/range", {"key": encoded(self.prefix + key)}).get("kvs", [])
        return base64.b64decode(found[0].get("value", "")).decode() if found else None

    def lease(self, seconds: int) -> str:
        """A lease that ends by itself."""
        return str(self.call("lease/grant", {"TTL": seconds})["ID"])

    def call(self, path: str, body: dict[str, Any]) -> Any:
        """Call an RPC of etcd."""
        return self.etcd.request("POST", f"/v3/{path}", body, self.headers)


def encoded(text: str) -> str:
    """A text as etcd's JSON has it."""
    return base64.b64encode(text.encode()).decode()
