// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Outcomes} from "../../src/libraries/Outcomes.sol";
import {Rewards} from "../../src/libraries/Rewards.sol";
import {BondShares} from "../../src/types/Market.sol";
import {Code, Evaluation, Outcome, RewardRule, Verdict} from "../../src/types/Types.sol";
import {Test} from "../support/Test.sol";

/// @dev Makes the libraries' rules callable with calldata.
contract Rules {
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

    function splitFee(uint128 fee, Verdict calldata verdict) external pure returns (uint128, uint128, uint128) {
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

    function testFuzz_rewardOf__linear__min_of_maximum_and_rate_times_gain(uint128 maximum, uint128 rate, int64 gain)
        public
        pure
    {
        gain = int64(_within(gain, 1, type(int64).max));
        uint256 linear = uint256(rate) * uint256(int256(gain));
        uint256 expected = linear < maximum ? linear : maximum;
        assertEq(Rewards.rewardOf(RewardRule.LINEAR, maximum, rate, gain), expected);
        assertEq(Rewards.rewardOf(RewardRule.FIXED, maximum, rate, gain), maximum);
    }

    /// @dev Attack: slice one gain into two submissions. It pays no more while the whole gain pays at most the maximum.
    function testFuzz_rewardOf__linear__slicing_pays_no_more(uint128 maximum, uint64 rate, int64 gain, int64 slice)
        public
        pure
    {
        gain = int64(_within(gain, 2, 2 * SCORE_LIMIT));
        slice = int64(_within(slice, 1, gain - 1));
        uint256 largest = uint256(rate) * uint64(gain);
        vm.assume(largest <= maximum); // above the maximum, slices do pay more
        uint256 whole = Rewards.rewardOf(RewardRule.LINEAR, maximum, rate, gain);
        uint256 slices = uint256(Rewards.rewardOf(RewardRule.LINEAR, maximum, rate, slice))
            + Rewards.rewardOf(RewardRule.LINEAR, maximum, rate, gain - slice);
        assertLe(slices, whole);
    }

    // ---- fees

    function testFuzz_splitFee__parts_make_the_fee(uint128 fee, uint96 signed, uint96 total, bool hasAggregator)
        public
        view
    {
        total = uint96(bound(total, 1, type(uint96).max));
        signed = uint96(bound(signed, 0, total));
        Verdict memory verdict;
        verdict.aggregatorReceiver = hasAggregator ? address(1) : address(0);
        (verdict.signedStake, verdict.totalStake) = (signed, total);
        (uint128 performer, uint128 aggregator, uint128 attesters) = rules.splitFee(fee, verdict);

        assertEq(performer, uint256(fee) * 40 / 100);
        assertEq(aggregator, hasAggregator ? uint256(fee) * 10 * signed / (100 * uint256(total)) : 0);
        assertEq(uint256(performer) + aggregator + attesters, fee);
        assertLe(uint256(fee) / 2, attesters);
    }

    function testFuzz_splitBond__never_over_the_bond_and_fee_paid_once(
        uint8 which,
        uint128 bond,
        uint128 fee,
        bool misses
    ) public pure {
        fee = uint128(bound(fee, 1, type(uint128).max / 2));
        bond = uint128(bound(bond, 2 * uint256(fee), type(uint128).max));
        Outcome outcome = Outcome(bound(which, uint256(Outcome.IMPROVED), uint256(Outcome.UNREVEALED)));
        BondShares memory shares = Rewards.splitBond(outcome, bond, fee, misses);

        uint256 toOperators = uint256(bond) - shares.contributor - shares.treasury;
        bool isPaidFromBond = Outcomes.isEvaluated(outcome) && !shares.ownerPays;
        assertEq(toOperators, isPaidFromBond ? fee : 0);
        if (!Outcomes.isEvaluated(outcome)) assertFalse(shares.ownerPays, "a fee for no evaluation");
    }

    // ---- helpers

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
        int256 offset = int256(bound(uint256(value), 0, uint256(high - low)));
        return low + offset;
    }
}
