"""Codes are drawn at random, written once where only their owner reads them, and never repeated in an output."""

import re
import stat
from pathlib import Path

import pytest
from tests.support.codes import CODE, TEXT

from drawdown.errors import BadInput
from drawdown.operate.codes import draw_codes, hash_typed, issuing, withdrawing, write_once

TERMS = {"campaign": "spring", "currency": "USD", "amount": "10", "valid_seconds": 60}


def test_codes_have_ten_capitals_and_digits_and_differ() -> None:
    drawn = draw_codes(500)
    assert len(set(drawn)) == 500
    assert all(re.fullmatch("[A-Z0-9]{10}", code) for code in drawn)


def test_they_are_written_once_to_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    file = tmp_path / "codes.txt"
    write_once(file, ["AAAAAAAAAA", "BBBBBBBBBB"])
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with pytest.raises(BadInput, match="name a file that does not exist"):
        write_once(file, ["CCCCCCCCCC"])
    assert file.read_text() == "AAAAAAAAAA\nBBBBBBBBBB\n"


@pytest.mark.parametrize("typed", [TEXT, "ab12 cd34 ef", " AB12CD34EF\n"])
def test_capitals_and_spaces_do_not_matter(typed: str) -> None:
    assert hash_typed(typed) == CODE


@pytest.mark.parametrize("typed", ["", "AB12CD34E", "AB12CD34EFG", "AB12-CD34E", "ÄB12CD34EF"])
def test_what_is_no_code_is_refused_and_not_repeated(typed: str) -> None:
    with pytest.raises(BadInput) as refused:
        hash_typed(typed)
    assert not typed or typed not in str(refused.value)


def test_a_campaign_publishes_hashes_only() -> None:
    command = issuing(TEXT, TERMS)
    assert command["code"] == CODE
    assert TEXT not in repr(command)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"amount": "0"}, "above 0"),
        ({"expires": "2030-01-01T00:00:00Z"}, "one of the two"),
        ({"valid_seconds": None}, "one of the two"),
        ({"opens": "2030-01-02T00:00:00Z", "closes": "2030-01-01T00:00:00Z"}, "not after"),
        ({"amount": None}, "an amount"),
        ({"currency": "XXX"}, "XXX"),
    ],
)
def test_terms_that_no_code_can_have_are_refused_before_anything_is_written(
    change: dict[str, object], why: str
) -> None:
    with pytest.raises(BadInput, match=why):
        issuing(TEXT, TERMS | change)


def test_a_withdrawal_names_the_hash_only() -> None:
    command = withdrawing("ab12 cd34 ef", "an", "misprint", "w-1")
    assert (command["command"], command["code"], command["id"]) == ("withdraw_code", CODE, "w-1")
    assert TEXT not in repr(command)


@pytest.mark.parametrize(("operator", "reason"), [("", "misprint"), ("an", ""), ("an", "x" * 201)])
def test_a_withdrawal_by_nobody_or_for_nothing_is_refused(operator: str, reason: str) -> None:
    with pytest.raises(BadInput, match="the command would be refused"):
        withdrawing(TEXT, operator, reason, "w-1")
