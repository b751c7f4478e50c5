// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAvsGovernance} from "../interfaces/IAvsGovernance.sol";
import {SealedSet} from "../types/Types.sol";
import {Bits} from "./Bits.sol";
import {OperatorSet} from "./OperatorSet.sol";
import {Operators} from "./Operators.sol";

/// @title The versions of the operator set: when one can be sealed, and how long it holds the stake of those who left.
library SealedSets {
    using Bits for uint128;
    using Operators for Operators.State;

    struct State {
        mapping(uint32 version => SealedSet) versions; // from 1
        uint32 latest; // 0 before the first seal
        bool isDue; // an operator left: the next seal need not wait for the epoch
    }

    /// @notice Seal the active operators as the next version.
    function seal(State storage self, Operators.State storage operators, uint64 epochBlocks)
        internal
        returns (uint32 version)
    {
        uint32 latest = self.latest;
        uint64 nextBlock = latest == 0 ? 0 : self.versions[latest].sealedAt + epochBlocks;
        if (!self.isDue && block.number < nextBlock) revert IAvsGovernance.SealedTooRecently(nextBlock);

        (bytes memory blob, uint128 occupied, uint96 totalStake) = operators.encode();
        // The first set needs an operator. A later one may be empty, so that the last operators can get their stake.
        if (latest == 0 && occupied == 0) revert IAvsGovernance.NoOperators();
        version = latest + 1;
        self.latest = version;
        self.isDue = false;
        SealedSet memory set = SealedSet({
            pointer: OperatorSet.store(blob, occupied),
            sealedAt: uint40(block.number),
            count: uint8(occupied.count()),
            occupied: occupied,
            totalStake: totalStake
        });
        self.versions[version] = set;
        emit IAvsGovernance.OperatorSetSealed(version, set.pointer, set.count, set.totalStake);
    }

    /// @notice Return the block from which the stake of an operator that left can be withdrawn: `unbondingBlocks` after
    ///         the seal that follows `lastVersion`; the maximum until that seal; 0 if it left before any seal.
    function unbondedAt(State storage self, uint32 lastVersion, uint64 unbondingBlocks) internal view returns (uint64) {
        if (lastVersion == 0) return 0;
        if (lastVersion == self.latest) return type(uint64).max;
        return self.versions[lastVersion + 1].sealedAt + unbondingBlocks;
    }
}
