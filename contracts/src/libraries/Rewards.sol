// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {BondShares} from "../types/Market.sol";
import {Outcome, RewardRule, Verdict} from "../types/Types.sol";

/// @title Who gets how much. Rounds down; what rounding leaves over stays with the attesters' part.
library Rewards {
    uint256 internal constant PERFORMER_PERCENT = 40;
    uint256 internal constant AGGREGATOR_PERCENT = 10;

    /// @notice A winner's reward. LINEAR: slicing one improvement into several submissions pays no more.
    function rewardOf(RewardRule rule, uint128 maxReward, uint128 rate, int64 gainLowerBound)
        internal
        pure
        returns (uint128)
    {
        if (rule == RewardRule.FIXED) return maxReward;
        uint256 linear = uint256(rate) * uint64(gainLowerBound); // a winner's bound is positive: minGain is
        return linear < maxReward ? uint128(linear) : maxReward;
    }

    /// @notice The parts of one evaluation fee. Without a paid aggregator its part goes to the attesters.
    /// @dev The aggregator's part grows with the stake it collected, so dropping signatures costs it.
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

    /// @notice Where a challenger's bond goes, one row of the outcome table each.
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
