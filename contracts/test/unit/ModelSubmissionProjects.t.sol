// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";

import {ModelSubmission} from "../../src/ModelSubmission.sol";
import {IAttestationCenter} from "../../src/interfaces/IAttestationCenter.sol";
import {IModelSubmission} from "../../src/interfaces/IModelSubmission.sol";
import {
    Code,
    Outcome,
    Project,
    ProjectParams,
    ProjectStatus,
    RewardRule,
    Submission,
    SubmissionStatus
} from "../../src/types/Types.sol";
import {FakeAttestationCenter} from "../support/FakeAttestationCenter.sol";
import {MarketTest} from "../support/MarketTest.sol";

/// @dev A project from creation to the end: deployment, creation, baseline, top-up, closing, escrow.
contract ModelSubmissionProjectsTest is MarketTest {
    // ---- deployment

    function test_constructor__keeps_its_arguments() public view {
        assertEq(market.avsLogic(), address(center));
        assertEq(address(market.attestationCenter()), address(center));
        assertEq(market.treasury(), treasury);
        assertEq(market.owner(), timelock);
        assertEq(market.maxPending(), MAX_PENDING);
        assertEq(market.openTimeout(), OPEN_TIMEOUT);
        assertEq(market.projectCount(), 0);
    }

    function test_constructor__zero_address__reverts() public {
        IAttestationCenter anyCenter = IAttestationCenter(address(center));
        vm.expectRevert(IModelSubmission.ZeroAddress.selector);
        new ModelSubmission(address(0), anyCenter, treasury, timelock, 1, 1);
        vm.expectRevert(IModelSubmission.ZeroAddress.selector);
        new ModelSubmission(address(center), IAttestationCenter(address(0)), treasury, timelock, 1, 1);
        vm.expectRevert(IModelSubmission.ZeroAddress.selector);
        new ModelSubmission(address(center), anyCenter, address(0), timelock, 1, 1);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableInvalidOwner.selector, address(0)));
        new ModelSubmission(address(center), anyCenter, treasury, address(0), 1, 1);
    }

    function test_constructor__zero_number__reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.BadParameter.selector, "maxPending"));
        new ModelSubmission(address(center), IAttestationCenter(address(center)), treasury, timelock, 0, 1);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.BadParameter.selector, "openTimeout"));
        new ModelSubmission(address(center), IAttestationCenter(address(center)), treasury, timelock, 1, 0);
    }

    function test_deployment__fits_eip170() public view {
        assertLe(address(market).code.length, 24_576);
    }

    // ---- creation

    function test_createProject__valid__escrows_and_opens_the_baseline() public {
        ProjectParams memory params = defaultParams();
        vm.expectEmit(address(market));
        emit IModelSubmission.ProjectCreated(1, owner, ARCHITECTURE, INITIAL, EVALUATOR, COIN, POOL, BUDGET);
        uint256 projectId = createProject(params);

        assertEq(projectId, 1);
        assertEq(market.projectCount(), 1);
        assertEq(address(market).balance, POOL + BUDGET);
        Project memory project = market.getProject(projectId);
        assertStatus(projectId, ProjectStatus.BASELINE);
        assertEq(project.owner, owner);
        assertEq(project.poolFree, POOL);
        assertEq(project.budgetFree, BUDGET - FEE);
        assertEq(project.submissionCount, 1);
        assertEq(project.head, 0);
        assertEq(project.evaluated, 0);
        assertEq(keccak256(abi.encode(project.params)), keccak256(abi.encode(params)));
        assertSolvent(COIN);
    }

    function test_createProject__baseline__is_submission_0_against_itself() public {
        uint256 projectId = createProject(defaultParams());

        Submission memory baseline = market.getSubmission(projectId, 0);
        assertStatus(projectId, 0, SubmissionStatus.EVALUATING);
        assertEq(baseline.contributor, owner);
        assertEq(baseline.parametersCid, INITIAL);
        assertEq(baseline.committedAt, 1_000);
        assertEq(baseline.revealedAt, 1_000);
        assertEq(baseline.championIndex, 0);
        assertEq(baseline.opening, 0);
        assertEq(center.requestCount(), 1);
        assertEq(center.requestAt(0).taskId, baseline.taskId);
        assertEq(market.taskInput(projectId, 0).championCid, INITIAL);
        assertEq(market.taskInput(projectId, 0).challengerCid, INITIAL);
    }

    function test_createProject__center_refuses__waits_revealed() public {
        center.setMood(FakeAttestationCenter.Mood.REFUSING);
        uint256 projectId = createProject(defaultParams());
        assertStatus(projectId, 0, SubmissionStatus.REVEALED);

        center.setMood(FakeAttestationCenter.Mood.WILLING);
        assertEq(market.advance(projectId, 5), 1);
        assertStatus(projectId, 0, SubmissionStatus.EVALUATING);
    }

    function test_createProject__twice__ids_count_on() public {
        assertEq(createProject(defaultParams()), 1);
        assertEq(createProject(defaultParams()), 2);
        assertSolvent(COIN);
    }

    function test_createProject__wrong_value__reverts() public {
        ProjectParams memory params = defaultParams();
        uint256 due = POOL + BUDGET;
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.WrongValue.selector, due - 1, due));
        market.createProject{value: due - 1}(params);
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.WrongValue.selector, due + 1, due));
        market.createProject{value: due + 1}(params);
    }

    function test_createProject__token_not_allowed__reverts() public {
        ProjectParams memory params = defaultParams();
        params.token = stranger;
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.TokenNotAllowed.selector, stranger));
        market.createProject(params);
    }

    function test_createProject__cid_with_other_characters__reverts() public {
        string[6] memory wrong = ["bafk/", "bafk:", "bafk@", "bafk[", "bafk`", "bafk{"]; // next to each range
        ProjectParams memory params = defaultParams();
        for (uint256 i = 0; i < wrong.length; ++i) {
            params.parametersCid = wrong[i];
            _expectBadCid(params);
        }
        params.parametersCid = string(bytes(hex"62616678ff")); // not UTF-8
        _expectBadCid(params);
        params.parametersCid = "09AZaz";
        createProject(params);
    }

    function test_createProject__bad_cid__reverts() public {
        string memory tooLong = "12345678901234567890123456789012345678901234567890123456789012345"; // 65
        ProjectParams memory params = defaultParams();
        params.architectureCid = "";
        _expectBadCid(params);
        params.architectureCid = tooLong;
        _expectBadCid(params);

        params = defaultParams();
        params.parametersCid = "";
        _expectBadCid(params);
        params.parametersCid = tooLong;
        _expectBadCid(params);

        params = defaultParams();
        params.evaluatorCid = "";
        _expectBadCid(params);
        params.evaluatorCid = tooLong;
        _expectBadCid(params);
    }

    function test_createProject__cid_of_64__accepted() public {
        ProjectParams memory params = defaultParams();
        params.evaluatorCid = "1234567890123456789012345678901234567890123456789012345678901234";
        uint256 projectId = createProject(params);
        assertEq(market.taskInput(projectId, 0).evaluatorCid, params.evaluatorCid);
    }

    function test_createProject__money__bounds() public {
        ProjectParams memory params = defaultParams();
        params.fee = 0;
        _expectBad(params, "fee");

        params = defaultParams();
        params.bond = 2 * FEE - 1;
        _expectBad(params, "bond");
        params.bond = 2 * FEE;
        createProject(params);

        params = defaultParams();
        params.budget = 2 * FEE - 1;
        _expectBad(params, "budget");
        params.budget = 2 * FEE;
        createProject(params);

        params = defaultParams();
        params.maxReward = 0;
        _expectBad(params, "maxReward");

        params = defaultParams();
        params.pool = MAX_REWARD - 1;
        _expectBad(params, "pool");
        params.pool = MAX_REWARD;
        createProject(params);

        params = defaultParams();
        params.rewardRule = RewardRule.LINEAR;
        _expectBad(params, "rewardRate");
        params.rewardRate = 1;
        createProject(params);
    }

    /// @dev Twice the largest fee does not fit its type: it must not wrap to a small number.
    function test_createProject__huge_fee__bond_rule_does_not_wrap() public {
        ProjectParams memory params = defaultParams();
        params.fee = 2 ** 127;
        params.bond = type(uint128).max;
        params.budget = type(uint128).max;
        _expectBad(params, "bond");
    }

    function test_createProject__promotion__bounds() public {
        ProjectParams memory params = defaultParams();
        params.minGain = 10 * int64(uint64(TOLERANCE)) - 1;
        _expectBad(params, "minGain");
        params.minGain = 10 * int64(uint64(TOLERANCE));
        createProject(params);
        params.tolerance = 0;
        params.minGain = 0;
        _expectBad(params, "minGain");
        params.minGain = -1;
        _expectBad(params, "minGain");

        params = defaultParams();
        params.worseTolerance = -1;
        _expectBad(params, "worseTolerance");
        params.worseTolerance = 0;
        createProject(params);

        params = defaultParams();
        params.rounds = 1;
        _expectBad(params, "rounds");
        params.rounds = 129;
        _expectBad(params, "rounds");
        params.rounds = 2;
        createProject(params);
        params.rounds = 128;
        createProject(params);

        params = defaultParams();
        params.alphaPpm = 0;
        _expectBad(params, "alphaPpm");
        params.alphaPpm = 500_000;
        _expectBad(params, "alphaPpm");
        params.alphaPpm = 499_999;
        createProject(params);

        params = defaultParams();
        params.quorumBps = 6599;
        _expectBad(params, "quorumBps");
        params.quorumBps = 9001;
        _expectBad(params, "quorumBps");
        params.quorumBps = 9000;
        createProject(params);
    }

    function test_createProject__time__bounds() public {
        ProjectParams memory params = defaultParams();
        params.attemptBlocks = 0;
        _expectBad(params, "attemptBlocks");

        params = defaultParams();
        params.revealBlocks = 0;
        _expectBad(params, "revealBlocks");
        params.revealBlocks = 50_401;
        _expectBad(params, "revealBlocks");

        params = defaultParams();
        params.openUntil = 1_000; // now
        _expectBad(params, "openUntil");
        params.openUntil = 1_001;
        createProject(params);
    }

    // ---- baseline

    function test_baseline__valid__project_opens_with_its_score() public {
        uint256 projectId = createProject(defaultParams());
        vm.expectEmit(address(market));
        emit IModelSubmission.SubmissionSettled(projectId, 0, headTask(projectId), Outcome.NOT_IMPROVED, -77, -78, 0);
        vm.expectEmit(address(market));
        emit IModelSubmission.ProjectOpened(projectId, -78);
        settleHead(projectId, Code.VALID, -77, -78, 0);

        Project memory project = market.getProject(projectId);
        assertStatus(projectId, ProjectStatus.OPEN);
        assertFinal(projectId, 0, Outcome.NOT_IMPROVED);
        assertEq(project.championScore, -78);
        assertEq(project.championIndex, 0);
        assertEq(project.evaluated, 0);
        assertEq(project.head, 1);
        assertEq(project.poolFree, POOL);
        assertEq(project.budgetFree, BUDGET - FEE);
        assertEq(market.championCid(projectId), INITIAL);
        _assertOperatorsPaid();
        assertSolvent(COIN);
    }

    /// @dev A valid baseline never counts as an improvement, for any bound.
    function test_baseline__valid_with_gain__earns_no_reward() public {
        uint256 projectId = createProject(defaultParams());
        settleHead(projectId, Code.VALID, 0, 9_000, 9_000);
        assertFinal(projectId, 0, Outcome.NOT_IMPROVED);
        assertEq(coinCreditOf(owner), 0);
        assertEq(market.getProject(projectId).poolFree, POOL);
    }

    function test_baseline__failed__cancelled_and_refunded_but_the_fee() public {
        _assertBaselineFails(Code.INVALID, Outcome.INVALID);
    }

    function test_baseline__unavailable__cancelled_and_refunded_but_the_fee() public {
        _assertBaselineFails(Code.UNAVAILABLE, Outcome.UNAVAILABLE);
    }

    function test_baseline__evaluator_failed__cancelled_and_refunded_but_the_fee() public {
        _assertBaselineFails(Code.EVALUATOR_FAILED, Outcome.EVALUATOR_FAILED);
    }

    function test_baseline__expires_twice__cancelled_and_refunded_whole() public {
        uint256 projectId = createProject(defaultParams());
        bytes32 first = headTask(projectId);
        vm.expectEmit(address(market));
        emit IModelSubmission.SubmissionReopened(projectId, 0);
        center.expire(first);
        assertStatus(projectId, 0, SubmissionStatus.REVEALED);
        assertEq(market.advance(projectId, 9), 1);
        assertEq(center.requestAt(1).opening, 1);
        assertEq(center.requestAt(1).k, 0);

        expireHead(projectId);
        assertFinal(projectId, 0, Outcome.EXPIRED);
        assertStatus(projectId, ProjectStatus.CANCELLED);
        assertEq(coinCreditOf(owner), POOL + BUDGET);
        assertSolvent(COIN);
    }

    function test_baseline__cannot_open__cancelled_after_the_timeout() public {
        center.setMood(FakeAttestationCenter.Mood.REFUSING);
        uint256 projectId = createProject(defaultParams());
        skipBlocks(OPEN_TIMEOUT);
        assertEq(market.advance(projectId, 1), 0);

        skipBlocks(1);
        vm.expectEmit(address(market));
        emit IModelSubmission.ProjectCancelled(projectId);
        assertEq(market.advance(projectId, 1), 1);
        assertFinal(projectId, 0, Outcome.CANCELLED);
        assertEq(coinCreditOf(owner), POOL + BUDGET);
        assertSolvent(COIN);
    }

    function test_baseline__cancelled__nothing_left_to_withdraw_or_close() public {
        uint256 projectId = createProject(defaultParams());
        settleHead(projectId, Code.INVALID, 0, 0, 0);

        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.ProjectNotOpen.selector, projectId));
        vm.prank(owner);
        market.closeProject(projectId);
        vm.expectRevert(IModelSubmission.NothingToWithdraw.selector);
        vm.prank(owner);
        market.withdrawEscrow(projectId);
        assertEq(market.advance(projectId, 9), 0);
    }

    // ---- top-up

    function test_topUp__anyone__adds_to_pool_and_budget() public {
        uint256 projectId = openProject();
        vm.expectEmit(address(market));
        emit IModelSubmission.ToppedUp(projectId, 7, 11);
        vm.prank(stranger);
        market.topUp{value: 18}(projectId, 7, 11);

        assertEq(market.getProject(projectId).poolFree, POOL + 7);
        assertEq(market.getProject(projectId).budgetFree, BUDGET - FEE + 11);
        assertSolvent(COIN);
    }

    function test_topUp__during_baseline__refunded_with_the_rest() public {
        uint256 projectId = createProject(defaultParams());
        market.topUp{value: 18}(projectId, 7, 11);
        settleHead(projectId, Code.INVALID, 0, 0, 0);
        assertEq(coinCreditOf(owner), POOL + BUDGET + 18 - FEE);
    }

    function test_topUp__wrong_value__reverts() public {
        uint256 projectId = openProject();
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.WrongValue.selector, 17, 18));
        market.topUp{value: 17}(projectId, 7, 11);
    }

    function test_topUp__project_over__reverts() public {
        uint256 projectId = openProject();
        vm.prank(owner);
        market.closeProject(projectId);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.ProjectNotOpen.selector, projectId));
        market.topUp{value: 18}(projectId, 7, 11);
    }

    function test_topUp__unknown_project__reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.UnknownProject.selector, 9));
        market.topUp(9, 0, 0);
    }

    // ---- closing

    function test_closeProject__owner__closes_early() public {
        uint256 projectId = openProject();
        vm.expectEmit(address(market));
        emit IModelSubmission.ProjectClosed(projectId);
        vm.prank(owner);
        market.closeProject(projectId);
        assertStatus(projectId, ProjectStatus.CLOSED);
    }

    function test_closeProject__stranger__only_from_openUntil_on() public {
        uint256 projectId = openProject();
        vm.roll(OPEN_UNTIL - 1);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.NotProjectOwner.selector, stranger));
        vm.prank(stranger);
        market.closeProject(projectId);

        vm.roll(OPEN_UNTIL);
        vm.prank(stranger);
        market.closeProject(projectId);
        assertStatus(projectId, ProjectStatus.CLOSED);
    }

    function test_closeProject__baseline_pending__reverts() public {
        uint256 projectId = createProject(defaultParams());
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.ProjectNotOpen.selector, projectId));
        vm.prank(owner);
        market.closeProject(projectId);
    }

    function test_closeProject__twice__reverts() public {
        uint256 projectId = openProject();
        vm.prank(owner);
        market.closeProject(projectId);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.ProjectNotOpen.selector, projectId));
        vm.prank(owner);
        market.closeProject(projectId);
    }

    function test_closeProject__unknown_project__reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.UnknownProject.selector, 9));
        market.closeProject(9);
    }

    /// @dev Attack: an owner sees a good challenger and closes the project. It is still evaluated and paid.
    function test_closeProject__under_pending_submissions__they_finish_and_are_paid() public {
        uint256 projectId = openProject();
        submit(projectId, alice, BETTER);
        uint32 hidden = commit(projectId, bob, "bafybob");
        vm.prank(owner);
        market.closeProject(projectId);

        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.SubmissionsPending.selector, projectId));
        vm.prank(owner);
        market.withdrawEscrow(projectId);

        settleImproved(projectId);
        assertEq(coinCreditOf(alice), BOND + MAX_REWARD);
        reveal(projectId, hidden, bob, "bafybob");
        settleImproved(projectId);
        assertEq(coinCreditOf(bob), BOND + MAX_REWARD);
        assertSolvent(COIN);
    }

    // ---- escrow

    function test_withdrawEscrow__closed__credits_all_that_is_left_once() public {
        uint256 projectId = openProject();
        submit(projectId, alice, BETTER);
        settleImproved(projectId);
        vm.prank(owner);
        market.closeProject(projectId);

        vm.prank(owner);
        market.withdrawEscrow(projectId);
        assertEq(coinCreditOf(owner), POOL - MAX_REWARD + BUDGET - 2 * FEE);
        assertEq(market.getProject(projectId).poolFree, 0);
        assertEq(market.getProject(projectId).budgetFree, 0);
        assertSolvent(COIN);

        vm.expectRevert(IModelSubmission.NothingToWithdraw.selector);
        vm.prank(owner);
        market.withdrawEscrow(projectId);
    }

    function test_withdrawEscrow__still_open__reverts() public {
        uint256 projectId = openProject();
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.ProjectStillOpen.selector, projectId));
        vm.prank(owner);
        market.withdrawEscrow(projectId);
    }

    function test_withdrawEscrow__baseline_pending__reverts() public {
        uint256 projectId = createProject(defaultParams());
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.ProjectStillOpen.selector, projectId));
        vm.prank(owner);
        market.withdrawEscrow(projectId);
    }

    function test_withdrawEscrow__not_the_owner__reverts() public {
        uint256 projectId = openProject();
        vm.prank(owner);
        market.closeProject(projectId);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.NotProjectOwner.selector, timelock));
        vm.prank(timelock); // no admin path reaches escrow
        market.withdrawEscrow(projectId);
    }

    function test_withdrawEscrow__unknown_project__reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.UnknownProject.selector, 9));
        market.withdrawEscrow(9);
    }

    // ---- suspension

    function test_suspended__pending_ones_cancelled_then_closed_and_withdrawn() public {
        uint256 projectId = openProject();
        submit(projectId, alice, BETTER);
        uint32 revealed = submit(projectId, bob, "bafybob");
        uint32 hidden = commit(projectId, alice, "bafyhidden");
        vm.expectEmit(address(market));
        emit IModelSubmission.ProjectSuspended(projectId);
        settleHead(projectId, Code.EVALUATOR_FAILED, 0, 0, 0);
        assertStatus(projectId, ProjectStatus.SUSPENDED);

        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.SubmissionsPending.selector, projectId));
        vm.prank(owner);
        market.closeProject(projectId);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.ProjectStillOpen.selector, projectId));
        vm.prank(owner);
        market.withdrawEscrow(projectId);

        // Also a hidden submission within its window: a suspended project needs no reveal.
        assertEq(market.advance(projectId, 9), 2);
        assertFinal(projectId, revealed, Outcome.CANCELLED);
        assertFinal(projectId, hidden, Outcome.CANCELLED);
        assertEq(coinCreditOf(alice), 2 * BOND);
        assertEq(coinCreditOf(bob), BOND);

        vm.prank(owner);
        market.closeProject(projectId);
        vm.prank(owner);
        market.withdrawEscrow(projectId);
        assertEq(coinCreditOf(owner), POOL + BUDGET - 2 * FEE);
        assertSolvent(COIN);
    }

    function test_suspended__window_passed_meanwhile__bond_back() public {
        uint256 projectId = openProject();
        submit(projectId, alice, BETTER);
        uint32 hidden = commit(projectId, bob, "bafybob");
        settleHead(projectId, Code.EVALUATOR_FAILED, 0, 0, 0);
        skipBlocks(REVEAL_BLOCKS + 1);
        market.advance(projectId, 1);
        assertFinal(projectId, hidden, Outcome.CANCELLED);
        assertEq(coinCreditOf(bob), BOND);
    }

    function test_suspended__refuses_commits_and_topUp() public {
        uint256 projectId = openProject();
        submit(projectId, alice, BETTER);
        settleHead(projectId, Code.EVALUATOR_FAILED, 0, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.ProjectNotOpen.selector, projectId));
        market.commit{value: BOND}(projectId, 0);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.ProjectNotOpen.selector, projectId));
        market.topUp{value: 1}(projectId, 1, 0);
    }

    function test_suspended__stranger_closes_after_openUntil() public {
        uint256 projectId = openProject();
        submit(projectId, alice, BETTER);
        settleHead(projectId, Code.EVALUATOR_FAILED, 0, 0, 0);
        vm.roll(OPEN_UNTIL);
        vm.prank(stranger);
        market.closeProject(projectId);
        assertStatus(projectId, ProjectStatus.CLOSED);
    }

    /// @dev A closed project is suspended as well, so that its pending submissions do not meet a failing evaluator.
    function test_suspended__after_closing__pending_ones_cancelled() public {
        uint256 projectId = openProject();
        submit(projectId, alice, BETTER);
        uint32 waiting = submit(projectId, bob, "bafybob");
        vm.prank(owner);
        market.closeProject(projectId);
        settleHead(projectId, Code.EVALUATOR_FAILED, 0, 0, 0);
        assertStatus(projectId, ProjectStatus.SUSPENDED);
        market.advance(projectId, 9);
        assertFinal(projectId, waiting, Outcome.CANCELLED);
    }

    // ---- readers

    function test_getProject__unknown__reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.UnknownProject.selector, 0));
        market.getProject(0);
    }

    function test_championCid__unknown__reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.UnknownProject.selector, 1));
        market.championCid(1);
    }

    // ---- helpers

    function _assertBaselineFails(Code code, Outcome outcome) private {
        uint256 projectId = createProject(defaultParams());
        vm.expectEmit(address(market));
        emit IModelSubmission.ProjectCancelled(projectId);
        settleHead(projectId, code, 0, 0, 0);

        assertStatus(projectId, ProjectStatus.CANCELLED);
        assertFinal(projectId, 0, outcome);
        assertEq(coinCreditOf(owner), POOL + BUDGET - FEE);
        assertEq(coinCreditOf(treasury), 0);
        _assertOperatorsPaid();
        assertSolvent(COIN);
    }

    function _assertOperatorsPaid() private view {
        assertEq(coinCreditOf(performer), PERFORMER_FEE);
        assertEq(coinCreditOf(aggregator), AGGREGATOR_FEE);
        (uint128 total, uint128 unclaimed) = market.attesterFees(center.requestAt(0).taskId);
        assertEq(total, ATTESTERS_FEE);
        assertEq(unclaimed, ATTESTERS_FEE);
    }

    function _expectBad(ProjectParams memory params, string memory name) private {
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.BadParameter.selector, name));
        market.createProject(params);
    }

    function _expectBadCid(ProjectParams memory params) private {
        vm.expectRevert(IModelSubmission.BadCid.selector);
        market.createProject(params);
    }
}
