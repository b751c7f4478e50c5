// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {BondShares} from "../types/Market.sol";
import {Outcome, RewardRule, Verdict} from "../types/Types.sol";

/// @title Shares of rewards, fees and bonds. Rounds down; the attesters' part of a fee gets the remainder.
library Rewards {
    uint256 internal constant PERFORMER_PERCENT = 40;
    uint256 internal constant AGGREGATOR_PERCENT = 10;

    /// @notice Return the reward of an IMPROVED submission.
    /// @dev `maxReward` limits each submission alone. LINEAR: slicing one gain into several submissions pays no more
    ///      while `rate` × gain ≤ `maxReward`; a larger gain pays more in slices. FIXED: every slice pays `maxReward`.
    function rewardOf(RewardRule rule, uint128 maxReward, uint128 rate, int64 gainLowerBound)
        internal
        pure
        returns (uint128)
    {
        if (rule == RewardRule.FIXED) return maxReward;
        uint256 linear = uint256(rate) * uint64(gainLowerBound); // positive, because minGain is
        return linear < maxReward ? uint128(linear) : maxReward;
    }

    /// @notice Split one evaluation fee. If no aggregator is paid, its part goes to the attesters.
    /// @dev The aggregator's part grows with the signed stake, so an aggregator that omits signatures earns less.
    function splitFee(uint128 fee, Verdict calldata verdict)
        internal
        pure
        returns (uint128 performer, uint128 aggregator, uint128 attesters)
    {
        performer = uint128(uint256(fee) * PERFORMER_PERCENT / 100);
        if (verdict.aggregatorReceiver != address(0)) {
            aggregator =
                uint128(uint256(fee) * AGGREGATOR_PERCENT * verdict.signedStake / (100 * uint256(verdict.totalStake)));
        }
        attesters = fee - performer - aggregator;
    }

    /// @notice Split a challenger's bond by its outcome. Each line is a row of the outcome table in `docs/protocol.md`.
    function splitBond(Outcome outcome, uint128 bond, uint128 fee, bool ownerPaysMisses)
        internal
        pure
        returns (BondShares memory)
    {
        if (outcome == Outcome.IMPROVED || outcome == Outcome.EVALUATOR_FAILED) return BondShares(bond, 0, true);
        if (outcome == Outcome.NOT_IMPROVED && ownerPaysMisses) return BondShares(bond, 0, true);
        if (outcome == Outcome.NOT_IMPROVED || outcome == Outcome.UNAVAILABLE) return BondShares(bond - fee, 0, false);
        if (outcome == Outcome.WORSE || outcome == Outcome.INVALID) return BondShares(0, bond - fee, false);
        if (outcome == Outcome.UNREVEALED) return BondShares(0, bond, false);
        return BondShares(bond, 0, false); // EXPIRED, CANCELLED
    }
}
