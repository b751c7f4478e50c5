// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title The quorum rules in integers, without division or rounding.
/// @dev The same rules in Python are in `zarathustra/core/quorum.py`. If no operator votes both ways on one evaluation,
///      it cannot reach both approval and rejection.
library Quorum {
    uint256 internal constant BPS = 10_000;

    /// The range in which a project chooses its quorum. Below it, 66 % of the stake or less could decide. Above it,
    /// less than a tenth of the stake could stop every task.
    uint16 internal constant MIN_BPS = 6_600;
    uint16 internal constant MAX_BPS = 9_000;

    /// @notice Return whether more stake than the quorum approved.
    function isApproved(uint96 signed, uint96 total, uint16 quorumBps) internal pure returns (bool) {
        return uint256(signed) * BPS > uint256(total) * quorumBps;
    }

    /// @notice Return whether so much stake rejected that the rest cannot approve.
    function isRejected(uint96 rejected, uint96 total, uint16 quorumBps) internal pure returns (bool) {
        return uint256(rejected) * BPS >= uint256(total) * (BPS - quorumBps);
    }

    function isAllowed(uint16 quorumBps) internal pure returns (bool) {
        return quorumBps >= MIN_BPS && quorumBps <= MAX_BPS;
    }
}
