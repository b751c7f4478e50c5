"""The examples that use the contracts by their ABI alone: the files of `examples/by-abi`, run as its page says."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from devnet.anvil import find_binary
from devnet.token import MIN_FEE, deploy_token
from tests.kit.chain.market import BOND, DEV_KEYS, FEE, IMPROVED, WORSE, TestMarket, Verdict, make_params, make_sender
from tests.kit.chain.market import build_parameters as build_deployment
from tests.kit.paths import ROOT
from tests.kit.waiting import until
from zarathustra.chain.abi import MODEL_SUBMISSION
from zarathustra.chain.contracts import SendingContract
from zarathustra.chain.deploy import deploy
from zarathustra.chain.deployment import dump_record
from zarathustra.chain.market import MarketReader
from zarathustra.chain.rpc import HttpRpc
