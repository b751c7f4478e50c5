// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title When stake decides, in integers: no division, no rounding.
/// @dev The Python twin is `zarathustra/core/quorum.py`. Approval and rejection exclude each other for any one vote.
library Quorum {
    uint256 internal constant BPS = 10_000;

    /// A project may ask for any quorum in this range. Below, two thirds could not be meant; above, one absent operator
    /// in ten would stop every task.
    uint16 internal constant MIN_BPS = 6_600;
    uint16 internal constant MAX_BPS = 9_000;

    /// @notice Whether strictly more than the quorum approved.
    function isApproved(uint96 signed, uint96 total, uint16 quorumBps) internal pure returns (bool) {
        return uint256(signed) * BPS > uint256(total) * quorumBps;
    }

    /// @notice Whether so much stake rejected that approval has become impossible.
    function isRejected(uint96 rejected, uint96 total, uint16 quorumBps) internal pure returns (bool) {
        return uint256(rejected) * BPS >= uint256(total) * (BPS - quorumBps);
    }

    function isAllowed(uint16 quorumBps) internal pure returns (bool) {
        return quorumBps >= MIN_BPS && quorumBps <= MAX_BPS;
    }
}
