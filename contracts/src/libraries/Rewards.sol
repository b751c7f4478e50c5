// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {BondShares, FeeParts, ProjectRecord} from "../types/Market.sol";
import {Evaluation, FeeShare, Outcome, RewardRule, Verdict} from "../types/Types.sol";

/// @title Shares of rewards, fees and bonds. Rounds down.
library Rewards {
    uint256 internal constant PERFORMER_PERCENT = 40;
    uint256 internal constant AGGREGATOR_PERCENT = 10;
    uint32 internal constant WHOLE = type(uint32).max;

    /// @notice Return the reward of an IMPROVED submission.
    /// @dev FIXED: each pays `maxReward`. LINEAR: `rate` × gain, at most `maxReward`, and all rewards together at most
    ///      `rate` × the gain over the baseline: a gain that is won, lost and won again is not paid twice.
    function rewardOf(ProjectRecord storage project, Evaluation calldata evaluation) internal view returns (uint96) {
        if (project.rewardRule == RewardRule.FIXED) return project.maxReward;
        uint256 rate = project.rewardRate;
        uint256 reward = rate * uint64(evaluation.gainLowerBound); // positive, because minGain is
        int256 totalGain = int256(evaluation.challengerScore) - project.baselineScore;
        // forge-lint: disable-next-line(unsafe-typecast) Positive here.
        uint256 total = totalGain > 0 ? rate * uint256(totalGain) : 0;
        uint256 left = total > project.rewardsPaid ? total - project.rewardsPaid : 0;
        if (reward > left) reward = left;
        // forge-lint: disable-next-line(unsafe-typecast) Smaller than maxReward.
        return reward < project.maxReward ? uint96(reward) : project.maxReward;
    }

    /// @notice Split one evaluation fee.
    /// @dev Attesters and aggregator earn by stake of the whole set's stake, so nobody earns more when a signature is
    ///      left out. An aggregator without its turn earns nothing; its tenth is the attesters'.
    function splitFee(uint96 fee, Verdict calldata verdict) internal pure returns (FeeParts memory parts) {
        parts.performer = _percentOf(fee, PERFORMER_PERCENT);
        parts.attesters = _scale(attestersPart(fee, verdict.isAggregatorPaid), verdict.signedStake, verdict.totalStake);
        if (verdict.isAggregatorPaid) parts.aggregator = _aggregatorsPart(fee, verdict.signedShare);
        parts.unearned = fee - parts.performer - parts.attesters - parts.aggregator;
    }

    /// @notice Return what all attesters of a set earn together if all sign.
    function attestersPart(uint96 fee, bool isAggregatorPaid) internal pure returns (uint96) {
        uint96 part = fee - _percentOf(fee, PERFORMER_PERCENT);
        return isAggregatorPaid ? part - _percentOf(fee, AGGREGATOR_PERCENT) : part;
    }

    /// @notice Return what one operator earned of a fee, in all its roles.
    function shareOf(uint96 fee, FeeShare calldata share) internal pure returns (uint96 amount) {
        amount = _scale(attestersPart(fee, share.isAggregatorPaid), share.stake, share.totalStake);
        if (share.isPerformer) amount += _percentOf(fee, PERFORMER_PERCENT);
        if (share.aggregatorShare != 0) amount += _aggregatorsPart(fee, share.aggregatorShare);
    }

    /// @notice Return part / whole in 2³² − 1 parts, rounded down.
    function shareOfWhole(uint96 part, uint96 whole) internal pure returns (uint32) {
        // forge-lint: disable-next-line(unsafe-typecast) At most WHOLE: the part is not larger than the whole.
        return uint32(uint256(part) * WHOLE / whole);
    }

    /// @notice Split a challenger's bond by its outcome. Each line is a row of the outcome table in `docs/protocol.md`.
    function splitBond(Outcome outcome, uint96 bond, uint96 fee, bool ownerPaysMisses)
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

    /// @dev The same at settlement and at the claim, so that no unit is missing.
    function _aggregatorsPart(uint96 fee, uint32 signedShare) private pure returns (uint96) {
        return _scale(_percentOf(fee, AGGREGATOR_PERCENT), signedShare, WHOLE);
    }

    function _percentOf(uint96 amount, uint256 percent) private pure returns (uint96) {
        // forge-lint: disable-next-line(unsafe-typecast) At most `amount`: the percentages are below 100.
        return uint96(uint256(amount) * percent / 100);
    }

    function _scale(uint96 amount, uint96 part, uint96 whole) private pure returns (uint96) {
        // forge-lint: disable-next-line(unsafe-typecast) At most `amount`: the part is not larger than the whole.
        return uint96(uint256(amount) * part / whole);
    }
}
