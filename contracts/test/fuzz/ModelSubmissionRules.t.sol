// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Outcomes} from "../../src/libraries/Outcomes.sol";
import {Rewards} from "../../src/libraries/Rewards.sol";
import {BondShares, FeeParts, ProjectRecord} from "../../src/types/Market.sol";
import {Code, Evaluation, FeeShare, Outcome, RewardRule, Verdict} from "../../src/types/Types.sol";
import {Test} from "../support/Test.sol";

/// @dev Makes the libraries' rules callable with calldata, on a stored project.
contract Rules {
    ProjectRecord private _project;

    function setReward(RewardRule rule, uint96 maximum, uint96 rate, int64 baseline) external {
        _project.rewardRule = rule;
        _project.maxReward = maximum;
        _project.rewardRate = rate;
        _project.baselineScore = baseline;
    }

    function setPaid(uint96 paid) external {
        _project.rewardsPaid = paid;
    }

    function rewardOf(Evaluation calldata evaluation) external view returns (uint96) {
        return Rewards.rewardOf(_project, evaluation);
    }

    function ofChallenger(Evaluation calldata evaluation, int64 minGain, int64 worseTolerance)
        external
        pure
        returns (Outcome)
    {
        return Outcomes.ofChallenger(evaluation, minGain, worseTolerance);
    }

    function ofBaseline(Code code) external pure returns (Outcome) {
        return Outcomes.ofBaseline(code);
    }

    function shareOf(uint96 fee, FeeShare calldata share) external pure returns (uint96) {
        return Rewards.shareOf(fee, share);
    }

    function splitFee(uint96 fee, Verdict calldata verdict) external pure returns (FeeParts memory) {
        return Rewards.splitFee(fee, verdict);
    }
}

