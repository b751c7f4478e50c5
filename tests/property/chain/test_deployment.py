"""Deployment files: any deployment survives dump and parse; a file with any name removed or added is refused."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kit.chain.deployment import build_record
from zarathustra.chain.deploy_parameters import PLAIN_FIELDS, DeploymentParameters, TimelockParameters
from zarathustra.chain.deployment import DeploymentRecord, dump_record, parse_record, to_document
from zarathustra.core.types import ZERO_ADDRESS, Address

pytestmark = pytest.mark.property

MESSAGE = "lacks|unknown names|needs one holder|without proposers|roles are not|exactly when|is not an object"
ADDRESSES = st.binary(min_size=20, max_size=20).filter(any).map(Address)
AMOUNTS = st.integers(0, 2**96 - 1)
LISTS = st.lists(ADDRESSES, min_size=1, max_size=3, unique=True).map(tuple)
VALUES = {"is_registration_open": st.booleans(), "stake_token": ADDRESSES | st.just(ZERO_ADDRESS)}


@st.composite
def records(draw: st.DrawFn) -> DeploymentRecord:
    timelocks = st.builds(
        TimelockParameters,
        proposers=LISTS,
        executors=LISTS | st.just((ZERO_ADDRESS,)),
        delay_s=st.integers(0, 2**64),
    )
    accounts: dict[str, Any] = {name: draw(ADDRESSES) for name in ("guardian", "resolver", "treasury")}
    plain: dict[str, Any] = {name: draw(VALUES.get(name, AMOUNTS)) for name in PLAIN_FIELDS}
    return build_record(DeploymentParameters(admin=draw(timelocks | ADDRESSES), **accounts, **plain))


def list_objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in a document, itself included."""
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from list_objects(item)


@given(records())
def test_parse_record__any_deployment_dumped__is_the_same(record: DeploymentRecord) -> None:
    text = dump_record(record)
    assert parse_record(text) == record
    assert dump_record(parse_record(text)) == text


@given(records(), st.data())
def test_parse_record__any_name_removed__is_refused(record: DeploymentRecord, data: st.DataObject) -> None:
    document = to_document(record)
    place = data.draw(st.sampled_from(list(list_objects(document))))
    del place[data.draw(st.sampled_from(sorted(place)))]
    with pytest.raises(ValueError, match=MESSAGE):
        parse_record(json.dumps(document))


@given(records(), st.data(), st.text(max_size=12))
def test_parse_record__any_name_added__is_refused(record: DeploymentRecord, data: st.DataObject, name: str) -> None:
    document = to_document(record)
    place = data.draw(st.sampled_from(list(list_objects(document))))
    if name in place:
        return
    place[name] = next(iter(place.values()))
    with pytest.raises(ValueError, match=MESSAGE):
        parse_record(json.dumps(document))
