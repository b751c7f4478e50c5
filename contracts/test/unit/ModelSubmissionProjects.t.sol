// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IModelSubmission} from "../../src/interfaces/IModelSubmission.sol";
import {Digests} from "../../src/libraries/Digests.sol";
import {Tokens} from "../../src/libraries/Tokens.sol";
import {
    Code,
    Outcome,
    Project,
    ProjectParams,
    ProjectStatus,
    RewardRule,
    Submission,
    SubmissionStatus,
    TaskRequest,
    Terms
} from "../../src/types/Types.sol";
import {FakeAttestationCenter} from "../support/FakeAttestationCenter.sol";
import {MarketTest} from "../support/MarketTest.sol";

/// @dev A project's beginning: creation, baseline, top-up, metadata.
contract ModelSubmissionProjectsTest is MarketTest {
    // ---- creation

    function test_createProject__valid__escrows_and_opens_the_baseline() public {
        ProjectParams memory params = defaultParams();
        vm.expectEmit(address(market));
        emit IModelSubmission.ProjectCreated(1, owner, params);
        uint40 projectId = createProject(params);

        assertEq(projectId, 1);
        assertEq(market.projectCount(), 1);
        assertEq(address(market).balance, POOL + BUDGET);
        assertStatus(projectId, ProjectStatus.BASELINE);
        assertFree(projectId, POOL, BUDGET - FEE);
        assertSolvent();
    }

    function test_getProject__new_project__every_field() public {
        ProjectParams memory params = disputable();
        params.token = address(token);
        params.rewardRule = RewardRule.LINEAR;
        params.rewardRate = RATE;
        params.ownerPaysMisses = true;
        skipBlocks(7);
        uint40 projectId = createProject(params);

        Terms memory terms = Terms(ARCHITECTURE, EVALUATOR, 32, 10_000, 2);
        Project memory expected = Project({
            status: ProjectStatus.BASELINE,
            owner: owner,
            token: address(token),
            createdAt: START + 7,
            poolFree: POOL,
            budgetFree: BUDGET - FEE,
            submissionCount: 1,
            head: 0,
            headSince: START + 7,
            evaluated: 0,
            championIndex: 0,
            championScore: 0,
            baselineScore: 0,
            rewardsPaid: 0,
            rewardRule: RewardRule.LINEAR,
            maxReward: MAX_REWARD,
            rewardRate: RATE,
            bond: BOND,
            fee: FEE,
            minGain: MIN_GAIN,
            worseTolerance: WORSE_TOLERANCE,
            quorumBps: 6_700,
            seedDelay: 4,
            maxAttempts: 3,
            attemptBlocks: 50,
            revealBlocks: REVEAL_BLOCKS,
            disputeBlocks: DISPUTE_BLOCKS,
            openUntil: OPEN_UNTIL,
            ownerPaysMisses: true,
            termsHash: Digests.termsHash(terms)
        });
        assertEq(abi.encode(market.getProject(projectId)), abi.encode(expected));
        (address paidIn, uint96 fee) = market.feeOf(projectId);
        assertEq(paidIn, address(token));
        assertEq(fee, FEE);
    }

    function test_createProject__baseline__is_submission_0_against_itself() public {
        uint40 projectId = createProject(defaultParams());

        Submission memory expected = Submission({
            contributor: owner,
            since: START,
            status: SubmissionStatus.EVALUATING,
            outcome: Outcome.NONE,
            opening: 1,
            k: 0,
            content: keccak256(bytes(INITIAL))
        });
        assertEq(abi.encode(market.getSubmission(projectId, 0)), abi.encode(expected));
        assertEq(center.requestCount(), 1);
        bytes32 initial = keccak256(bytes(INITIAL));
        bytes32 terms = Digests.termsHash(Terms(ARCHITECTURE, EVALUATOR, 32, 10_000, 2));
        bytes32 taskId = taskOf(projectId, 0, 0);
        TaskRequest memory request = TaskRequest({
            taskId: taskId,
            projectId: projectId,
            submissionIndex: 0,
            opening: 0,
            inputRoot: Digests.inputRoot(taskId, terms, initial, initial, 0),
            k: 0,
            championIndex: 0,
            quorumBps: 6_700,
            attemptBlocks: 50,
            seedDelay: 4,
            maxAttempts: 3
        });
        assertEq(abi.encode(center.requestAt(0)), abi.encode(request));
    }

    function test_createProject__center_refuses__waits_revealed() public {
        center.setMood(FakeAttestationCenter.Mood.REFUSING);
        uint40 projectId = createProject(defaultParams());
        assertStatus(projectId, 0, SubmissionStatus.REVEALED);
        assertFree(projectId, POOL, BUDGET); // nothing is reserved before a task opens
        assertSolvent();

        center.setMood(FakeAttestationCenter.Mood.WILLING);
        assertEq(market.advance(projectId, 5), 1);
        assertStatus(projectId, 0, SubmissionStatus.EVALUATING);
        assertFree(projectId, POOL, BUDGET - FEE);
    }

    function test_createProject__twice__ids_count_on() public {
        assertEq(createProject(defaultParams()), 1);
        assertEq(createProject(defaultParams()), 2);
        assertSolvent();
    }

    function test_createProject__wrong_value__reverts() public {
        ProjectParams memory params = defaultParams();
        uint256 due = POOL + BUDGET;
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(Tokens.WrongValue.selector, due - 1, due));
        market.createProject{value: due - 1}(params);
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(Tokens.WrongValue.selector, due + 1, due));
        market.createProject{value: due + 1}(params);
    }

    function test_createProject__largest_amounts__sum_does_not_wrap() public {
        ProjectParams memory params = defaultParams();
        params.pool = type(uint96).max;
        params.budget = type(uint96).max / 2;
        vm.deal(owner, type(uint128).max);
        uint40 projectId = createProject(params);
        assertFree(projectId, type(uint96).max, type(uint96).max / 2 - FEE);
        assertSolvent();
    }

    // ---- baseline

    function test_baseline__valid__project_opens_with_its_score() public {
        uint40 projectId = createProject(defaultParams());
        skipBlocks(9);
        bytes32 taskId = headTask(projectId);
        vm.expectEmit(address(market));
        emit IModelSubmission.SubmissionSettled(projectId, 0, taskId, Outcome.NOT_IMPROVED, -77, -78, 0);
        vm.expectEmit(address(market));
        emit IModelSubmission.ProjectOpened(projectId, -78);
        settleHead(projectId, Code.VALID, -77, -78, 0);

        Project memory project = market.getProject(projectId);
        assertStatus(projectId, ProjectStatus.OPEN);
        assertFinal(projectId, 0, Outcome.NOT_IMPROVED);
        assertEq(project.championScore, -78);
        assertEq(project.baselineScore, -78);
        assertEq(project.championIndex, 0);
        assertEq(project.evaluated, 0);
        assertEq(project.head, 1);
        assertEq(project.headSince, START + 9);
        assertFree(projectId, POOL, BUDGET - FEE);
        assertEq(coinOf(owner), 0); // the baseline has no bond
        assertOperatorsPaid();
        assertSolvent();
    }

    /// @dev A valid baseline never counts as an improvement, for any bound.
    function test_baseline__valid_with_gain__earns_no_reward() public {
        uint40 projectId = createProject(defaultParams());
        settleHead(projectId, Code.VALID, 0, 9_000, 9_000);
        assertFinal(projectId, 0, Outcome.NOT_IMPROVED);
        assertEq(coinOf(owner), 0);
        assertEq(market.getProject(projectId).poolFree, POOL);
    }

    /// @dev Nor as worse than itself.
    function test_baseline__valid_with_loss__opens() public {
        uint40 projectId = createProject(defaultParams());
        settleHead(projectId, Code.VALID, 0, -9_000, -9_000);
        assertFinal(projectId, 0, Outcome.NOT_IMPROVED);
        assertStatus(projectId, ProjectStatus.OPEN);
    }

    function test_baseline__invalid__cancelled_and_refunded_but_the_fee() public {
        assertBaselineFails(Code.INVALID, Outcome.INVALID);
    }

    function test_baseline__unavailable__cancelled_and_refunded_but_the_fee() public {
        assertBaselineFails(Code.UNAVAILABLE, Outcome.UNAVAILABLE);
    }

    function test_baseline__evaluator_failed__cancelled_and_refunded_but_the_fee() public {
        assertBaselineFails(Code.EVALUATOR_FAILED, Outcome.EVALUATOR_FAILED);
    }

    function test_baseline__expires_twice__cancelled_and_refunded_whole() public {
        uint40 projectId = createProject(defaultParams());
        vm.expectEmit(address(market));
        emit IModelSubmission.SubmissionReopened(projectId, 0);
        expireHead(projectId);
        assertStatus(projectId, 0, SubmissionStatus.REVEALED);
        assertFree(projectId, POOL, BUDGET);
        assertEq(market.advance(projectId, 9), 1);
        assertEq(center.requestAt(1).opening, 1);
        assertEq(center.requestAt(1).k, 0);

        vm.expectEmit(address(market));
        emit IModelSubmission.SubmissionSettled(projectId, 0, taskOf(projectId, 0, 1), Outcome.EXPIRED, 0, 0, 0);
        vm.expectEmit(address(market));
        emit IModelSubmission.ProjectCancelled(projectId);
        expireHead(projectId);
        assertFinal(projectId, 0, Outcome.EXPIRED);
        assertStatus(projectId, ProjectStatus.CANCELLED);
        assertEq(coinOf(owner), POOL + BUDGET);
        assertFree(projectId, 0, 0);
        assertSolvent();
    }

    function test_baseline__cannot_open__cancelled_after_the_timeout() public {
        center.setMood(FakeAttestationCenter.Mood.REFUSING);
        uint40 projectId = createProject(defaultParams());
        skipBlocks(OPEN_TIMEOUT);
        assertEq(market.advance(projectId, 1), 0);

        skipBlocks(1);
        vm.expectEmit(address(market));
        emit IModelSubmission.SubmissionSettled(projectId, 0, 0, Outcome.CANCELLED, 0, 0, 0);
        vm.expectEmit(address(market));
        emit IModelSubmission.ProjectCancelled(projectId);
        vm.expectEmit(address(market));
        emit IModelSubmission.Credited(owner, COIN, POOL + BUDGET);
        assertEq(market.advance(projectId, 1), 1);
        assertFinal(projectId, 0, Outcome.CANCELLED);
        assertEq(coinOf(owner), POOL + BUDGET);
        assertSolvent();
    }

    function test_baseline__cancelled__nothing_left_to_withdraw_or_close() public {
        uint40 projectId = createProject(defaultParams());
        settleHead(projectId, Code.INVALID, 0, 0, 0);

        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.ProjectNotOpen.selector, projectId));
        closeByOwner(projectId);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.ProjectStillOpen.selector, projectId));
        vm.prank(owner);
        market.withdrawEscrow(projectId);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.ProjectNotOpen.selector, projectId));
        market.commit{value: BOND}(projectId, 0);
        assertEq(market.advance(projectId, 9), 0);
    }

    // ---- top-up

    function test_topUp__anyone__adds_to_pool_and_budget() public {
        uint40 projectId = openProject();
        vm.expectEmit(address(market));
        emit IModelSubmission.ToppedUp(projectId, 7, 11);
        vm.prank(stranger);
        market.topUp{value: 18}(projectId, 7, 11);
        assertFree(projectId, POOL + 7, BUDGET - FEE + 11);
        assertSolvent();
    }

    function test_topUp__during_baseline__refunded_with_the_rest() public {
        uint40 projectId = createProject(defaultParams());
        vm.prank(stranger);
        market.topUp{value: 18}(projectId, 7, 11);
        settleHead(projectId, Code.INVALID, 0, 0, 0);
        assertEq(coinOf(owner), POOL + BUDGET + 18 - FEE);
        assertSolvent();
    }

    /// @dev Attack: fill the pool while a task runs. What it reserved could not come back, and it could never end.
    function test_topUp__pool_under_a_running_task__leaves_room_for_its_reward() public {
        useToken();
        uint40 projectId = openProject();
        submit(projectId, alice, BETTER);
        fillPool(projectId, type(uint96).max - POOL); // all in the pool or reserved
        expireHead(projectId);
        assertStatus(projectId, 1, SubmissionStatus.REVEALED);
        assertEq(market.getProject(projectId).poolFree, type(uint96).max);
        assertSolvent();
    }

    /// @dev Attack: fill the pool while a reward is withheld, so that no ruling can return it.
    function test_topUp__pool_under_a_withheld_reward__leaves_room_for_it() public {
        useToken();
        uint40 projectId = openProject(disputable());
        uint32 index = submit(projectId, alice, BETTER);
        settleImproved(projectId);
        fillPool(projectId, type(uint96).max - POOL - MAX_REWARD); // and room for the next task's reward
        disputeBy(stranger, projectId, index);
        center.resolve(projectId, index, true);
        assertEq(market.getProject(projectId).poolFree, type(uint96).max - MAX_REWARD);
        assertSolvent();
    }

    /// @dev Attack: a budget so large that what absent stake would have earned cannot come back to it.
    function test_topUp__budget__leaves_room_for_what_comes_back() public {
        useToken();
        uint40 projectId = openProject();
        submit(projectId, alice, BETTER);
        uint96 most = type(uint96).max / 2 - (BUDGET - FEE);
        vm.startPrank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.BadParameter.selector, "budget"));
        market.topUp(projectId, 0, most + 1);
        market.topUp(projectId, 0, most);
        vm.stopPrank();
        settleMissed(projectId);
        assertSolvent();
    }

    function test_topUp__wrong_value__reverts() public {
        uint40 projectId = openProject();
        vm.startPrank(stranger);
        vm.expectRevert(abi.encodeWithSelector(Tokens.WrongValue.selector, 17, 18));
        market.topUp{value: 17}(projectId, 7, 11);
        vm.expectRevert(abi.encodeWithSelector(Tokens.WrongValue.selector, 19, 18));
        market.topUp{value: 19}(projectId, 7, 11);
        vm.stopPrank();
    }

    function test_topUp__project_over__reverts() public {
        uint40 cancelled = createProject(defaultParams());
        settleHead(cancelled, Code.INVALID, 0, 0, 0);
        uint40 suspended = openProject();
        submit(suspended, alice, BETTER);
        settleHead(suspended, Code.EVALUATOR_FAILED, 0, 0, 0);
        uint40 closed = openProject();
        closeByOwner(closed);
        uint40[3] memory ids = [cancelled, suspended, closed];
        for (uint256 i = 0; i < ids.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IModelSubmission.ProjectNotOpen.selector, ids[i]));
            vm.prank(stranger);
            market.topUp{value: 18}(ids[i], 7, 11);
        }
    }

    // ---- metadata

    function test_setMetadata__owner__announced_in_any_state() public {
        uint40 projectId = createProject(defaultParams());
        vm.expectEmit(address(market));
        emit IModelSubmission.MetadataChanged(projectId, "bafynew");
        vm.prank(owner);
        market.setMetadata(projectId, "bafynew");

        settleHead(projectId, Code.INVALID, 0, 0, 0);
        vm.expectEmit(address(market));
        emit IModelSubmission.MetadataChanged(projectId, "bafylast");
        vm.prank(owner);
        market.setMetadata(projectId, "bafylast");
    }

    function test_setMetadata__not_the_owner__reverts() public {
        uint40 projectId = openProject();
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.NotProjectOwner.selector, timelock));
        vm.prank(timelock);
        market.setMetadata(projectId, "bafynew");
    }

    function test_setMetadata__bad_cid__reverts() public {
        uint40 projectId = openProject();
        vm.expectRevert(IModelSubmission.BadCid.selector);
        vm.prank(owner);
        market.setMetadata(projectId, "");
    }

    // ---- unknown projects

    function test_calls__unknown_project__revert() public {
        openProject();
        bytes[9] memory calls = [
            abi.encodeCall(market.getProject, (2)),
            abi.encodeCall(market.getSubmission, (2, 0)),
            abi.encodeCall(market.topUp, (2, 0, 0)),
            abi.encodeCall(market.setMetadata, (2, METADATA)),
            abi.encodeCall(market.closeProject, (2)),
            abi.encodeCall(market.withdrawEscrow, (2)),
            abi.encodeCall(market.commit, (2, 0)),
            abi.encodeCall(market.reveal, (2, 0, BETTER, SALT)),
            abi.encodeCall(market.advance, (2, 1))
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            (bool succeeded, bytes memory returned) = address(market).call(calls[i]);
            assertFalse(succeeded, "accepted an unknown project");
            assertEq(returned, abi.encodeWithSelector(IModelSubmission.UnknownProject.selector, 2));
        }
    }

    // ---- helpers

    function useToken() private {
        asset = address(token);
        token.mint(stranger, type(uint128).max);
    }

    /// @dev Check that `most` is the largest pool that can be added, then add it.
    function fillPool(uint40 projectId, uint96 most) private {
        vm.startPrank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.BadParameter.selector, "pool"));
        market.topUp(projectId, most + 1, 0);
        market.topUp(projectId, most, 0);
        vm.stopPrank();
    }

    function assertBaselineFails(Code code, Outcome outcome) private {
        uint40 projectId = createProject(defaultParams());
        vm.expectEmit(address(market));
        emit IModelSubmission.ProjectCancelled(projectId);
        vm.expectEmit(address(market));
        emit IModelSubmission.Credited(owner, COIN, POOL + BUDGET - FEE);
        settleHead(projectId, code, 0, 0, 0);

        assertStatus(projectId, ProjectStatus.CANCELLED);
        assertFinal(projectId, 0, outcome);
        assertEq(coinOf(owner), POOL + BUDGET - FEE);
        assertEq(coinOf(treasury), 0);
        assertFree(projectId, 0, 0);
        assertOperatorsPaid();
        assertSolvent();
    }

    function assertOperatorsPaid() private view {
        assertEq(coinOf(performer), PERFORMER_FEE);
        assertEq(coinOf(aggregator), AGGREGATOR_FEE);
        assertEq(center.unclaimedIn(COIN), ATTESTERS_FEE);
    }

    function coinOf(address account) private view returns (uint256) {
        return market.creditOf(account, COIN);
    }
}