/// @dev Outcomes and Rewards compared with their definitions, over their whole ranges.
contract ModelSubmissionRulesTest is Test {
    int256 private constant SCORE_LIMIT = 10 ** 9;

    Rules private rules = new Rules();

    // ---- outcomes

    /// @dev WORSE iff the upper bound is under −worseTolerance, IMPROVED iff the lower reaches minGain; no overflow.
    function testFuzz_ofChallenger__any_numbers__as_defined(
        int64 champion,
        int64 challenger,
        int64 lowerBound,
        int64 minGain,
        int64 worseTolerance
    ) public view {
        minGain = int64(_within(minGain, 1, type(int64).max));
        worseTolerance = int64(_within(worseTolerance, 0, type(int64).max));
        Evaluation memory evaluation = _evaluation(Code.VALID, champion, challenger, lowerBound);
        Outcome outcome = rules.ofChallenger(evaluation, minGain, worseTolerance);

        int256 upperBound = 2 * (int256(challenger) - int256(champion)) - int256(lowerBound);
        Outcome expected = Outcome.NOT_IMPROVED;
        if (upperBound < -int256(worseTolerance)) expected = Outcome.WORSE;
        if (lowerBound >= minGain) expected = Outcome.IMPROVED;
        assertEq(uint256(outcome), uint256(expected));
    }

    /// @dev If the lower bound is at most the mean gain, WORSE means a loss and IMPROVED a gain.
    function testFuzz_ofChallenger__true_bounds__worse_means_negative_mean(int64 mean, int64 width, int64 tolerance)
        public
        view
    {
        int256 gain = _within(mean, -SCORE_LIMIT, SCORE_LIMIT);
        int256 lowerBound = gain - _within(width, 0, SCORE_LIMIT);
        int64 worseTolerance = int64(_within(tolerance, 0, SCORE_LIMIT));
        // forge-lint: disable-next-line(unsafe-typecast) Both are at most 2 × SCORE_LIMIT.
        Evaluation memory evaluation = _evaluation(Code.VALID, 0, int64(gain), int64(lowerBound));
        Outcome outcome = rules.ofChallenger(evaluation, 1, worseTolerance);
        if (outcome == Outcome.WORSE) assertTrue(gain < 0, "a model with a gain counted as worse");
        if (outcome == Outcome.IMPROVED) assertTrue(gain > 0, "a model without a gain counted as improved");
    }

    function testFuzz_ofChallenger__failed__numbers_dont_matter(uint8 which, int64 champion, int64 challenger)
        public
        view
    {
        Code code = Code(bound(which, uint256(Code.INVALID), uint256(Code.EVALUATOR_FAILED)));
        Outcome outcome = rules.ofChallenger(_evaluation(code, champion, challenger, type(int64).max), 1, 0);
        if (code == Code.INVALID) assertEq(uint256(outcome), uint256(Outcome.INVALID));
        if (code == Code.UNAVAILABLE) assertEq(uint256(outcome), uint256(Outcome.UNAVAILABLE));
        if (code == Code.EVALUATOR_FAILED) assertEq(uint256(outcome), uint256(Outcome.EVALUATOR_FAILED));
        assertEq(uint256(rules.ofBaseline(code)), uint256(outcome));
    }

    function test_ofBaseline__valid__not_improved() public view {
        assertEq(uint256(rules.ofBaseline(Code.VALID)), uint256(Outcome.NOT_IMPROVED));
    }

    function test_ofBaseline__undecided__reverts() public {
        vm.expectRevert(Outcomes.UndecidedCode.selector);
        rules.ofBaseline(Code.NONE);
    }

    function test_isEvaluated__exactly_the_outcomes_of_a_verdict() public pure {
        for (uint256 i = 0; i <= uint256(type(Outcome).max); ++i) {
            bool expected = i >= uint256(Outcome.IMPROVED) && i <= uint256(Outcome.EVALUATOR_FAILED);
            assertEq(Outcomes.isEvaluated(Outcome(i)) ? 1 : 0, expected ? 1 : 0);
        }
    }

    // ---- rewards

    function testFuzz_rewardOf__linear__least_of_three(
        uint96 maximum,
        uint96 rate,
        uint96 paid,
        int64 baseline,
        int64 challenger,
        int64 gain
    ) public {
        gain = int64(_within(gain, 1, type(int64).max));
        rules.setReward(RewardRule.LINEAR, maximum, rate, baseline);
        rules.setPaid(paid);
        // forge-lint: disable-next-line(unsafe-typecast) A positive number.
        uint256 expected = uint256(rate) * uint256(int256(gain));
        uint256 left = _worth(rate, baseline, challenger);
        left = left > paid ? left - paid : 0;
        if (left < expected) expected = left;
        if (maximum < expected) expected = maximum;
        assertEq(rules.rewardOf(_evaluation(Code.VALID, 0, challenger, gain)), expected);

        rules.setReward(RewardRule.FIXED, maximum, rate, baseline);
        assertEq(rules.rewardOf(_evaluation(Code.VALID, 0, challenger, gain)), maximum);
    }

    /// @dev Attack: many slices of one gain, or the same gain again and again. After each reward, all rewards together
    ///      are worth at most the gain over the baseline that was ever reached.
    function testFuzz_rewardOf__linear__never_pays_a_gain_twice(
        uint96 maximum,
        uint32 rate,
        int64 baseline,
        int64[6] memory challengers,
        int64[6] memory gains
    ) public {
        baseline = int64(_within(baseline, -SCORE_LIMIT, SCORE_LIMIT));
        rules.setReward(RewardRule.LINEAR, maximum, rate, baseline);
        uint256 paid = 0;
        uint256 worth = 0;
        for (uint256 i = 0; i < challengers.length; ++i) {
            int64 challenger = int64(_within(challengers[i], -SCORE_LIMIT, SCORE_LIMIT));
            int64 gain = int64(_within(gains[i], 1, 2 * SCORE_LIMIT));
            paid += rules.rewardOf(_evaluation(Code.VALID, 0, challenger, gain));
            // forge-lint: disable-next-line(unsafe-typecast) At most 2³² × 2 × SCORE_LIMIT, if the rule holds.
            rules.setPaid(uint96(paid));
            uint256 reached = _worth(rate, baseline, challenger);
            if (reached > worth) worth = reached;
            assertLe(paid, worth);
        }
    }

    // ---- fees

    function testFuzz_splitFee__parts_make_the_fee(uint96 fee, uint96 signed, uint96 total, bool hasAggregator)
        public
        view
    {
        total = uint96(bound(total, 1, type(uint96).max));
        signed = uint96(bound(signed, 0, total));
        FeeParts memory parts = _split(fee, signed, total, hasAggregator);
        uint256 tenth = hasAggregator ? uint256(fee) * 10 / 100 : 0;
        uint256 toAttesters = uint256(fee) - uint256(fee) * 40 / 100 - tenth;
        assertEq(parts.performer, uint256(fee) * 40 / 100);
        // The share is kept in 32 bits: it rounds down by less than one part in 2³² − 1, then to a whole unit.
        assertLe(parts.aggregator, tenth * signed / total);
        assertLe(tenth * signed / total, parts.aggregator + tenth / type(uint32).max + 1);
        assertEq(parts.attesters, toAttesters * signed / total);
        assertEq(uint256(parts.performer) + parts.aggregator + parts.attesters + parts.unearned, fee);
        if (signed == total) assertEq(parts.unearned, 0);
    }

    /// @dev Invariant 10: the signers' shares never exceed the attesters' part; rounding leaves less than one unit each.
    function testFuzz_shareOf__three_signers__at_most_their_part(
        uint96 fee,
        uint32[3] memory stakes,
        uint32 absent,
        bool hasAggregator
    ) public view {
        uint96 signed = uint96(stakes[0]) + stakes[1] + stakes[2];
        uint96 total = signed + absent;
        vm.assume(total != 0);
        FeeParts memory parts = _split(fee, signed, total, hasAggregator);
        uint256 paid = 0;
        for (uint256 i = 0; i < stakes.length; ++i) {
            paid += rules.shareOf(fee, FeeShare(1, false, hasAggregator, 0, stakes[i], total));
        }
        assertLe(paid, parts.attesters);
        assertLe(parts.attesters, paid + 2);
    }

    /// @dev Performer and aggregator claim exactly what was set aside for them, also when one operator is everything.
    function testFuzz_shareOf__performer_and_aggregator__exactly_their_parts(
        uint96 fee,
        uint96 signed,
        uint96 total,
        bool isPaid
    ) public view {
        total = uint96(bound(total, 1, type(uint96).max));
        signed = uint96(bound(signed, 0, total));
        uint32 share = isPaid ? Rewards.shareOfWhole(signed, total) : 0;
        FeeParts memory parts = _split(fee, signed, total, isPaid);
        assertEq(rules.shareOf(fee, FeeShare(1, true, isPaid, 0, 0, total)), parts.performer);
        assertEq(rules.shareOf(fee, FeeShare(1, false, isPaid, share, 0, total)), parts.aggregator);
        uint256 all = uint256(parts.performer) + parts.aggregator + parts.attesters;
        assertEq(rules.shareOf(fee, FeeShare(1, true, isPaid, share, signed, total)), all);
    }

    /// @dev Attack: an aggregator leaves a signer out. It earns no more, and neither do the others.
    function testFuzz_splitFee__signer_left_out__aggregator_earns_no_more(
        uint96 fee,
        uint96 signed,
        uint96 leftOut,
        uint96 total
    ) public view {
        total = uint96(bound(total, 1, type(uint96).max));
        signed = uint96(bound(signed, 0, total));
        leftOut = uint96(bound(leftOut, 0, signed));
        FeeParts memory all = _split(fee, signed, total, true);
        FeeParts memory fewer = _split(fee, signed - leftOut, total, true);
        assertLe(fewer.aggregator, all.aggregator);
        assertLe(fewer.attesters, all.attesters);
        assertEq(fewer.performer, all.performer);
    }

    function testFuzz_splitBond__never_over_the_bond_and_fee_paid_once(
        uint8 which,
        uint96 bond,
        uint96 fee,
        bool misses
    ) public pure {
        fee = uint96(bound(fee, 1, type(uint96).max / 2));
        bond = uint96(bound(bond, 2 * uint256(fee), type(uint96).max));
        Outcome outcome = Outcome(bound(which, uint256(Outcome.IMPROVED), uint256(Outcome.UNREVEALED)));
        BondShares memory shares = Rewards.splitBond(outcome, bond, fee, misses);

        uint256 toOperators = uint256(bond) - shares.contributor - shares.treasury;
        bool isPaidFromBond = Outcomes.isEvaluated(outcome) && !shares.ownerPays;
        assertEq(toOperators, isPaidFromBond ? fee : 0);
        if (!Outcomes.isEvaluated(outcome)) assertFalse(shares.ownerPays, "a fee for no evaluation");
    }

    // ---- helpers

    function _split(uint96 fee, uint96 signed, uint96 total, bool hasAggregator)
        private
        view
        returns (FeeParts memory)
    {
        Verdict memory verdict;
        verdict.isAggregatorPaid = hasAggregator;
        verdict.signedShare = Rewards.shareOfWhole(signed, total);
        (verdict.signedStake, verdict.totalStake) = (signed, total);
        return rules.splitFee(fee, verdict);
    }

    /// @dev `rate` × the gain over the baseline, or 0 for a loss.
    function _worth(uint256 rate, int64 baseline, int64 challenger) private pure returns (uint256) {
        int256 gain = int256(challenger) - baseline;
        // forge-lint: disable-next-line(unsafe-typecast) A positive number.
        return gain > 0 ? rate * uint256(gain) : 0;
    }

    function _evaluation(Code code, int64 champion, int64 challenger, int64 lowerBound)
        private
        pure
        returns (Evaluation memory evaluation)
    {
        evaluation.code = code;
        evaluation.championScore = champion;
        evaluation.challengerScore = challenger;
        evaluation.gainLowerBound = lowerBound;
    }

    function _within(int256 value, int256 low, int256 high) private pure returns (int256) {
        // forge-lint: disable-next-line(unsafe-typecast) Any number may be drawn from any other.
        int256 offset = int256(bound(uint256(value), 0, uint256(high - low)));
        return low + offset;
    }
}
