// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAttestationCenter} from "../interfaces/IAttestationCenter.sol";
import {Center} from "../types/Center.sol";
import {OperatorSet} from "./OperatorSet.sol";

/// @title The parameters of AttestationCenter, which its timelock may change.
library Settings {
    uint16 private constant MAX_SLASH_BPS = 10_000;

    function setParameters(Center storage self, IAttestationCenter.Parameters memory next) internal {
        _require(next.minOperators != 0 && next.minOperators <= OperatorSet.SLOTS, "minOperators");
        _require(next.turnBlocks != 0, "turnBlocks");
        _require(next.guiltySlashBps <= MAX_SLASH_BPS, "guiltySlashBps");
        _require(next.conflictSlashBps <= MAX_SLASH_BPS, "conflictSlashBps");
        _require(next.overturnedSlashBps <= MAX_SLASH_BPS, "overturnedSlashBps");
        self.minOperators = next.minOperators;
        self.turnBlocks = next.turnBlocks;
        self.guiltySlashBps = next.guiltySlashBps;
        self.conflictSlashBps = next.conflictSlashBps;
        self.overturnedSlashBps = next.overturnedSlashBps;
        emit IAttestationCenter.ParametersChanged(next);
    }

    function getParameters(Center storage self) internal view returns (IAttestationCenter.Parameters memory) {
        return IAttestationCenter.Parameters({
            minOperators: self.minOperators,
            turnBlocks: self.turnBlocks,
            guiltySlashBps: self.guiltySlashBps,
            conflictSlashBps: self.conflictSlashBps,
            overturnedSlashBps: self.overturnedSlashBps
        });
    }

    function _require(bool isFine, string memory name) private pure {
        if (!isFine) revert IAttestationCenter.BadParameter(name);
    }
}
