"""The comments of the contract name the statuses that tests show, and no others."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import grpc
import pytest
from dockfleet.v1 import common_pb2 as pb

from tests.real.statuses.rows import OF_SERVICES
from tests.real.statuses.rows import ROWS as REAL
from tests.rpc.scripted_statuses import ROWS as SCRIPTED
from tests.rpc.scripted_statuses import SLOW
from tests.rpc.test_fleet_selectors import OF_SERVICES as OF_FLEET
from tests.support import comments, contract
from tests.support.statuses import Status

LINES = comments.all_lines()
SHOWN = {
    *((row.rpc, row.status) for row in REAL),
    *((row.rpc, row.status) for row in SCRIPTED),
    *OF_SERVICES,
    *OF_FLEET,
    ("ExecService.Exec", SLOW),
}


def test_there_are_lists() -> None:
    """The comments are found: otherwise the tests below would check nothing after a change of their form."""
    assert len(LINES) > 130
    assert {line.scope.partition(".")[0] for line in LINES} == {service.name for service in contract.services()}
    assert sum(path.read_text().count("// Errors:") for path in contract.PROTOS) == len({line.scope for line in LINES})


def test_every_line_names_a_code_and_a_reason_that_exist() -> None:
    """Clients can be written by them."""
    codes = {code.name for code in grpc.StatusCode} - {"OK", "UNAUTHENTICATED", "INTERNAL"}
    reasons = {name.removeprefix("ERROR_REASON_") for name in pb.ErrorReason.DESCRIPTOR.values_by_name}

    assert [line for line in LINES if line.status.code not in codes] == []
    assert [line for line in LINES if line.status.reason not in reasons] == []


def test_no_status_is_named_twice() -> None:
    """One line says all about a status of an RPC."""
    counts = Counter((line.scope, line.status) for line in LINES)

    assert [which for which, count in counts.items() if count > 1] == []


def test_every_line_is_shown_by_a_test() -> None:
    """A status that no engine and no script gives is not named."""
    assert sorted((line.scope, str(line.status)) for line in LINES if (line.scope, line.status) not in SHOWN) == []


def test_every_status_that_a_test_shows_is_named() -> None:
    """A reader of the comment knows every status that was seen."""
    named = {(line.scope, line.status) for line in LINES}

    assert sorted((scope, str(status)) for scope, status in SHOWN - named) == []


def test_no_row_is_there_twice() -> None:
    """The names of rows of the same status differ."""
    counts = Counter(str(row) for rows in (REAL, SCRIPTED) for row in rows)

    assert [name for name, count in counts.items() if count > 1] == []


@pytest.mark.parametrize(
    "line",
    [
        "  - INVALID_ARGUMENT: the name is missing.",
        "  - NOT_FOUND: No such thing.",
        "  - NOT_FOUND: there is no full stop",
        "- NOT_FOUND: there is no indent.",
        "  - NOT_FOUND (reason UNKNOWN_HOST): that is another form.",
    ],
)
def test_a_line_of_another_form_is_found(tmp_path: Path, line: str) -> None:
    """A line that is not understood is an error."""
    file = tmp_path / "a.proto"
    file.write_text(f"// Errors:\n// {line}\nservice A {{\n}}\n")

    with pytest.raises((ValueError, AssertionError)):
        comments.lines(file)


def test_a_line_may_continue_in_the_next(tmp_path: Path) -> None:
    """Comments are as wide as the file allows."""
    file = tmp_path / "a.proto"
    file.write_text("// Errors:\n//   - NOT_FOUND: there is\n//     none.\nservice A {\n}\n")

    assert comments.lines(file) == [comments.Line("A", Status("NOT_FOUND", "NOT_FOUND"), "there is none.")]
