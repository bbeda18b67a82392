"""Every error names operation, subject, cause and advice, and has its own code."""

from collections.abc import Iterator
from itertools import chain

import pytest

from connector.domain import errors
from connector.domain.errors import (
    AssetError,
    ConfigError,
    ConnectorError,
    CycleError,
    InternalError,
    MalformedAsset,
    RateLimited,
    TransientError,
    Unavailable,
)
from connector.engine import embedding_lag
from tests.comparing import differences


def subclasses(of: type[ConnectorError]) -> Iterator[type[ConnectorError]]:
    return chain([of], *(subclasses(it) for it in of.__subclasses__()))


BRANCHES = "│├└─ "
OURS = [it for it in subclasses(ConnectorError) if it.__module__ in {errors.__name__, embedding_lag.__name__}]


def test_a_message_names_operation_subject_cause_and_advice() -> None:
    error = ConfigError("sync index", "index-1", "it has no model", "Remove it")
    assert str(error) == "sync index index-1: it has no model. Remove it."


@pytest.mark.parametrize(
    ("subject", "advice", "message"),
    [
        ("", "Wait", "read: it is gone. Wait."),
        ("file", "", "read file: it is gone"),
        ("", "", "read: it is gone"),
    ],
)
def test_a_message_leaves_out_what_is_not_known(subject: str, advice: str, message: str) -> None:
    assert str(ConnectorError("read", subject, "it is gone", advice)) == message


def test_sentences_end_once() -> None:
    error = ConnectorError("read", "file", "it is gone.", "Wait.")
    assert str(error) == "read file: it is gone. Wait."


def test_every_error_has_its_own_code() -> None:
    codes = [error.code for error in OURS]
    assert len(codes) == len(set(codes)) == 18


def test_codes_are_the_names_in_lower_case() -> None:
    named = {error.__name__: error.code.replace("_", "") for error in OURS}
    assert {name.lower() for name in named} == set(named.values())


def test_every_error_has_exactly_one_radius() -> None:
    radii = {ConfigError, TransientError, AssetError, CycleError, InternalError}
    assert [error for error in OURS[1:] if len(radii & set(error.__mro__)) != 1] == []


def test_the_drawn_tree_is_the_tree() -> None:
    def drawn(depth: int, of: type[ConnectorError]) -> list[tuple[int, str]]:
        below = [it for it in of.__subclasses__() if it.__module__ == errors.__name__]
        return [(depth, of.__name__), *chain.from_iterable(drawn(depth + 1, it) for it in below)]

    tree = (errors.__doc__ or "").split("\n\n")[1].splitlines()
    names = [line.lstrip(BRANCHES) for line in tree]
    found = [((len(line) - len(name)) // 3, name.split()[0]) for line, name in zip(tree, names, strict=True)]
    assert found == drawn(0, ConnectorError)


def test_transient_errors_name_their_side() -> None:
    limited = RateLimited("list", "index-1", "429", side="source", retry_after=2.5)
    assert (limited.side, limited.retry_after) == ("source", 2.5)
    assert Unavailable("write", "collection", "time-out", side="sink").side == "sink"
    assert RateLimited("list", "index-1", "429", side="sink", retry_after=None).retry_after is None


def test_the_parts_can_be_read_by_programs() -> None:
    error = MalformedAsset("read", "asset-1", "a zero vector.", "Re-index it.")
    told = {"operation": "read", "subject": "asset-1", "cause": "a zero vector", "advice": "Re-index it"}
    assert differences(error, **told) == {}


def test_a_bug_of_ours_is_named_by_type_and_message() -> None:
    error = InternalError.of(ZeroDivisionError("by nothing"), "work on asset", "a")
    assert str(error).startswith("work on asset a: ZeroDivisionError: by nothing. This is a bug in the connector")


def test_a_bug_of_ours_quotes_no_more_than_a_reader_can_bear() -> None:
    assert len(str(InternalError.of(ValueError("x" * 100_000), "work on asset", "a"))) < 1000
