// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IModelSubmission} from "../../src/interfaces/IModelSubmission.sol";
import {Digests} from "../../src/libraries/Digests.sol";
import {
    Code,
    Outcome,
    Project,
    ProjectParams,
    ProjectStatus,
    Submission,
    SubmissionStatus,
    TaskInput,
    TaskRequest
} from "../../src/types/Types.sol";
import {FakeAttestationCenter} from "../support/FakeAttestationCenter.sol";
import {MarketTest} from "../support/MarketTest.sol";

/// @dev A submission from commit to its tasks: commit, reveal, order, openings, time limits.
contract ModelSubmissionQueueTest is MarketTest {
    uint256 internal projectId;

    function setUp() public override {
        super.setUp();
        projectId = openProject();
    }

    // ---- commit

    function test_commit__open__reserves_reward_and_fee_and_takes_the_bond() public {
        bytes32 commitment = commitmentOf(projectId, alice, BETTER);
        vm.expectEmit(address(market));
        emit IModelSubmission.SubmissionCommitted(projectId, 1, alice, commitment);
        uint32 index = commit(projectId, alice, BETTER);

        assertEq(index, 1);
        Project memory project = market.getProject(projectId);
        assertEq(project.poolFree, POOL - MAX_REWARD);
        assertEq(project.budgetFree, BUDGET - 2 * FEE);
        assertEq(project.submissionCount, 2);
        Submission memory submission = market.getSubmission(projectId, 1);
        assertStatus(projectId, 1, SubmissionStatus.COMMITTED);
        assertEq(submission.contributor, alice);
        assertEq(submission.commitment, commitment);
        assertEq(submission.committedAt, 1_000);
        assertSolvent(COIN);
    }

    function test_commit__wrong_bond__reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.WrongValue.selector, BOND - 1, BOND));
        market.commit{value: BOND - 1}(projectId, 0);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.WrongValue.selector, BOND + 1, BOND));
        market.commit{value: BOND + 1}(projectId, 0);
    }

    function test_commit__baseline_pending__reverts() public {
        uint256 young = createProject(defaultParams());
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.ProjectNotOpen.selector, young));
        market.commit{value: BOND}(young, 0);
    }

    function test_commit__closed__reverts() public {
        vm.prank(owner);
        market.closeProject(projectId);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.ProjectNotOpen.selector, projectId));
        market.commit{value: BOND}(projectId, 0);
    }

    function test_commit__openUntil__is_the_first_block_too_late() public {
        vm.roll(OPEN_UNTIL - 1);
        commit(projectId, alice, BETTER);
        vm.roll(OPEN_UNTIL);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.ProjectNotOpen.selector, projectId));
        market.commit{value: BOND}(projectId, 0);
    }

    function test_commit__unknown_project__reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.UnknownProject.selector, 9));
        market.commit{value: BOND}(9, 0);
    }

    function test_commit__too_many_pending__reverts_until_one_is_final() public {
        for (uint32 i = 0; i < MAX_PENDING; ++i) {
            commit(projectId, alice, BETTER);
        }
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.TooManyPending.selector, MAX_PENDING));
        market.commit{value: BOND}(projectId, 0);

        skipBlocks(REVEAL_BLOCKS + 1);
        market.advance(projectId, 1);
        commit(projectId, bob, BETTER);
    }

    function test_commit__pool_reserved_by_others__reverts() public {
        ProjectParams memory params = defaultParams();
        params.pool = 2 * MAX_REWARD - 1;
        uint256 small = openProject(params);
        commit(small, alice, BETTER);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.PoolExhausted.selector, MAX_REWARD - 1, MAX_REWARD));
        market.commit{value: BOND}(small, 0);
    }

    function test_commit__budget_reserved_by_others__reverts() public {
        ProjectParams memory params = defaultParams();
        params.budget = 3 * FEE - 1; // for the baseline and one challenger, one unit short for another
        uint256 small = openProject(params);
        commit(small, alice, BETTER);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.BudgetExhausted.selector, FEE - 1, FEE));
        market.commit{value: BOND}(small, 0);
    }

    // ---- reveal

    function test_reveal__head__opens_its_task() public {
        uint32 index = commit(projectId, alice, BETTER);
        skipBlocks(3);
        vm.expectEmit(address(market));
        emit IModelSubmission.SubmissionRevealed(projectId, index, BETTER);
        reveal(projectId, index, alice, BETTER);

        Submission memory submission = market.getSubmission(projectId, index);
        assertStatus(projectId, index, SubmissionStatus.EVALUATING);
        assertEq(submission.parametersCid, BETTER);
        assertEq(submission.revealedAt, 1_003);
    }

    function test_reveal__not_the_head__waits() public {
        commit(projectId, alice, BETTER);
        uint32 second = submit(projectId, bob, "bafybob");
        assertStatus(projectId, second, SubmissionStatus.REVEALED);
        assertEq(center.requestCount(), 1); // the baseline's
    }

    function test_reveal__not_the_head__leaves_the_head_alone() public {
        uint32 first = commit(projectId, alice, BETTER);
        skipBlocks(1);
        uint32 second = commit(projectId, bob, "bafybob");
        skipBlocks(REVEAL_BLOCKS); // the window of the first has passed, that of the second has not
        reveal(projectId, second, bob, "bafybob");
        assertStatus(projectId, first, SubmissionStatus.COMMITTED);
    }

    function test_reveal__head_but_center_refuses__waits_revealed() public {
        center.setMood(FakeAttestationCenter.Mood.REFUSING);
        uint32 index = submit(projectId, alice, BETTER);
        assertStatus(projectId, index, SubmissionStatus.REVEALED);
    }

    function test_reveal__last_block_of_the_window__accepted() public {
        uint32 index = commit(projectId, alice, BETTER);
        skipBlocks(REVEAL_BLOCKS);
        reveal(projectId, index, alice, BETTER);
        assertStatus(projectId, index, SubmissionStatus.EVALUATING);
    }

    function test_reveal__after_the_window__reverts() public {
        uint32 index = commit(projectId, alice, BETTER);
        skipBlocks(REVEAL_BLOCKS + 1);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.RevealTooLate.selector, 1_000 + REVEAL_BLOCKS));
        reveal(projectId, index, alice, BETTER);
    }

    function test_reveal__another_account__reverts() public {
        uint32 index = commit(projectId, alice, BETTER);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.NotContributor.selector, bob));
        reveal(projectId, index, bob, BETTER);
    }

    function test_reveal__twice__reverts() public {
        uint32 index = submit(projectId, alice, BETTER);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.SubmissionNotCommitted.selector, index));
        reveal(projectId, index, alice, BETTER);
    }

    function test_reveal__unknown_index__reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.SubmissionNotCommitted.selector, 7));
        reveal(projectId, 7, alice, BETTER);
    }

    function test_reveal__unknown_project__reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.UnknownProject.selector, 9));
        reveal(9, 1, alice, BETTER);
    }

    function test_reveal__other_parameters_or_salt__reverts() public {
        uint32 index = commit(projectId, alice, BETTER);
        vm.expectRevert(IModelSubmission.WrongCommitment.selector);
        reveal(projectId, index, alice, "bafyother");
        vm.expectRevert(IModelSubmission.WrongCommitment.selector);
        vm.prank(alice);
        market.reveal(projectId, index, BETTER, "pepper");
    }

    function test_reveal__bad_cid__reverts() public {
        uint32 index = commit(projectId, alice, "");
        vm.expectRevert(IModelSubmission.BadCid.selector);
        reveal(projectId, index, alice, "");
    }

    /// @dev A commitment is bound to chain, contract, project and contributor: with another of these it is refused.
    function test_reveal__commitment_of_a_neighbour__reverts() public {
        bytes32[4] memory commitments = [
            Digests.commitment(block.chainid + 1, address(market), projectId, alice, BETTER, SALT),
            Digests.commitment(block.chainid, address(center), projectId, alice, BETTER, SALT),
            Digests.commitment(block.chainid, address(market), projectId + 1, alice, BETTER, SALT),
            Digests.commitment(block.chainid, address(market), projectId, bob, BETTER, SALT)
        ];
        for (uint32 i = 0; i < commitments.length; ++i) {
            vm.prank(alice);
            market.commit{value: BOND}(projectId, commitments[i]);
            vm.expectRevert(IModelSubmission.WrongCommitment.selector);
            reveal(projectId, i + 1, alice, BETTER);
        }
    }

    // ---- copiers

    /// @dev Attack: copy the commitment before it is revealed. The copy cannot be revealed and costs its bond.
    function test_copier__copies_the_commitment__loses_the_bond() public {
        submit(projectId, alice, BETTER);
        vm.prank(bob);
        uint32 copy = market.commit{value: BOND}(projectId, commitmentOf(projectId, alice, BETTER));
        vm.expectRevert(IModelSubmission.WrongCommitment.selector);
        reveal(projectId, copy, bob, BETTER);

        settleImproved(projectId);
        skipBlocks(REVEAL_BLOCKS + 1);
        market.advance(projectId, 9);
        assertFinal(projectId, copy, Outcome.UNREVEALED);
        assertEq(coinCreditOf(bob), 0);
        assertEq(coinCreditOf(treasury), BOND);
    }

    /// @dev Attack: copy a revealed model. The copy is evaluated later, against the original, and pays the fee.
    function test_copier__copies_the_revealed_model__meets_it_as_champion() public {
        uint32 original = submit(projectId, alice, BETTER);
        uint32 copy = submit(projectId, bob, BETTER);
        settleImproved(projectId);
        assertEq(market.advance(projectId, 9), 1);
        assertEq(market.taskInput(projectId, copy).championCid, BETTER);
        assertEq(market.getSubmission(projectId, copy).championIndex, original);

        settleHead(projectId, Code.VALID, 15_000, 15_000, 0);
        assertFinal(projectId, copy, Outcome.NOT_IMPROVED);
        assertEq(coinCreditOf(bob), BOND - FEE);
        assertEq(coinCreditOf(alice), BOND + MAX_REWARD);
    }

    /// @dev Attack: copy, and wait for the original's task to expire. The original is opened again before the copy.
    function test_copier__original_expires_once__still_comes_first() public {
        uint32 original = submit(projectId, alice, BETTER);
        uint32 copy = submit(projectId, bob, BETTER);
        expireHead(projectId);
        assertEq(market.advance(projectId, 9), 1);
        assertStatus(projectId, original, SubmissionStatus.EVALUATING);
        assertStatus(projectId, copy, SubmissionStatus.REVEALED);
    }

    // ---- order

    /// @dev Invariant 9: the order of commits counts, not the order of reveals.
    function test_order__later_commit_revealed_first__waits_for_the_earlier() public {
        uint32 first = commit(projectId, alice, BETTER);
        uint32 second = submit(projectId, bob, "bafybob");
        assertEq(market.advance(projectId, 9), 0);
        assertStatus(projectId, second, SubmissionStatus.REVEALED);

        reveal(projectId, first, alice, BETTER);
        assertStatus(projectId, first, SubmissionStatus.EVALUATING);
        assertEq(market.advance(projectId, 9), 0);
        assertStatus(projectId, second, SubmissionStatus.REVEALED);

        settleImproved(projectId);
        assertStatus(projectId, second, SubmissionStatus.REVEALED); // nothing opens inside settle
        assertEq(market.advance(projectId, 9), 1);
        assertStatus(projectId, second, SubmissionStatus.EVALUATING);
    }

    function test_order__earlier_commit_never_revealed__makes_way_after_its_window() public {
        uint32 first = commit(projectId, alice, BETTER);
        skipBlocks(1);
        uint32 second = submit(projectId, bob, "bafybob");
        skipBlocks(REVEAL_BLOCKS - 1);
        assertEq(market.advance(projectId, 9), 0);
        skipBlocks(1);
        assertEq(market.advance(projectId, 9), 2);
        assertFinal(projectId, first, Outcome.UNREVEALED);
        assertStatus(projectId, second, SubmissionStatus.EVALUATING);
    }

    function test_order__projects__dont_wait_for_each_other() public {
        uint256 other = openProject();
        submit(projectId, alice, BETTER);
        uint32 index = submit(other, bob, BETTER);
        assertStatus(other, index, SubmissionStatus.EVALUATING);
    }

    // ---- advance

    function test_advance__maxSteps__stops_there() public {
        commit(projectId, alice, "1");
        commit(projectId, alice, "2");
        commit(projectId, alice, "3");
        skipBlocks(REVEAL_BLOCKS + 1);
        assertEq(market.advance(projectId, 0), 0);
        assertEq(market.advance(projectId, 2), 2);
        assertEq(market.getProject(projectId).head, 3);
        assertEq(market.advance(projectId, 9), 1);
    }

    function test_advance__nothing_pending__does_nothing() public {
        assertEq(market.advance(projectId, 9), 0);
    }

    function test_advance__unknown_project__reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.UnknownProject.selector, 9));
        market.advance(9, 1);
    }

    function test_advance__unrevealed__bond_to_treasury_and_reserves_released() public {
        uint32 index = commit(projectId, alice, BETTER);
        skipBlocks(REVEAL_BLOCKS + 1);
        vm.expectEmit(address(market));
        emit IModelSubmission.SubmissionSettled(projectId, index, 0, Outcome.UNREVEALED, 0, 0, 0);
        vm.expectEmit(address(market));
        emit IModelSubmission.BondSlashed(projectId, index, BOND);
        vm.expectEmit(address(market));
        emit IModelSubmission.Credited(treasury, COIN, BOND);
        vm.prank(stranger);
        market.advance(projectId, 1);

        assertEq(coinCreditOf(alice), 0);
        assertEq(coinCreditOf(treasury), BOND);
        assertEq(market.getProject(projectId).poolFree, POOL);
        assertEq(market.getProject(projectId).budgetFree, BUDGET - FEE);
        assertSolvent(COIN);
    }

    function test_advance__cannot_open_for_openTimeout__cancelled_bond_back() public {
        center.setMood(FakeAttestationCenter.Mood.REFUSING);
        uint32 index = submit(projectId, alice, BETTER);
        skipBlocks(OPEN_TIMEOUT);
        assertEq(market.advance(projectId, 9), 0);
        skipBlocks(1);
        assertEq(market.advance(projectId, 9), 1);

        assertFinal(projectId, index, Outcome.CANCELLED);
        assertEq(coinCreditOf(alice), BOND);
        assertEq(market.getProject(projectId).poolFree, POOL);
        assertEq(market.getProject(projectId).budgetFree, BUDGET - FEE);
        assertStatus(projectId, ProjectStatus.OPEN);
        assertSolvent(COIN);
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
        assertEq(market.advance(projectId, 9), 1);
        assertFinal(projectId, index, Outcome.CANCELLED);
        assertEq(coinCreditOf(alice), BOND);
    }

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
        uint256 before = vm.snapshotState();
        for (uint256 gasLimit = 20_000; gasLimit < 600_000; gasLimit += 5_000) {
            try market.advance{gas: gasLimit}(projectId, 1) {
                assertStatus(projectId, index, SubmissionStatus.EVALUATING);
            } catch {}
            vm.revertToState(before);
        }
    }

    // ---- openings

    function test_opening__request__is_what_digests_and_params_say() public {
        uint32 index = submit(projectId, alice, BETTER);

        TaskRequest memory request = center.requestAt(1);
        assertEq(request.taskId, Digests.taskId(block.chainid, address(market), projectId, index, 0));
        assertEq(request.projectId, projectId);
        assertEq(request.submissionIndex, index);
        assertEq(request.opening, 0);
        assertEq(request.k, 0);
        assertEq(request.quorumBps, 6600);
        assertEq(request.attemptBlocks, 50);
        assertEq(request.inputRoot, Digests.inputRoot(_expectedInput(request.taskId, INITIAL, BETTER, 0)));
        assertEq(request.inputRoot, Digests.inputRoot(market.taskInput(projectId, index)));
        (uint256 ofProject, uint32 ofIndex) = market.submissionOf(request.taskId);
        assertEq(ofProject, projectId);
        assertEq(ofIndex, index);
    }

    function test_opening__k__counts_challengers_tasks_and_never_repeats() public {
        submit(projectId, alice, "1");
        settleMissed(projectId);
        submit(projectId, alice, "2");
        expireHead(projectId);
        market.advance(projectId, 1);
        settleMissed(projectId);
        submit(projectId, alice, "3");

        assertEq(center.requestCount(), 5);
        assertEq(center.requestAt(0).k, 0); // the baseline's, which can't be promoted
        assertEq(center.requestAt(1).k, 0);
        assertEq(center.requestAt(2).k, 1);
        assertEq(center.requestAt(3).k, 2); // the second one opened again: a new seed is a new chance
        assertEq(center.requestAt(4).k, 3);
        assertEq(market.getProject(projectId).evaluated, 4);
    }

    function test_opening__second__has_its_own_task_id() public {
        uint32 index = submit(projectId, alice, BETTER);
        bytes32 first = headTask(projectId);
        expireHead(projectId);
        assertEq(headTask(projectId), first); // its latest task until the next one opens
        market.advance(projectId, 1);

        bytes32 second = headTask(projectId);
        assertEq(second, Digests.taskId(block.chainid, address(market), projectId, index, 1));
        assertEq(market.getSubmission(projectId, index).opening, 1);
        (, uint32 ofFirst) = market.submissionOf(first);
        assertEq(ofFirst, index);
        assertEq(center.requestAt(2).inputRoot, Digests.inputRoot(_expectedInput(second, INITIAL, BETTER, 1)));
    }

    /// @dev Readers, and a certificate that is not posted yet, must get the same input after the project moved on.
    function test_taskInput__champion_changed_since__stays_the_same() public {
        submit(projectId, alice, BETTER);
        TaskRequest memory first = center.requestAt(1);
        settleImproved(projectId);
        submit(projectId, bob, "bafybest");
        settleImproved(projectId);
        vm.prank(owner);
        market.closeProject(projectId);

        assertEq(market.championCid(projectId), "bafybest");
        assertEq(Digests.inputRoot(market.taskInput(projectId, 1)), first.inputRoot);
        assertEq(Digests.inputRoot(market.taskInput(projectId, 2)), center.requestAt(2).inputRoot);
        assertEq(market.taskInput(projectId, 2).championCid, BETTER);
    }

    // ---- expiry

    function test_expire__second_time__bond_back_and_next_one_opens() public {
        uint32 index = submit(projectId, alice, BETTER);
        uint32 next = submit(projectId, bob, "bafybob");
        expireHead(projectId);
        market.advance(projectId, 1);
        expireHead(projectId);

        assertFinal(projectId, index, Outcome.EXPIRED);
        assertEq(coinCreditOf(alice), BOND);
        assertEq(coinCreditOf(treasury), 0);
        (uint128 fees,) = market.attesterFees(market.getSubmission(projectId, index).taskId);
        assertEq(fees, 0);
        assertEq(market.getProject(projectId).poolFree, POOL - MAX_REWARD); // bob's reserve
        assertEq(market.getProject(projectId).budgetFree, BUDGET - 2 * FEE);
        assertSolvent(COIN);

        market.advance(projectId, 1);
        assertStatus(projectId, next, SubmissionStatus.EVALUATING);
    }

    function test_expire__first_time__reopens_and_can_win() public {
        uint32 index = submit(projectId, alice, BETTER);
        vm.expectEmit(address(market));
        emit IModelSubmission.SubmissionReopened(projectId, index);
        expireHead(projectId);
        assertStatus(projectId, index, SubmissionStatus.REVEALED);
        assertSolvent(COIN);

        market.advance(projectId, 1);
        settleImproved(projectId);
        assertFinal(projectId, index, Outcome.IMPROVED);
    }

    function test_expire__not_avsLogic__reverts() public {
        submit(projectId, alice, BETTER);
        bytes32 taskId = headTask(projectId);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.NotAvsLogic.selector, stranger));
        vm.prank(stranger);
        market.expire(taskId);
    }

    function test_expire__unknown_task__reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.UnknownTask.selector, bytes32("x")));
        center.expire("x");
    }

    function test_expire__task_not_running__reverts() public {
        submit(projectId, alice, BETTER);
        bytes32 first = headTask(projectId);
        center.expire(first);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.TaskNotRunning.selector, first));
        center.expire(first); // revealed again, not evaluating

        market.advance(projectId, 1);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.TaskNotRunning.selector, first));
        center.expire(first); // evaluating, in another task
    }

    // ---- readers

    function test_getSubmission__unknown__reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.UnknownSubmission.selector, projectId, 1));
        market.getSubmission(projectId, 1);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.UnknownProject.selector, 9));
        market.getSubmission(9, 0);
    }

    function test_taskInput__never_opened__reverts() public {
        commit(projectId, alice, BETTER);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.UnknownTask.selector, bytes32(0)));
        market.taskInput(projectId, 1);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.UnknownSubmission.selector, projectId, 2));
        market.taskInput(projectId, 2);
    }

    function test_submissionOf__unknown__reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.UnknownTask.selector, bytes32("x")));
        market.submissionOf("x");
    }

    function _expectedInput(bytes32 taskId, string memory champion, string memory challenger, uint32 k)
        private
        pure
        returns (TaskInput memory)
    {
        return TaskInput(taskId, ARCHITECTURE, EVALUATOR, champion, challenger, 32, k, 10_000, TOLERANCE);
    }
}
