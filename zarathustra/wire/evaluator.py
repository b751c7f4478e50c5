"""The request and the result of the evaluator service, and their bytes."""

from dataclasses import dataclass

from google.protobuf.message import DecodeError

from zarathustra.core.errors import Invalid
from zarathustra.core.outcomes import Code
from zarathustra.core.reasons import Reason
from zarathustra.core.types import MAX_SCORE_MICRO, Micro, Seed, validate_length, validate_range
from zarathustra.v1 import evaluator_pb2
from zarathustra.wire.varint import encode_varint

MAX_RESULT_BYTES = 64 * 1024  # two scores per round (at most 128 rounds) and a few words need far less
LENGTH_DELIMITED = 2  # protobuf's wire type of bytes
MAX_REQUEST_BYTES = 130 * 1024 * 1024  # two models of 64 MiB, with 2 MiB for everything else


@dataclass(frozen=True)
class EvaluateRequest:
    """All that one evaluation depends on. The artefacts are strangers' bytes, and their content is not checked here."""

    input_hash: bytes  # 32 bytes; names the evaluation in logs
    architecture: bytes
    evaluator: bytes
    champion: bytes
    challenger: bytes
    seed: Seed
    rounds: int

    def __post_init__(self) -> None:
        validate_length("input_hash", self.input_hash, 32)
        validate_length("seed", self.seed, 32)
        validate_range("rounds", self.rounds, 1, 65_535)


@dataclass(frozen=True)
class EvaluateResult:
    """The conclusion of one evaluation. VALID has both models' rounds and no reason; any other code has a reason.

    INVALID has the champion's rounds if the challenger failed while it was scored, because the champion runs first.
    `torch`, `numpy` and `cpu` name what computed the rounds.
    """

    code: Code
    reason: Reason | None
    champion_rounds: tuple[Micro, ...]
    challenger_rounds: tuple[Micro, ...]
    torch: str = ""
    numpy: str = ""
    cpu: str = ""

    def __post_init__(self) -> None:
        validate_range("code", self.code, Code.VALID, Code.EVALUATOR_FAILED)
        if (self.code == Code.VALID) != (self.reason is None):
            raise Invalid(Reason.UNPARSABLE, "a result has a reason exactly when it is not valid", code=self.code)
        if self.code == Code.VALID and len(self.champion_rounds) != len(self.challenger_rounds):
            raise Invalid(Reason.UNPARSABLE, "rounds are not paired")
        for score in (*self.champion_rounds, *self.challenger_rounds):
            validate_range("score", score, -MAX_SCORE_MICRO, MAX_SCORE_MICRO)


def encode_request_pieces(request: EvaluateRequest) -> tuple[bytes, ...]:
    """Return the request's bytes in pieces that hold the models without a copy: each may have 64 MiB.

    Equal requests give equal bytes, so that their hash can name a result. They are those of protobuf's deterministic
    encoder.
    """
    before = evaluator_pb2.EvaluateRequest(
        input_hash=request.input_hash, architecture=request.architecture, evaluator=request.evaluator
    )
    after = evaluator_pb2.EvaluateRequest(seed=request.seed, rounds=request.rounds)
    return (
        before.SerializeToString(deterministic=True),
        *_encode_bytes_field("champion", request.champion),
        *_encode_bytes_field("challenger", request.challenger),
        after.SerializeToString(deterministic=True),
    )


def _encode_bytes_field(name: str, value: bytes) -> tuple[bytes, ...]:
    """Encode one field: tag, length, and the value itself; nothing for an empty value, as proto3 says."""
    if not value:
        return ()
    number = evaluator_pb2.EvaluateRequest.DESCRIPTOR.fields_by_name[name].number
    return encode_varint(number << 3 | LENGTH_DELIMITED) + encode_varint(len(value)), value


def decode_request(data: bytes | bytearray) -> EvaluateRequest:
    """Return the request in `data`. Raises Invalid(UNPARSABLE)."""
    message = evaluator_pb2.EvaluateRequest()
    try:
        message.ParseFromString(data)  # type: ignore[arg-type]  # takes any buffer; its stubs say bytes
    except DecodeError as error:
        raise Invalid(Reason.UNPARSABLE, "parse protobuf", type="EvaluateRequest") from error
    return EvaluateRequest(
        input_hash=message.input_hash,
        architecture=message.architecture,
        evaluator=message.evaluator,
        champion=message.champion,
        challenger=message.challenger,
        seed=Seed(message.seed),
        rounds=message.rounds,
    )


def encode_result(result: EvaluateResult) -> bytes:
    message = evaluator_pb2.EvaluateResult(
        code=result.code,
        reason="" if result.reason is None else result.reason.code,
        champion_rounds=result.champion_rounds,
        challenger_rounds=result.challenger_rounds,
        torch=result.torch,
        numpy=result.numpy,
        cpu=result.cpu,
    )
    return message.SerializeToString(deterministic=True)


def decode_result(data: bytes) -> EvaluateResult:
    """Return the result in `data`. Raises Invalid(UNPARSABLE)."""
    message = evaluator_pb2.EvaluateResult()
    try:
        message.ParseFromString(data)
        code = Code(message.code)
        reason = Reason.from_code(message.reason) if message.reason else None
    except (DecodeError, ValueError, KeyError) as error:
        raise Invalid(Reason.UNPARSABLE, "parse protobuf", type="EvaluateResult") from error
    return EvaluateResult(
        code=code,
        reason=reason,
        champion_rounds=tuple(Micro(score) for score in message.champion_rounds),
        challenger_rounds=tuple(Micro(score) for score in message.challenger_rounds),
        torch=message.torch,
        numpy=message.numpy,
        cpu=message.cpu,
    )
