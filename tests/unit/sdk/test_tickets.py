"""Tickets in their folder: written once, whole or not at all, for their owner alone."""

import json
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Address, BlockNumber, Cid, ProjectId
from zarathustra.sdk.tickets import MAX_TICKET_BYTES, Ticket, TicketFolder, encode_ticket, load_ticket, parse_ticket

pytestmark = pytest.mark.unit

TICKET = Ticket(
    chain_id=31337,
    market=Address(b"\x11" * 20),
    contributor=Address(b"\x22" * 20),
    project_id=ProjectId(7),
    parameters_cid=Cid("bafkreibupl3ocy5dbtayhfcufrkk6ndrmacm4aoms3edylyw2eaqgcsgmu"),
    salt=b"\x33" * 32,
    drawn_at=BlockNumber(99),
)


def list_open(folder: TicketFolder, ticket: Ticket = TICKET) -> list[Ticket]:
    found = folder.list_open(chain_id=ticket.chain_id, market=ticket.market, contributor=ticket.contributor)
    return [ticket for _path, ticket in found]


def test_parse__encoded_ticket__is_equal() -> None:
    assert parse_ticket(encode_ticket(TICKET)) == TICKET


def test_create__new_ticket__is_there_for_its_owner_only(tmp_path: Path) -> None:
    folder = TicketFolder(tmp_path / "a" / "tickets")
    path = folder.create(TICKET)
    assert load_ticket(path) == TICKET
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert os.listdir(path.parent) == [path.name]


def test_create__ticket_is_kept_already__is_refused_and_unchanged(tmp_path: Path) -> None:
    folder = TicketFolder(tmp_path)
    path = folder.create(TICKET)
    content = path.read_bytes()
    with pytest.raises(Invalid) as caught:
        folder.create(replace(TICKET, drawn_at=BlockNumber(100)))  # the same commitment
    assert caught.value.reason is Reason.BAD_TICKET
    assert path.read_bytes() == content
    assert os.listdir(tmp_path) == [path.name]


def test_create__same_file_again_with_another_salt__has_a_ticket_of_its_own(tmp_path: Path) -> None:
    folder = TicketFolder(tmp_path)
    other = replace(TICKET, salt=b"\x44" * 32)
    assert folder.create(TICKET) != folder.create(other)
    assert set(list_open(folder)) == {TICKET, other}


def test_create__folder_is_a_file__is_refused_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "tickets").write_text("")
    with pytest.raises(Invalid) as caught:
        TicketFolder(tmp_path / "tickets").create(TICKET)
    assert caught.value.reason is Reason.BAD_TICKET


def test_list_open__other_accounts_and_networks__are_left_out(tmp_path: Path) -> None:
    folder = TicketFolder(tmp_path)
    others = (
        replace(TICKET, chain_id=1),
        replace(TICKET, market=Address(b"\x55" * 20)),
        replace(TICKET, contributor=Address(b"\x66" * 20)),
    )
    for ticket in (TICKET, *others):
        folder.create(ticket)
    assert list_open(folder) == [TICKET]


def test_list_open__no_folder_yet__is_empty(tmp_path: Path) -> None:
    assert list_open(TicketFolder(tmp_path / "none")) == []


def test_finish__final_submission__is_put_away_once(tmp_path: Path) -> None:
    folder = TicketFolder(tmp_path)
    path = folder.create(TICKET)
    folder.finish(path)
    folder.finish(path)
    assert list_open(folder) == []
    assert load_ticket(tmp_path / "finished" / path.name) == TICKET


def changed(**changes: object) -> str:
    return json.dumps({**json.loads(encode_ticket(TICKET)), **changes})


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "JSON"),
        ("[" * 100_000, "JSON"),
        ("[]", "ticket/1"),
        ("{}", "ticket/1"),
        (changed(format="ticket/2"), "ticket/1"),
        (changed(project_id=-1), "project_id"),
        (changed(project_id=True), "project_id"),
        (changed(project_id=1.0), "project_id"),
        (changed(chain_id=None), "chain_id"),
        (changed(salt="0x33"), "salt has 1 bytes in place of 32"),
        (changed(salt="0xzz"), "salt"),
        (changed(salt=5), "salt"),
        (changed(market="0x11"), "market"),
        (changed(parameters_cid="hello"), "parameters_cid"),
        (changed(drawn_at="9"), "drawn_at"),
    ],
)
def test_parse__malformed__says_what_is_wrong(text: str, word: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_ticket(text)
    assert caught.value.reason is Reason.BAD_TICKET
    assert word in caught.value.message


@pytest.mark.parametrize("content", [b"\xff\xfe", b" " * (MAX_TICKET_BYTES + 1)])
def test_load__no_text_or_too_long__is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "ticket.json"
    path.write_bytes(content)
    with pytest.raises(Invalid) as caught:
        load_ticket(path)
    assert caught.value.details["path"] == path


def test_load__missing_or_a_folder__is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(Invalid) as caught:
            load_ticket(path)
        assert caught.value.reason is Reason.BAD_TICKET
