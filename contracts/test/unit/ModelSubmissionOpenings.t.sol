// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IModelSubmission} from "../../src/interfaces/IModelSubmission.sol";
import {Digests} from "../../src/libraries/Digests.sol";
import {Outcome, ProjectParams, ProjectStatus, SubmissionStatus, TaskRequest, Terms} from "../../src/types/Types.sol";
import {FakeAttestationCenter} from "../support/FakeAttestationCenter.sol";
import {MarketTest} from "../support/MarketTest.sol";

/// @dev From the reveal to the tasks: advance, time limits, money for the turn, openings, expiry.
contract ModelSubmissionOpeningsTest is MarketTest {
    uint40 internal projectId;

    function setUp() public override {
        super.setUp();
        projectId = openProject();
    }

    // ---- advance

    function test_advance__maxSteps__stops_there() public {
        commit(projectId, alice, "1");
        commit(projectId, alice, "2");
        commit(projectId, bob, "3");
        skipBlocks(REVEAL_BLOCKS + 1);
        assertEq(market.advance(projectId, 0), 0);
        assertEq(market.advance(projectId, 2), 2);
        assertEq(market.getProject(projectId).head, 3);
        assertEq(market.advance(projectId, 9), 1);
    }

    function test_advance__nothing_pending__does_nothing() public {
        assertEq(market.advance(projectId, 9), 0);
    }

    // ---- time limits

    function test_advance__cannot_open_for_openTimeout__cancelled_bond_back() public {
        center.setMood(FakeAttestationCenter.Mood.REFUSING);
        uint32 index = submit(projectId, alice, BETTER);
        skipBlocks(OPEN_TIMEOUT);
        assertEq(market.advance(projectId, 9), 0);
        assertFree(projectId, POOL, BUDGET - FEE); // a refusal reserves nothing
        skipBlocks(1);
        assertEq(market.advance(projectId, 9), 1);

        assertFinal(projectId, index, Outcome.CANCELLED);
        assertEq(creditOf(alice), BOND);
        assertFree(projectId, POOL, BUDGET - FEE);
        assertEq(market.getProject(projectId).evaluated, 0); // no task was opened, so no k is used up
        assertStatus(projectId, ProjectStatus.OPEN);
        assertSolvent();
    }

    function test_advance__can_open_after_openTimeout__opens() public {
        center.setMood(FakeAttestationCenter.Mood.REFUSING);
        uint32 index = submit(projectId, alice, BETTER);
        skipBlocks(OPEN_TIMEOUT + 1);
        center.setMood(FakeAttestationCenter.Mood.WILLING);
        market.advance(projectId, 9);
        assertStatus(projectId, index, SubmissionStatus.EVALUATING);
    }

    /// @dev The timeout starts when the submission is both revealed and the head, not at its reveal.
    function test_advance__second_in_line__its_timeout_starts_as_head() public {
        submit(projectId, alice, BETTER);
        uint32 second = submit(projectId, bob, "bafybob");
        skipBlocks(OPEN_TIMEOUT + 1);
        settleImproved(projectId);
        center.setMood(FakeAttestationCenter.Mood.REFUSING);
        assertEq(market.advance(projectId, 9), 0);
        skipBlocks(OPEN_TIMEOUT);
        assertEq(market.advance(projectId, 9), 0);
        skipBlocks(1);
        assertEq(market.advance(projectId, 9), 1);
        assertFinal(projectId, second, Outcome.CANCELLED);
    }

    function test_advance__revealed_late_as_head__its_timeout_starts_at_the_reveal() public {
        center.setMood(FakeAttestationCenter.Mood.REFUSING);
        uint32 index = commit(projectId, alice, BETTER);
        skipBlocks(REVEAL_BLOCKS);
        reveal(projectId, index, alice, BETTER);
        skipBlocks(OPEN_TIMEOUT);
        assertEq(market.advance(projectId, 9), 0);
        skipBlocks(1);
        assertEq(market.advance(projectId, 9), 1);
    }

    function test_advance__reopened__its_timeout_starts_anew() public {
        uint32 index = submit(projectId, alice, BETTER);
        skipBlocks(OPEN_TIMEOUT + 1);
        expireHead(projectId);
        center.setMood(FakeAttestationCenter.Mood.REFUSING);
        skipBlocks(OPEN_TIMEOUT);
        assertEq(market.advance(projectId, 9), 0);
        skipBlocks(1);
        vm.expectEmit(address(market)); // it names the task that it had
        emit IModelSubmission.SubmissionSettled(
            projectId, index, taskOf(projectId, index, 0), Outcome.CANCELLED, 0, 0, 0
        );
        assertEq(market.advance(projectId, 9), 1);
        assertFinal(projectId, index, Outcome.CANCELLED);
        assertEq(creditOf(alice), BOND);
    }

    // ---- little gas

    /// @dev Attack: send too little gas, so that opening fails and another contributor's head is cancelled.
    function test_advance__opening_fails_without_reason__reverts_never_cancels() public {
        center.setMood(FakeAttestationCenter.Mood.REFUSING);
        uint32 index = submit(projectId, alice, BETTER);
        skipBlocks(OPEN_TIMEOUT + 1);
        center.setMood(FakeAttestationCenter.Mood.OUT_OF_GAS);
        vm.expectRevert(IModelSubmission.OpeningFailed.selector);
        market.advance(projectId, 9);
        assertStatus(projectId, index, SubmissionStatus.REVEALED);
    }

    function test_advance__too_little_gas__never_cancels_a_head_that_can_open() public {
        center.setMood(FakeAttestationCenter.Mood.REFUSING);
        uint32 index = submit(projectId, alice, BETTER);
        skipBlocks(OPEN_TIMEOUT + 1);
        center.setMood(FakeAttestationCenter.Mood.WILLING);
        uint256 opened = 0;
        uint256 before = vm.snapshotState();
        for (uint256 gasLimit = 20_000; gasLimit < 600_000; gasLimit += 5_000) {
            try market.advance{gas: gasLimit}(projectId, 1) {
                assertStatus(projectId, index, SubmissionStatus.EVALUATING);
                ++opened;
            } catch {}
            vm.revertToState(before);
        }
        assertTrue(opened > 0, "no amount of gas was enough");
    }

    // ---- money for the turn

    /// @dev The first reward leaves one unit too little for the second: it is never evaluated, and keeps its bond.
    function test_advance__pool_too_small_at_its_turn__cancelled_never_evaluated() public {
        uint32 second = _secondInLine(2 * MAX_REWARD - 1, BUDGET);
        vm.expectEmit(address(market));
        emit IModelSubmission.SubmissionSettled(projectId, second, 0, Outcome.CANCELLED, 0, 0, 0);
        assertEq(market.advance(projectId, 9), 1);
        assertFinal(projectId, second, Outcome.CANCELLED);
        assertEq(creditOf(bob), BOND);
        assertEq(center.requestCount(), 3); // two baselines' and the first one's
        assertEq(market.getProject(projectId).evaluated, 1);
        assertFree(projectId, MAX_REWARD - 1, BUDGET - 2 * FEE);
        assertSolvent();
    }

    function test_advance__pool_just_enough__opens() public {
        uint32 second = _secondInLine(2 * MAX_REWARD, BUDGET);
        assertEq(market.advance(projectId, 9), 1);
        assertStatus(projectId, second, SubmissionStatus.EVALUATING);
        assertEq(market.getProject(projectId).poolFree, 0);
    }

    function test_advance__budget_too_small_at_its_turn__cancelled_never_evaluated() public {
        uint32 second = _secondInLine(POOL, 3 * FEE - 1);
        assertEq(market.advance(projectId, 9), 1);
        assertFinal(projectId, second, Outcome.CANCELLED);
        assertEq(creditOf(bob), BOND);
        assertEq(center.requestCount(), 3);
        assertFree(projectId, POOL - MAX_REWARD, FEE - 1);
        assertSolvent();
    }

    function test_advance__budget_just_enough__opens() public {
        uint32 second = _secondInLine(POOL, 3 * FEE);
        assertEq(market.advance(projectId, 9), 1);
        assertStatus(projectId, second, SubmissionStatus.EVALUATING);
        assertEq(market.getProject(projectId).budgetFree, 0);
    }

    function test_advance__topped_up_before_its_turn__opens() public {
        uint32 second = _secondInLine(2 * MAX_REWARD - 1, 3 * FEE - 1);
        vm.prank(stranger);
        market.topUp{value: 2}(projectId, 1, 1);
        assertEq(market.advance(projectId, 9), 1);
        assertStatus(projectId, second, SubmissionStatus.EVALUATING);
    }

    /// @dev Nothing is reserved for those behind: if the first does not win, the second can.
    function test_advance__pool_for_one__second_opens_after_the_first_missed() public {
        ProjectParams memory params = defaultParams();
        params.pool = MAX_REWARD;
        projectId = openProject(params);
        submit(projectId, alice, BETTER);
        uint32 second = submit(projectId, bob, "bafybob");
        settleMissed(projectId);
        assertEq(market.advance(projectId, 9), 1);
        assertStatus(projectId, second, SubmissionStatus.EVALUATING);
    }

    function test_reveal__head_that_cannot_be_paid__cancelled_at_once() public {
        ProjectParams memory params = defaultParams();
        params.pool = MAX_REWARD;
        projectId = openProject(params);
        submit(projectId, alice, BETTER);
        settleImproved(projectId);
        uint32 index = submit(projectId, bob, "bafybob");
        assertFinal(projectId, index, Outcome.CANCELLED);
        assertEq(creditOf(bob), BOND);
        assertSolvent();
    }

    /// @dev A reward can be paid even when nothing else is left: it was reserved when the task opened.
    function test_settle__pool_otherwise_empty__winner_paid_from_the_reserve() public {
        ProjectParams memory params = defaultParams();
        params.pool = MAX_REWARD;
        params.budget = 2 * FEE;
        projectId = openProject(params);
        submit(projectId, alice, BETTER);
        assertFree(projectId, 0, 0);
        settleImproved(projectId);
        assertFree(projectId, 0, 0);
        assertEq(creditOf(alice), BOND + MAX_REWARD);
        assertSolvent();
    }

    // ---- openings

    function test_opening__request__is_what_digests_and_params_say() public {
        uint32 index = submit(projectId, alice, BETTER);

        bytes32 taskId = Digests.taskId(block.chainid, address(market), projectId, index, 0);
        TaskRequest memory expected = TaskRequest({
            taskId: taskId,
            projectId: projectId,
            submissionIndex: index,
            opening: 0,
            inputRoot: _inputRoot(taskId, INITIAL, BETTER, 0),
            k: 0,
            championIndex: 0,
            quorumBps: 6_700,
            attemptBlocks: 50,
            seedDelay: 4,
            maxAttempts: 3
        });
        assertEq(abi.encode(center.requestAt(1)), abi.encode(expected));
    }

    function test_opening__after_a_promotion__input_has_the_new_champion() public {
        uint32 champion = submit(projectId, alice, BETTER);
        settleImproved(projectId);
        uint32 index = submit(projectId, bob, "bafybest");
        TaskRequest memory request = center.requestAt(2);
        assertEq(request.championIndex, champion);
        assertEq(request.inputRoot, _inputRoot(taskOf(projectId, index, 0), BETTER, "bafybest", 1));
    }

    function test_opening__k__counts_challengers_tasks_and_never_repeats() public {
        submit(projectId, alice, "1");
        settleMissed(projectId);
        submit(projectId, alice, "2");
        expireHead(projectId);
        market.advance(projectId, 1);
        settleMissed(projectId);
        uint32 last = submit(projectId, alice, "3");

        assertEq(center.requestCount(), 5);
        assertEq(center.requestAt(0).k, 0); // the baseline's, which can't be promoted
        assertEq(center.requestAt(1).k, 0);
        assertEq(center.requestAt(2).k, 1);
        assertEq(center.requestAt(3).k, 2); // the second one opened again: a new seed is a new chance
        assertEq(center.requestAt(4).k, 3);
        assertEq(market.getProject(projectId).evaluated, 4);
        assertEq(market.getSubmission(projectId, last).k, 3);
    }

    function test_opening__second__has_its_own_task_id_and_input() public {
        uint32 index = submit(projectId, alice, BETTER);
        expireHead(projectId);
        assertEq(market.getSubmission(projectId, index).opening, 1); // its latest task until the next one opens
        market.advance(projectId, 1);

        TaskRequest memory request = center.requestAt(2);
        assertEq(request.taskId, taskOf(projectId, index, 1));
        assertEq(request.opening, 1);
        assertEq(request.inputRoot, _inputRoot(request.taskId, INITIAL, BETTER, 1));
        assertEq(market.getSubmission(projectId, index).opening, 2);
    }

    // ---- expiry

    function test_expire__first_time__reopened_and_can_win() public {
        uint32 index = submit(projectId, alice, BETTER);
        skipBlocks(30);
        vm.expectEmit(address(market));
        emit IModelSubmission.SubmissionReopened(projectId, index);
        expireHead(projectId);
        assertStatus(projectId, index, SubmissionStatus.REVEALED);
        assertEq(market.getProject(projectId).headSince, START + 30);
        assertFree(projectId, POOL, BUDGET - FEE);
        assertSolvent();

        market.advance(projectId, 1);
        settleImproved(projectId);
        assertFinal(projectId, index, Outcome.IMPROVED);
    }

    function test_expire__second_time__next_one_opens() public {
        uint32 index = submit(projectId, alice, BETTER);
        uint32 next = submit(projectId, bob, "bafybob");
        expireHead(projectId);
        market.advance(projectId, 1);
        expireHead(projectId);
        assertFinal(projectId, index, Outcome.EXPIRED);
        assertStatus(projectId, next, SubmissionStatus.REVEALED); // nothing opens inside expire
        market.advance(projectId, 1);
        assertStatus(projectId, next, SubmissionStatus.EVALUATING);
    }

    function test_expire__not_avsLogic__reverts() public {
        uint32 index = submit(projectId, alice, BETTER);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.NotAvsLogic.selector, stranger));
        vm.prank(stranger);
        market.expire(projectId, index);
    }

    function test_expire__not_running__reverts() public {
        uint32 index = commit(projectId, alice, BETTER);
        _expectNotRunning(projectId, index);
        reveal(projectId, index, alice, BETTER);
        center.expire(projectId, index);
        _expectNotRunning(projectId, index); // revealed again
        market.advance(projectId, 1);
        center.expire(projectId, index);
        _expectNotRunning(projectId, index); // final
        _expectNotRunning(projectId, 9);
        _expectNotRunning(99, 0);
    }

    // ---- helpers

    /// @dev alice has won, and bob's revealed submission is the head.
    function _secondInLine(uint96 pool, uint96 budget) private returns (uint32 second) {
        ProjectParams memory params = defaultParams();
        params.pool = pool;
        params.budget = budget;
        projectId = openProject(params);
        submit(projectId, alice, BETTER);
        second = submit(projectId, bob, "bafybob");
        settleImproved(projectId);
    }

    function _expectNotRunning(uint40 id, uint32 index) private {
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.SubmissionNotRunning.selector, id, index));
        center.expire(id, index);
    }

    function _inputRoot(bytes32 taskId, string memory champion, string memory challenger, uint32 k)
        private
        pure
        returns (bytes32)
    {
        bytes32 terms = Digests.termsHash(Terms(ARCHITECTURE, EVALUATOR, 32, 10_000, 2));
        return Digests.inputRoot(taskId, terms, keccak256(bytes(champion)), keccak256(bytes(challenger)), k);
    }
}
