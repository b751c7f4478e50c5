// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAvsGovernance} from "../interfaces/IAvsGovernance.sol";
import {Center, Settlement, SettlementKind, SettlementParts} from "../types/Center.sol";
import {FeeShare, Operator, OperatorStatus, SealedSet} from "../types/Types.sol";
import {Bits} from "./Bits.sol";
import {OperatorSet} from "./OperatorSet.sol";

/// @title What operators have earned: one word for each settlement, for any number of signers.
library Settlements {
    using Bits for uint128;

    /// What one operator earned in a range of settlements: parts of fees, and slashed stake.
    struct Earned {
        FeeShare[] shares;
        uint96 slashed;
    }

    /// @notice Store what an approval earns its signers, its performer and, in its turn, its poster.
    function recordApproval(
        Center storage self,
        uint128 bitmap,
        uint32 setVersion,
        bool hasTurn,
        SettlementParts memory parts
    ) internal returns (uint32 number) {
        SettlementKind kind = hasTurn ? SettlementKind.APPROVED_WITH_AGGREGATOR : SettlementKind.APPROVED;
        return _record(self, Settlement(bitmap, setVersion, kind, _pack(parts)));
    }

    /// @notice Store which part of a guilty performer's stake is for those who rejected its evaluation.
    function recordRejection(Center storage self, uint128 bitmap, uint32 setVersion, uint88 value) internal {
        _record(self, Settlement(bitmap, setVersion, SettlementKind.REJECTED, value));
    }

    /// @notice Return the number of the settlement at which the operator's next claim starts.
    function cursorOf(Center storage self, address operator, uint40 firstSettlement) internal view returns (uint64) {
        uint64 cursor = self.cursors[operator];
        return cursor < firstSettlement ? firstSettlement : cursor;
    }

    /// @notice Return what the operator earned in [from, end). Its part of a settlement is its stake of the whole set's:
    ///         nobody earns more when another's signature is left out.
    /// @dev A slot's bit is the operator's: another held the slot only in sets whose tasks were over before it
    ///      registered, or will hold it only in versions after it left.
    function earnedBy(Center storage self, IAvsGovernance governance, Operator memory operator, uint64 from, uint64 end)
        internal
        view
        returns (Earned memory earned)
    {
        FeeShare[] memory shares = new FeeShare[](end - from);
        bool hasLeft = operator.status > OperatorStatus.ACTIVE;
        uint32 version = 0;
        SealedSet memory set;
        uint96 stake;
        uint256 count = 0;
        for (uint64 number = from; number < end; ++number) {
            Settlement memory settlement = self.settlements[number];
            if (hasLeft && settlement.setVersion > operator.lastVersion) continue;
            bool hasSigned = settlement.bitmap.has(operator.slot);
            FeeShare memory share = _rolesIn(settlement, operator.slot);
            if (!hasSigned && !share.isPerformer && share.aggregatorShare == 0) continue;

            if (settlement.setVersion != version) {
                version = settlement.setVersion;
                set = governance.sealedSet(version);
                // slither-disable-next-line unused-return The slot's holder is this operator: see above.
                (, stake) = OperatorSet.entryIn(set.pointer, operator.slot);
            }
            if (settlement.kind == SettlementKind.REJECTED) {
                earned.slashed += partOf(settlement.value, stake, set.totalStake);
                continue;
            }
            share.stake = hasSigned ? stake : 0;
            share.totalStake = set.totalStake;
            shares[count++] = share;
        }
        // Solidity cannot shorten an array in memory. `count` is never larger than the old length.
        assembly ("memory-safe") {
            mstore(shares, count)
        }
        earned.shares = shares;
    }

    /// @notice Return floor(amount × stake / total).
    function partOf(uint256 amount, uint96 stake, uint96 total) internal pure returns (uint96) {
        // forge-lint: disable-next-line(unsafe-typecast) At most `amount`, which its callers keep below 2⁹⁶.
        return uint96(amount * stake / total);
    }

    /// @dev What the operator in `slot` did besides signing. A rejection pays for nothing else.
    function _rolesIn(Settlement memory settlement, uint8 slot) private pure returns (FeeShare memory share) {
        if (settlement.kind == SettlementKind.REJECTED) return share;
        SettlementParts memory parts = _unpack(settlement.value);
        share.projectId = parts.projectId;
        share.isPerformer = slot == parts.performerSlot;
        share.isAggregatorPaid = settlement.kind == SettlementKind.APPROVED_WITH_AGGREGATOR;
        if (share.isAggregatorPaid && slot == parts.posterSlot) share.aggregatorShare = parts.signedShare;
    }

    function _record(Center storage self, Settlement memory settlement) private returns (uint32 number) {
        number = self.settlementCount;
        self.settlementCount = number + 1;
        self.settlements[number] = settlement;
    }

    function _pack(SettlementParts memory parts) private pure returns (uint88) {
        return (uint88(parts.projectId) << 48) | (uint88(parts.performerSlot) << 40) | (uint88(parts.posterSlot) << 32)
            | parts.signedShare;
    }

    function _unpack(uint88 value) private pure returns (SettlementParts memory) {
        // forge-lint: disable-start(unsafe-typecast) The cuts are intended: see `_pack`.
        return SettlementParts(uint40(value >> 48), uint8(value >> 40), uint8(value >> 32), uint32(value));
        // forge-lint: disable-end(unsafe-typecast)
    }
}
