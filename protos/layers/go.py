"""The Go client: the methods of `Host` and `Fleet`, and the reasons of failures."""

from __future__ import annotations

import re
from collections.abc import Mapping

from protos.layers.model import Contract, Method, Reach, Service, Shape

PACKAGES = {"dockfleet.v1": "dockfleetv1", "dockfleet.fleet.v1": "dockfleetfleetv1"}
ACRONYMS = ("API",)
INFERRED = {Shape.RESUMING, Shape.UPLOAD, Shape.UPLOAD_STREAM, Shape.SESSION}
"""The shapes whose Go functions need their types: Go does not infer those that only pointers to messages have."""

HEADER = """// Code generated from the contract by protos/generate_clients.py. DO NOT EDIT.

package dockfleet
"""


def files(contract: Contract) -> Mapping[str, str]:
    """Return the generated files."""
    return {
        "clients/go/dockfleet/generated.go": _methods(contract),
        "clients/go/dockfleet/reasons.go": _reasons(contract),
    }


def _reasons(contract: Contract) -> str:
    """Return a constant for each reason."""
    constants = []
    for reason in contract.reasons:
        name = "".join(word if word in ACRONYMS else word.capitalize() for word in reason.name.split("_"))
        comment = _comment(reason.comment, indent="\t")
        constants.append(f'{comment}\tReason{name} Reason = "{reason.name}"\n')
    return f"{HEADER}\n// The reasons of failures.  A newer gateway may give others.\nconst (\n{''.join(constants)})\n"


def _methods(contract: Contract) -> str:
    """Return the stubs of all services, and a method for each RPC."""
    services = contract.services
    width = max(len(_field(each)) for each in services)
    stubs = "".join(f"\t{_field(each):{width}} {_package(each.full_name)}.{each.name}Client\n" for each in services)
    made = "".join(f"\t\t{_package(each.full_name)}.New{each.name}Client(connection),\n" for each in services)
    return (
        f"{HEADER}\n"
        'import (\n\t"context"\n\t"io"\n\t"iter"\n\n\t"google.golang.org/grpc"\n\n'
        '\t"dockfleet.internal/go/dockfleetfleetv1"\n\t"dockfleet.internal/go/dockfleetv1"\n)\n\n'
        f"// stubs are the generated clients of all services.\ntype stubs struct {{\n{stubs}}}\n\n"
        f"func newStubs(connection grpc.ClientConnInterface) *stubs {{\n\treturn &stubs{{\n{made}\t}}\n}}\n"
        + "".join(_method(service, method) for service in services for method in service.methods)
    )


def _method(service: Service, method: Method) -> str:
    """Return the method of an RPC, with its comment."""
    bound = service.reach is Reach.HOST
    receiver, fleet = ("h *Host", "h.fleet") if bound else ("f *Fleet", "f")
    call = f"{fleet}.stubs.{_field(service)}.{method.name}"
    name = "start" if method.start != method.request else "request"
    argument = f"bound(h, {name})" if bound else name
    response = _type(method.response)
    uploads = method.shape in (Shape.UPLOAD, Shape.UPLOAD_STREAM)
    result, function = {
        Shape.UNARY: (f"({response}, error)", "unary"),
        Shape.STREAM: (f"iter.Seq2[{response}, error]", "stream"),
        Shape.RESUMING: (f"iter.Seq2[{response}, error]", "resuming"),
        Shape.DOWNLOAD: ("io.ReadCloser", "download"),
        Shape.UPLOAD: (f"({response}, error)", "upload"),
        Shape.UPLOAD_STREAM: (f"iter.Seq2[{response}, error]", "uploadStream"),
        Shape.SESSION: ("(*Session, error)", "session"),
    }[method.shape]
    types = f"[{_type(method.request)[1:]}, {_type(method.response)[1:]}]" if method.shape in INFERRED else ""
    retry = f"{fleet}.retry, " if method.shape is Shape.RESUMING else ""
    parameters = f"ctx context.Context, {name} {_type(method.start)}{', data io.Reader' if uploads else ''}"
    arguments = f"ctx, {retry}{call}, {argument}{', data' if uploads else ''}"
    return (
        f"\n{_comment(f'{method.name} {_lower(method.comment)}')}"
        f"func ({receiver}) {method.name}({parameters}) {result} {{\n\treturn {function}{types}({arguments})\n}}\n"
    )


def _field(service: Service) -> str:
    """Return the name of a service's stub: `containers`."""
    name = service.name.removesuffix("Service").lower()
    return f"{name}s" if name in ("container", "host", "image", "network", "volume") else name


def _package(full_name: str) -> str:
    return PACKAGES[full_name.rpartition(".")[0]]


def _type(full_name: str) -> str:
    return f"*{_package(full_name)}.{full_name.rpartition('.')[2]}"


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _comment(text: str, indent: str = "") -> str:
    """Return *text* as a comment; an empty line comes before a list, as gofmt wants it."""
    lines: list[str] = []
    for line in text.splitlines():
        is_item = re.match(r"\s*- ", line) is not None
        in_list = bool(lines) and re.match(r"//  ", lines[-1]) is not None
        if is_item and lines and lines[-1] != "//" and not in_list:
            lines.append("//")
        lines.append(f"// {line}".rstrip())
    return "".join(f"{indent}{line}\n" for line in lines)
