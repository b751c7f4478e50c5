// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAvsGovernance} from "../interfaces/IAvsGovernance.sol";
import {FeeShare, Operator, OperatorStatus, SealedSet} from "../types/Types.sol";
import {Bits} from "./Bits.sol";
import {OperatorSet} from "./OperatorSet.sol";

/// @title What operators have earned: one word for each settlement, for any number of signers.
library Settlements {
    using Bits for uint128;

    /// REJECTED: `value` of a guilty performer's stake is for those who rejected. Otherwise `value` is packed Roles.
    enum Kind {
        APPROVED,
        APPROVED_WITH_AGGREGATOR,
        REJECTED
    }

    struct Settlement {
        uint128 bitmap;
        uint32 setVersion;
        Kind kind;
        uint88 value;
    }

    /// Who else is paid for an approved evaluation, and from which project: 88 bits.
    struct Parts {
        uint40 projectId;
        uint8 performerSlot;
        uint8 posterSlot;
        uint32 signedShare; // as in Verdict
    }

    /// What one operator earned in a range of settlements: parts of fees, and slashed stake.
    struct Earned {
        FeeShare[] shares;
        uint96 slashed;
    }

    function pack(Parts memory parts) internal pure returns (uint88) {
        return (uint88(parts.projectId) << 48) | (uint88(parts.performerSlot) << 40) | (uint88(parts.posterSlot) << 32)
            | parts.signedShare;
    }

    /// @notice Return what the operator earned in [from, end). Its part of a settlement is its stake of the whole set's:
    ///         nobody earns more when another's signature is left out.
    /// @dev A slot's bit is the operator's: another held the slot only in sets whose tasks were over before it
    ///      registered, or will hold it only in versions after it left.
    function earnedBy(
        Settlement[] storage self,
        IAvsGovernance governance,
        Operator memory operator,
        uint64 from,
        uint64 end
    ) internal view returns (Earned memory earned) {
        FeeShare[] memory shares = new FeeShare[](end - from);
        bool hasLeft = operator.status > OperatorStatus.ACTIVE;
        uint32 version = 0;
        SealedSet memory set;
        uint96 stake;
        uint256 count = 0;
        for (uint64 number = from; number < end; ++number) {
            Settlement memory record = self[number];
            if (!_isPaid(record, operator.slot) || (hasLeft && record.setVersion > operator.lastVersion)) continue;
            if (record.setVersion != version) {
                version = record.setVersion;
                set = governance.sealedSet(version);
                (, stake) = OperatorSet.entryIn(set.pointer, operator.slot);
            }
            if (record.kind == Kind.REJECTED) earned.slashed += partOf(record.value, stake, set.totalStake);
            else shares[count++] = _feeShare(record, operator.slot, stake, set.totalStake);
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

    function _isPaid(Settlement memory record, uint8 slot) private pure returns (bool) {
        if (record.bitmap.has(slot)) return true;
        if (record.kind == Kind.REJECTED) return false;
        Parts memory parts = _unpack(record.value);
        return slot == parts.performerSlot || _isPaidPoster(record.kind, parts, slot);
    }

    function _feeShare(Settlement memory record, uint8 slot, uint96 stake, uint96 total)
        private
        pure
        returns (FeeShare memory)
    {
        Parts memory parts = _unpack(record.value);
        return FeeShare({
            projectId: parts.projectId,
            isPerformer: slot == parts.performerSlot,
            isAggregatorPaid: record.kind == Kind.APPROVED_WITH_AGGREGATOR,
            aggregatorShare: _isPaidPoster(record.kind, parts, slot) ? parts.signedShare : 0,
            stake: record.bitmap.has(slot) ? stake : 0,
            totalStake: total
        });
    }

    function _isPaidPoster(Kind kind, Parts memory parts, uint8 slot) private pure returns (bool) {
        return kind == Kind.APPROVED_WITH_AGGREGATOR && slot == parts.posterSlot;
    }

    function _unpack(uint88 value) private pure returns (Parts memory) {
        // forge-lint: disable-start(unsafe-typecast) The cuts are intended: see `pack`.
        return Parts(uint40(value >> 48), uint8(value >> 40), uint8(value >> 32), uint32(value));
        // forge-lint: disable-end(unsafe-typecast)
    }
}
