"""Tickets: what reveals a commitment, kept in files before anything is paid.

```
<folder>/<chain id>-<project id>-<commitment>.json            open: may still have to be committed or revealed
<folder>/finished/<chain id>-<project id>-<commitment>.json   its submission is final
```
A ticket is written once and never changed. The index of its submission is not in it: the chain knows it. Whoever has
the file can see the parameters' CID before the reveal, so only its owner can read it.
"""

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from zarathustra.chain.deployment import parse_json
from zarathustra.core.digests import commitment
from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Address, BlockNumber, Cid, ProjectId
from zarathustra.store.cid import canonical_cid
from zarathustra.store.durable import PRIVATE, sync_folder, write_new

FORMAT: Final = "ticket/1"
MAX_TICKET_BYTES: Final = 4096
SALT_LENGTH: Final = 32
FINISHED: Final = "finished"


@dataclass(frozen=True)
class Ticket:
    """The values that reveal one commitment of one account."""

    chain_id: int
    market: Address
    contributor: Address
    project_id: ProjectId
    parameters_cid: Cid
    salt: bytes
    drawn_at: BlockNumber  # the head then; the commit is in this block or later

    @property
    def commitment(self) -> bytes:
        """The 32 bytes that are committed on chain."""
        return bytes(
            commitment(self.chain_id, self.market, self.project_id, self.contributor, self.parameters_cid, self.salt)
        )

    @property
    def name(self) -> str:
        """The name of its file."""
        return f"{self.chain_id}-{self.project_id}-{self.commitment.hex()}.json"


def encode_ticket(ticket: Ticket) -> str:
    """Return the ticket as JSON."""
    document = {
        "format": FORMAT,
        "chain_id": ticket.chain_id,
        "market": "0x" + ticket.market.hex(),
        "contributor": "0x" + ticket.contributor.hex(),
        "project_id": ticket.project_id,
        "parameters_cid": ticket.parameters_cid,
        "salt": "0x" + ticket.salt.hex(),
        "drawn_at": ticket.drawn_at,
    }
    return json.dumps(document, indent=2) + "\n"


def parse_ticket(text: str) -> Ticket:
    """Parse a ticket. Raises Invalid(BAD_TICKET) with what was found and what was wanted."""
    try:
        document = parse_json(text)
    except ValueError as error:
        raise Invalid(Reason.BAD_TICKET, "the file is not the JSON of a ticket", cause=error) from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise Invalid(Reason.BAD_TICKET, f"the file is not a JSON object with the format {FORMAT!r}")
    try:
        cid = canonical_cid(_take_text(document, "parameters_cid"))
    except Invalid as error:
        raise Invalid(Reason.BAD_TICKET, "parameters_cid is not a CID") from error
    return Ticket(
        chain_id=_take_number(document, "chain_id"),
        market=Address(_take_bytes(document, "market", 20)),
        contributor=Address(_take_bytes(document, "contributor", 20)),
        project_id=ProjectId(_take_number(document, "project_id")),
        parameters_cid=cid,
        salt=_take_bytes(document, "salt", SALT_LENGTH),
        drawn_at=BlockNumber(_take_number(document, "drawn_at")),
    )


def draw_salt() -> bytes:
    """Return a new random salt."""
    return secrets.token_bytes(SALT_LENGTH)


class TicketFolder:
    """The tickets of one profile, for all its networks and accounts."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def create(self, ticket: Ticket) -> Path:
        """Keep a new ticket; return its file once it would survive a power failure.

        The file appears complete or not at all, and never replaces another one. Raises Invalid(BAD_TICKET) when the
        ticket is kept already or the folder cannot be written.
        """
        path = self._folder / ticket.name
        unfinished = self._folder / f".{ticket.name}.{secrets.token_hex(8)}"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_new(unfinished, encode_ticket(ticket).encode(), mode=PRIVATE)
            os.link(unfinished, path)  # unlike a rename, this refuses to replace a file
            unfinished.unlink()
            sync_folder(self._folder)
        except OSError as error:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
            raise Invalid(Reason.BAD_TICKET, "keep the ticket", path=path, error=error.strerror) from error
        return path

    def list_open(self, *, chain_id: int, market: Address, contributor: Address) -> Iterator[tuple[Path, Ticket]]:
        """Yield the open tickets of an account, in the order of their names. Raises as `load_ticket`."""
        for path in sorted(self._folder.glob(f"{chain_id}-*.json")):
            ticket = load_ticket(path)
            if (ticket.chain_id, ticket.market, ticket.contributor) == (chain_id, market, contributor):
                yield path, ticket

    def finish(self, path: Path) -> None:
        """Move the ticket of a final submission out of the way. Idempotent."""
        finished = path.parent / FINISHED
        finished.mkdir(mode=0o700, exist_ok=True)
        try:
            path.replace(finished / path.name)
        except FileNotFoundError:
            return
        sync_folder(finished)
        sync_folder(path.parent)


def load_ticket(path: Path) -> Ticket:
    """Read a ticket's file. Raises Invalid(BAD_TICKET) with the path."""
    try:
        if path.stat().st_size > MAX_TICKET_BYTES:
            raise Invalid(Reason.BAD_TICKET, "the file is too long for a ticket", path=path)
        return parse_ticket(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(Reason.BAD_TICKET, "read the ticket", path=path, error=error) from error
    except Invalid as error:
        raise Invalid(Reason.BAD_TICKET, error.message, path=path) from error


def _take_number(document: dict[str, Any], name: str) -> int:
    value = document.get(name)
    if type(value) is not int or not 0 <= value < 2**256:
        raise Invalid(Reason.BAD_TICKET, f"{name} is not a whole number, zero or more")
    return value


def _take_text(document: dict[str, Any], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str):
        raise Invalid(Reason.BAD_TICKET, f"{name} is not a text")
    return value


def _take_bytes(document: dict[str, Any], name: str, length: int) -> bytes:
    text = _take_text(document, name)
    try:
        value = bytes.fromhex(text.removeprefix("0x"))
    except ValueError as error:
        raise Invalid(Reason.BAD_TICKET, f"{name} is not 0x and hex digits") from error
    if len(value) != length:
        raise Invalid(Reason.BAD_TICKET, f"{name} has {len(value)} bytes in place of {length}")
    return value
