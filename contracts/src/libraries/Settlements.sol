// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAvsGovernance} from "../interfaces/IAvsGovernance.sol";
import {FeeShare, Operator, OperatorStatus, SealedSet} from "../types/Types.sol";
import {Bits} from "./Bits.sol";
import {OperatorSet} from "./OperatorSet.sol";

/// @title What signers have earned: one word for each settlement, for any number of signers.
library Settlements {
    using Bits for uint128;

    /// REJECTED: `value` of a guilty performer's stake is for those who rejected. APPROVED: `value` is the project.
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

    /// What one operator earned in a range of settlements: parts of fees, and slashed stake.
    struct Earned {
        FeeShare[] shares;
        uint96 slashed;
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
            if (!record.bitmap.has(operator.slot) || (hasLeft && record.setVersion > operator.lastVersion)) continue;
            if (record.setVersion != version) {
                version = record.setVersion;
                set = governance.sealedSet(version);
                (, stake) = OperatorSet.entryIn(set.pointer, operator.slot);
            }
            if (record.kind == Kind.REJECTED) earned.slashed += partOf(record.value, stake, set.totalStake);
            else shares[count++] = _feeShare(record, stake, set.totalStake);
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

    function _feeShare(Settlement memory record, uint96 stake, uint96 total) private pure returns (FeeShare memory) {
        return FeeShare({
            // forge-lint: disable-next-line(unsafe-typecast) A project's number: see Kind.
            projectId: uint40(record.value),
            isAggregatorPaid: record.kind == Kind.APPROVED_WITH_AGGREGATOR,
            stake: stake,
            totalStake: total
        });
    }
}
