// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IModelSubmission} from "../../src/interfaces/IModelSubmission.sol";
import {Digests} from "../../src/libraries/Digests.sol";
import {Tokens} from "../../src/libraries/Tokens.sol";
import {Code, Outcome, ProjectParams, Submission, SubmissionStatus} from "../../src/types/Types.sol";
import {FakeAttestationCenter} from "../support/FakeAttestationCenter.sol";
import {MarketTest} from "../support/MarketTest.sol";

/// @dev Commit, reveal, and the order of the queue.
contract ModelSubmissionQueueTest is MarketTest {
    uint40 internal projectId;

    function setUp() public override {
        super.setUp();
        projectId = openProject();
    }

    // ---- commit

    /// @dev Attack: commits that are never revealed. They cost their bonds and keep no money from the others.
    function test_commit__open__takes_the_bond_and_reserves_nothing() public {
        skipBlocks(2);
        bytes32 commitment = commitmentOf(projectId, alice, BETTER);
        vm.expectEmit(address(market));
        emit IModelSubmission.SubmissionCommitted(projectId, 1, alice, commitment);
        uint32 index = commit(projectId, alice, BETTER);

        assertEq(index, 1);
        assertFree(projectId, POOL, BUDGET - FEE);
        assertEq(market.getProject(projectId).submissionCount, 2);
        assertEq(address(market).balance, POOL + BUDGET + BOND);
        Submission memory expected =
            Submission(alice, START + 2, SubmissionStatus.COMMITTED, Outcome.NONE, 0, 0, commitment);
        assertEq(abi.encode(market.getSubmission(projectId, index)), abi.encode(expected));
        assertSolvent();
    }

    function test_commit__wrong_bond__reverts() public {
        vm.startPrank(alice);
        vm.expectRevert(abi.encodeWithSelector(Tokens.WrongValue.selector, BOND - 1, BOND));
        market.commit{value: BOND - 1}(projectId, 0);
        vm.expectRevert(abi.encodeWithSelector(Tokens.WrongValue.selector, BOND + 1, BOND));
        market.commit{value: BOND + 1}(projectId, 0);
        vm.stopPrank();
    }

    function test_commit__baseline_pending__reverts() public {
        uint40 young = createProject(defaultParams());
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.ProjectNotOpen.selector, young));
        commit(young, alice, BETTER);
    }

    function test_commit__closed__reverts() public {
        closeByOwner(projectId);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.ProjectNotOpen.selector, projectId));
        commit(projectId, alice, BETTER);
    }

    function test_commit__openUntil__is_the_first_block_too_late() public {
        vm.roll(OPEN_UNTIL - 1);
        commit(projectId, alice, BETTER);
        vm.roll(OPEN_UNTIL);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.ProjectNotOpen.selector, projectId));
        commit(projectId, alice, BETTER);
    }

    function test_commit__too_many_pending__reverts_until_one_is_final() public {
        commit(projectId, alice, "1");
        commit(projectId, alice, "2");
        commit(projectId, bob, "3");
        commit(projectId, bob, "4");
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.TooManyPending.selector, MAX_PENDING));
        commit(projectId, carol, "5");

        skipBlocks(REVEAL_BLOCKS + 1);
        market.advance(projectId, 1);
        commit(projectId, carol, "5");
    }

    function test_commit__too_many_of_one_account__reverts_until_one_is_final() public {
        submit(projectId, alice, "1"); // counts while it is evaluated
        commit(projectId, bob, "2");
        commit(projectId, alice, "3");
        vm.expectRevert(
            abi.encodeWithSelector(IModelSubmission.TooManyPendingOfAccount.selector, MAX_PENDING_PER_ACCOUNT)
        );
        commit(projectId, alice, "4");
        commit(projectId, bob, "4"); // the limit is each account's own

        settleMissed(projectId);
        commit(projectId, alice, "5");
    }

    /// @dev Both limits hold for each project alone.
    function test_commit__pending_in_another_project__does_not_count() public {
        commit(projectId, alice, "1");
        commit(projectId, alice, "2");
        uint40 other = openProject();
        assertEq(commit(other, alice, "3"), 1);
    }

    /// @dev Attack: one commit in a project that can pay one reward. Another contributor can still enter, and wins if the
    ///      first is never revealed.
    function test_commit__pool_for_one__does_not_shut_the_project() public {
        ProjectParams memory params = defaultParams();
        params.pool = MAX_REWARD;
        params.budget = 2 * FEE;
        uint40 small = openProject(params);
        commit(small, bob, "bafygriefer");
        skipBlocks(1);
        uint32 honest = submit(small, alice, BETTER);

        skipBlocks(REVEAL_BLOCKS);
        assertEq(market.advance(small, 9), 2);
        settleImproved(small);
        assertFinal(small, honest, Outcome.IMPROVED);
        assertEq(creditOf(alice), BOND + MAX_REWARD);
        assertEq(creditOf(treasury), BOND);
        assertSolvent();
    }

    // ---- reveal

    function test_reveal__head__opens_its_task() public {
        uint32 index = commit(projectId, alice, BETTER);
        skipBlocks(3);
        vm.expectEmit(address(market));
        emit IModelSubmission.SubmissionRevealed(projectId, index, BETTER);
        reveal(projectId, index, alice, BETTER);

        bytes32 content = keccak256(bytes(BETTER));
        Submission memory expected =
            Submission(alice, START + 3, SubmissionStatus.EVALUATING, Outcome.NONE, 1, 0, content);
        assertEq(abi.encode(market.getSubmission(projectId, index)), abi.encode(expected));
        assertFree(projectId, POOL - MAX_REWARD, BUDGET - 2 * FEE); // reserved for its task
        assertSolvent();
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
        assertEq(market.advance(projectId, 9), 0); // not UNREVEALED yet
        reveal(projectId, index, alice, BETTER);
        assertStatus(projectId, index, SubmissionStatus.EVALUATING);
    }

    function test_reveal__after_the_window__reverts() public {
        uint32 index = commit(projectId, alice, BETTER);
        skipBlocks(REVEAL_BLOCKS + 1);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.RevealTooLate.selector, START + REVEAL_BLOCKS));
        reveal(projectId, index, alice, BETTER);
    }

    function test_reveal__another_account__reverts() public {
        uint32 index = commit(projectId, alice, BETTER);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.NotContributor.selector, bob));
        reveal(projectId, index, bob, BETTER);
    }

    function test_reveal__not_hidden__reverts() public {
        uint32 index = submit(projectId, alice, BETTER);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.SubmissionNotCommitted.selector, index));
        reveal(projectId, index, alice, BETTER);
        settleMissed(projectId);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.SubmissionNotCommitted.selector, index));
        reveal(projectId, index, alice, BETTER);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.SubmissionNotCommitted.selector, 7));
        reveal(projectId, 7, alice, BETTER);
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
        for (uint256 i = 0; i < commitments.length; ++i) {
            uint256 before = vm.snapshotState();
            vm.prank(alice);
            uint32 index = market.commit{value: BOND}(projectId, commitments[i]);
            vm.expectRevert(IModelSubmission.WrongCommitment.selector);
            reveal(projectId, index, alice, BETTER);
            vm.revertToState(before);
        }
    }

    function test_commitmentOf__is_the_digest() public view {
        assertEq(market.commitmentOf(projectId, alice, BETTER, SALT), commitmentOf(projectId, alice, BETTER));
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
        assertEq(creditOf(bob), 0);
        assertEq(creditOf(treasury), BOND);
    }

    /// @dev Attack: copy a revealed model. The copy is evaluated later, against the original, and pays the fee.
    function test_copier__copies_the_revealed_model__meets_it_as_champion() public {
        uint32 original = submit(projectId, alice, BETTER);
        uint32 copy = submit(projectId, bob, BETTER);
        settleImproved(projectId);
        assertEq(market.advance(projectId, 9), 1);
        assertEq(center.requestAt(2).championIndex, original);

        settleHead(projectId, Code.VALID, 15_000, 15_000, 0);
        assertFinal(projectId, copy, Outcome.NOT_IMPROVED);
        assertEq(creditOf(bob), BOND - FEE);
        assertEq(creditOf(alice), BOND + MAX_REWARD);
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
        uint40 other = openProject();
        submit(projectId, alice, BETTER);
        uint32 index = submit(other, bob, BETTER);
        assertStatus(other, index, SubmissionStatus.EVALUATING);
    }

    // ---- readers

    function test_getSubmission__unknown__reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.UnknownSubmission.selector, projectId, 1));
        market.getSubmission(projectId, 1);
    }
}
