// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Code, Outcome, ProjectParams, RewardRule, Verdict} from "../../src/types/Types.sol";
import {FakeAttestationCenter} from "../support/FakeAttestationCenter.sol";
import {MarketTest} from "../support/MarketTest.sol";

/// @dev The outcome table of `docs/protocol.md`, exact to the unit: each row with a paid aggregator and without, with the
///      whole set's signature and with absent stake.
abstract contract OutcomeRows is MarketTest {
    uint256 private constant CERTIFICATES = 4;

    /// @dev What one outcome must move. `budgetSpent` is before the unearned part of the fee comes back.
    struct Row {
        Outcome outcome;
        uint256 contributor;
        uint256 poolSpent;
        uint256 budgetSpent;
        uint256 treasury;
    }

    /// @dev How a certificate came about, and how it must split FEE = 1,003. The rounding of the three attesters' shares
    ///      leaves `dust`.
    struct Certified {
        bool isAggregatorPaid;
        uint96[3] stakes; // of TOTAL = 100
        uint256[3] attesters;
        uint256 aggregator;
        uint256 unearned;
        uint256 dust;
    }

    struct Numbers {
        Code code;
        int64 champion;
        int64 challenger;
        int64 lowerBound;
    }

    address[3] private attesters;
    uint40 private projectId;

    function setUp() public override {
        super.setUp();
        asset = money();
        attesters = [attester, makeAddress("second attester"), makeAddress("third attester")];
        accounts.push(attesters[1]);
        accounts.push(attesters[2]);
    }

    /// @dev The token in which the rows are paid.
    function money() internal view virtual returns (address);

    // ---- evaluated

    function test_row__improved() public {
        Numbers memory gain = Numbers(Code.VALID, 10_000, 15_000, 4_000);
        _checkRow(defaultParams(), gain, Row(Outcome.IMPROVED, BOND + MAX_REWARD, MAX_REWARD, FEE, 0));
    }

    /// @dev The reward has left the pool, and comes to the contributor later.
    function test_row__improved_withheld() public {
        Numbers memory gain = Numbers(Code.VALID, 10_000, 15_000, 4_000);
        _checkRow(disputable(), gain, Row(Outcome.IMPROVED, BOND, MAX_REWARD, FEE, 0));
    }

    function test_row__improved_linear() public {
        ProjectParams memory params = defaultParams();
        (params.rewardRule, params.rewardRate) = (RewardRule.LINEAR, RATE);
        Numbers memory gain = Numbers(Code.VALID, 10_000, 15_000, 4_000);
        _checkRow(params, gain, Row(Outcome.IMPROVED, BOND + 52_000, 52_000, FEE, 0));
    }

    function test_row__not_improved() public {
        Numbers memory miss = Numbers(Code.VALID, 10_000, 10_500, 999);
        _checkRow(defaultParams(), miss, Row(Outcome.NOT_IMPROVED, BOND - FEE, 0, 0, 0));
    }

    function test_row__not_improved_owner_pays_misses() public {
        Numbers memory miss = Numbers(Code.VALID, 10_000, 10_500, 999);
        _checkRow(_ownerPaysMisses(), miss, Row(Outcome.NOT_IMPROVED, BOND, 0, FEE, 0));
    }

    function test_row__worse() public {
        Numbers memory loss = Numbers(Code.VALID, 10_000, 5_000, -8_000);
        _checkRow(defaultParams(), loss, Row(Outcome.WORSE, 0, 0, 0, BOND - FEE));
        _checkRow(_ownerPaysMisses(), loss, Row(Outcome.WORSE, 0, 0, 0, BOND - FEE)); // misses only
    }

    /// @dev The numbers of an evaluation that is not VALID are ignored.
    function test_row__invalid() public {
        Numbers memory gain = Numbers(Code.INVALID, 0, 1_000_000, 900_000);
        _checkRow(defaultParams(), gain, Row(Outcome.INVALID, 0, 0, 0, BOND - FEE));
        _checkRow(_ownerPaysMisses(), gain, Row(Outcome.INVALID, 0, 0, 0, BOND - FEE));
    }

    function test_row__unavailable() public {
        Numbers memory gain = Numbers(Code.UNAVAILABLE, 0, 1_000_000, 900_000);
        _checkRow(defaultParams(), gain, Row(Outcome.UNAVAILABLE, BOND - FEE, 0, 0, 0));
        _checkRow(_ownerPaysMisses(), gain, Row(Outcome.UNAVAILABLE, BOND - FEE, 0, 0, 0));
    }

    function test_row__evaluator_failed() public {
        Numbers memory gain = Numbers(Code.EVALUATOR_FAILED, 0, 1_000_000, 900_000);
        _checkRow(defaultParams(), gain, Row(Outcome.EVALUATOR_FAILED, BOND, 0, FEE, 0));
    }

    // ---- not evaluated

    function test_row__expired__after_reopening_once() public {
        _start();
        uint32 index = submit(projectId, alice, BETTER);
        expireHead(projectId);
        market.advance(projectId, 1);
        expireHead(projectId);
        _assertUnevaluated(index, Row(Outcome.EXPIRED, BOND, 0, 0, 0));
    }

    function test_row__cancelled__no_task_could_open() public {
        _start();
        center.setMood(FakeAttestationCenter.Mood.REFUSING);
        uint32 index = submit(projectId, alice, BETTER);
        skipBlocks(OPEN_TIMEOUT + 1);
        market.advance(projectId, 1);
        _assertUnevaluated(index, Row(Outcome.CANCELLED, BOND, 0, 0, 0));
    }

    function test_row__cancelled__second_task_could_not_open() public {
        _start();
        uint32 index = submit(projectId, alice, BETTER);
        expireHead(projectId);
        center.setMood(FakeAttestationCenter.Mood.REFUSING);
        skipBlocks(OPEN_TIMEOUT + 1);
        market.advance(projectId, 1);
        _assertUnevaluated(index, Row(Outcome.CANCELLED, BOND, 0, 0, 0));
    }

    function test_row__cancelled__paused_too_long() public {
        _start();
        uint32 index = commit(projectId, alice, BETTER);
        pause();
        reveal(projectId, index, alice, BETTER);
        skipBlocks(OPEN_TIMEOUT + 1);
        market.advance(projectId, 1);
        _assertUnevaluated(index, Row(Outcome.CANCELLED, BOND, 0, 0, 0));
    }

    /// @dev bob's submission fails the evaluator; alice's, hidden or revealed, is cancelled.
    function test_row__cancelled__project_suspended() public {
        for (uint256 isRevealed = 0; isRevealed < 2; ++isRevealed) {
            uint256 before = vm.snapshotState();
            _start();
            submit(projectId, bob, "bafybob");
            uint32 index = isRevealed == 1 ? submit(projectId, alice, BETTER) : commit(projectId, alice, BETTER);
            settleHead(projectId, Code.EVALUATOR_FAILED, 0, 0, 0);
            market.advance(projectId, 1);
            _assertAlice(index, Row(Outcome.CANCELLED, BOND, 0, FEE, 0), 0);
            vm.revertToState(before);
        }
    }

    function test_row__cancelled__pool_or_budget_too_small() public {
        ProjectParams memory params = defaultParams();
        params.pool = 2 * MAX_REWARD - 1;
        _checkTooSmall(params);
        params = defaultParams();
        params.budget = 3 * FEE - 1;
        _checkTooSmall(params);
    }

    function test_row__unrevealed() public {
        _start();
        uint32 index = commit(projectId, alice, BETTER);
        skipBlocks(REVEAL_BLOCKS + 1);
        market.advance(projectId, 1);
        _assertUnevaluated(index, Row(Outcome.UNREVEALED, 0, 0, 0, BOND));
    }

    // ---- baseline

    /// @dev What absent stake would have earned of the baseline's fee comes back too: into the budget of an open project,
    ///      to the owner of a cancelled one.
    function test_row__baseline() public {
        for (uint256 way = 0; way < CERTIFICATES; ++way) {
            uint256 before = vm.snapshotState();
            Certified memory certified = _certified(way);
            projectId = createProject(defaultParams());
            center.settle(_verdictBy(certified, Numbers(Code.VALID, 0, 0, 0)));
            _payAttesters(certified);
            assertFree(projectId, POOL, BUDGET - FEE + certified.unearned);
            assertEq(creditOf(performer), PERFORMER_FEE);
            assertEq(creditOf(aggregator), certified.aggregator);
            assertEq(center.unclaimedIn(asset), certified.dust);
            assertSolvent();

            projectId = createProject(defaultParams());
            center.settle(_verdictBy(certified, Numbers(Code.INVALID, 0, 0, 0)));
            assertEq(creditOf(owner), POOL + BUDGET - FEE + certified.unearned);
            assertSolvent();
            vm.revertToState(before);
        }
    }

    // ---- helpers

    /// @dev Check one evaluated row for every way of certifying it.
    function _checkRow(ProjectParams memory params, Numbers memory numbers, Row memory row) private {
        for (uint256 way = 0; way < CERTIFICATES; ++way) {
            uint256 before = vm.snapshotState();
            Certified memory certified = _certified(way);
            projectId = openProject(params);
            uint32 index = submit(projectId, alice, BETTER);
            center.settle(_verdictBy(certified, numbers));

            _assertAlice(index, row, certified.unearned);
            _assertOperators(certified);
            assertEq(row.contributor + row.treasury + FEE + _withheld(index), BOND + row.poolSpent + row.budgetSpent);
            vm.revertToState(before);
        }
    }

    function _certified(uint256 way) private pure returns (Certified memory) {
        if (way == 0) return Certified(true, [uint96(50), 30, 20], [uint256(251), 150, 100], 100, 0, 1);
        if (way == 1) return Certified(false, [uint96(50), 30, 20], [uint256(301), 180, 120], 0, 0, 1);
        if (way == 2) return Certified(true, [uint96(33), 27, 20], [uint256(165), 135, 100], 80, 121, 1);
        return Certified(false, [uint96(33), 27, 20], [uint256(198), 162, 120], 0, 121, 1);
    }

    function _verdictBy(Certified memory certified, Numbers memory numbers)
        private
        view
        returns (Verdict memory verdict)
    {
        verdict = verdictOf(projectId, numbers.code, numbers.champion, numbers.challenger, numbers.lowerBound);
        verdict.signedStake = certified.stakes[0] + certified.stakes[1] + certified.stakes[2];
        verdict.signedShare = shareOfTotal(verdict.signedStake);
        verdict.isAggregatorPaid = certified.isAggregatorPaid;
    }

    function _start() private {
        projectId = openProject();
    }

    function _ownerPaysMisses() private view returns (ProjectParams memory params) {
        params = defaultParams();
        params.ownerPaysMisses = true;
    }

    /// @dev bob's reward leaves too little for alice's turn.
    function _checkTooSmall(ProjectParams memory params) private {
        uint256 before = vm.snapshotState();
        projectId = openProject(params);
        submit(projectId, bob, "bafybob");
        uint32 index = submit(projectId, alice, BETTER);
        settleImproved(projectId);
        market.advance(projectId, 1);
        assertFinal(projectId, index, Outcome.CANCELLED);
        assertEq(creditOf(alice), BOND);
        assertEq(creditOf(treasury), 0);
        assertEq(creditOf(performer), 2 * PERFORMER_FEE); // of the baseline and of bob's
        assertFree(projectId, params.pool - MAX_REWARD, params.budget - 2 * FEE);
        assertSolvent();
        vm.revertToState(before);
    }

    /// @dev What alice's submission moved between her, the owner and the treasury. The baseline's fee was paid before.
    function _assertAlice(uint32 index, Row memory row, uint256 unearned) private view {
        assertFinal(projectId, index, row.outcome);
        assertEq(creditOf(alice), row.contributor);
        assertEq(creditOf(treasury), row.treasury);
        assertEq(creditOf(owner), 0);
        assertFree(projectId, POOL - row.poolSpent, BUDGET - FEE - row.budgetSpent + unearned);
        assertSolvent();
    }

    /// @dev Beside the baseline's fee, which the whole set certified.
    function _assertOperators(Certified memory certified) private {
        assertEq(creditOf(performer), PERFORMER_FEE + PERFORMER_FEE);
        assertEq(creditOf(aggregator), AGGREGATOR_FEE + certified.aggregator);
        assertEq(creditOf(address(0)), 0);
        _payAttesters(certified);
        assertEq(center.unclaimedIn(asset), ATTESTERS_FEE + certified.dust);
        assertSolvent();
        uint256 paid = certified.attesters[0] + certified.attesters[1] + certified.attesters[2];
        assertEq(PERFORMER_FEE + certified.aggregator + paid + certified.dust + certified.unearned, FEE);
    }

    function _payAttesters(Certified memory certified) private {
        for (uint256 i = 0; i < 3; ++i) {
            payAttester(attesters[i], projectId, certified.isAggregatorPaid, certified.stakes[i]);
            assertEq(creditOf(attesters[i]), certified.attesters[i]);
        }
    }

    /// @dev No operator earns from a submission that was not evaluated.
    function _assertUnevaluated(uint32 index, Row memory row) private view {
        _assertAlice(index, row, 0);
        assertEq(creditOf(performer), PERFORMER_FEE);
        assertEq(creditOf(aggregator), AGGREGATOR_FEE);
        assertEq(center.unclaimedIn(asset), ATTESTERS_FEE);
    }

    function _withheld(uint32 index) private view returns (uint256) {
        return market.withheldReward(projectId, index).reward;
    }
}

contract OutcomeRowsInCoinTest is OutcomeRows {
    function money() internal pure override returns (address) {
        return COIN;
    }
}

contract OutcomeRowsInTokenTest is OutcomeRows {
    function money() internal view override returns (address) {
        return address(token);
    }
}
