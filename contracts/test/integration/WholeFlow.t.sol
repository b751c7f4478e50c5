// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAdministration} from "../../src/interfaces/IAdministration.sol";
import {IModelSubmission} from "../../src/interfaces/IModelSubmission.sol";
import {Digests} from "../../src/libraries/Digests.sol";
import {
    OperatorStatus,
    Outcome,
    ProjectStatus,
    Registration,
    SubmissionStatus,
    TaskStatus,
    Terms
} from "../../src/types/Types.sol";
import {FlowTest} from "../support/FlowTest.sol";

/// @dev Operators with real signatures, admitted one by one, and one project to the last payment.
contract WholeFlowTest is FlowTest {
    uint96 private constant SLASHED = STAKE / 100;
    address private disputer = makeAddress("disputer");

    function setUp() public {
        deployAll(false);
        for (uint256 i = 0; i < 3; ++i) {
            join(i);
        }
        vm.roll(vm.getBlockNumber() + ACTIVATION_DELAY);
        governance.sealOperatorSet();
    }

    // ---- money

    function test_flow__from_creation_to_the_last_withdrawal__nothing_is_left_over() public {
        openProject();
        enter(BETTER_CID);
        bytes32 taskId = start(1, 0);
        uint256 liar = performerIndex(taskId, 0);
        decideInTurn(taskId, 0, ALL ^ bitOf(liar), false); // an evaluation that both others found wrong
        decideInTurn(taskId, 1, ALL, true);
        assertTrue(submissions.getSubmission(1, 1).outcome == Outcome.IMPROVED, "improved");
        assertEq(creditOf(contributor), BOND); // the reward is withheld
        vm.roll(vm.getBlockNumber() + DISPUTE_BLOCKS);
        submissions.release(1, 1);

        closeAndEmpty();
        claimAll();
        withdrawAll();
        assertEq(contributor.balance, 100 ether + REWARD);
        assertEq(projectOwner.balance, 100 ether - REWARD - 2 * FEE);
        assertEq(address(submissions).balance, 0);
        assertEq(submissions.escrowOf(COIN), 0);

        // Two thirds of half of the fee are the rejecters', the rest of the slash is the treasury's.
        exitAll();
        assertEq(takeStake(treasury), SLASHED - FEE / 3);
        uint256 operators = 0;
        for (uint256 i = 0; i < 3; ++i) {
            assertEq(takeStake(ownerOf(operatorOf(i))), i == liar ? STAKE - SLASHED : STAKE);
            if (i != liar) assertEq(takeStake(receiverOf(i)), FEE / 6);
            operators += receiverOf(i).balance;
        }
        assertEq(operators, 2 * FEE + FEE / 3);
        assertEq(address(governance).balance, 0);
        assertEq(governance.pot(), 0);
    }

    function test_flow__input_of_each_task__is_what_the_events_publish() public {
        createProject(defaultProject());
        bytes32 terms = Digests.termsHash(Terms(REPORT_CID, REPORT_CID, 32, 10_000, 2));
        checkInput(0, terms, REPORT_CID, REPORT_CID, 0);
        decideInTurn(start(0, 0), 0, ALL, true);
        enter(BETTER_CID);
        checkInput(1, terms, REPORT_CID, BETTER_CID, 0);
        decideInTurn(start(1, 0), 0, ALL, true);
        enter(BEST_CID);
        checkInput(2, terms, BETTER_CID, BEST_CID, 1);
    }

    function test_flow__signer_absent__its_part_returns_to_the_budget() public {
        createProject(defaultProject());
        decideInTurn(start(0, 0), 0, 3, true); // the aggregator's part is scaled too
        uint256 unearned = FEE / 10 / 3 + FEE / 2 / 3;
        assertEq(submissions.getProject(1).budgetFree, BUDGET - FEE + unearned);
        for (uint256 i = 0; i < 3; ++i) {
            center.claim(operatorOf(i), 1); // operator 2 may be the performer
        }
        closeAndEmpty();
        withdraw(projectOwner);
        for (uint256 i = 0; i < 3; ++i) {
            if (creditOf(receiverOf(i)) != 0) withdraw(receiverOf(i));
        }
        assertEq(address(submissions).balance, 0);
    }

    // ---- disputes

    function test_flow__overturned__reward_champion_and_stakes_are_put_right() public {
        bytes32 taskId = improveAndDispute();
        vm.prank(resolver);
        center.resolve(taskId, true);
        assertEq(submissions.getProject(1).championIndex, 0);
        assertEq(submissions.getProject(1).poolFree, POOL);
        assertEq(creditOf(contributor), BOND);
        assertEq(creditOf(disputer), DISPUTE_BOND);
        uint96 lost = STAKE / 5;
        for (uint256 i = 0; i < 3; ++i) {
            assertEq(governance.getOperator(operatorOf(i)).stake, STAKE - lost);
        }
        assertEq(governance.creditOf(disputer), 3 * lost / 2);
        assertEq(governance.creditOf(treasury), 3 * lost / 2);
        vm.prank(resolver);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.NotDisputed.selector, 1, 1));
        center.resolve(taskId, true); // no second time
    }

    function test_flow__upheld__contributor_gets_reward_and_bond() public {
        bytes32 taskId = improveAndDispute();
        vm.prank(resolver);
        center.resolve(taskId, false);
        assertEq(submissions.getProject(1).championIndex, 1);
        assertEq(creditOf(contributor), BOND + REWARD + DISPUTE_BOND);
        assertEq(governance.getOperator(operatorOf(0)).stake, STAKE);
    }

    function test_flow__no_ruling__verdict_stands() public {
        improveAndDispute();
        vm.roll(vm.getBlockNumber() + RESOLVE_BLOCKS);
        submissions.release(1, 1);
        assertEq(creditOf(contributor), BOND + REWARD + DISPUTE_BOND);
    }

    function test_flow__disputed__next_task_is_not_blocked() public {
        improveAndDispute();
        enter(BEST_CID);
        decideInTurn(start(2, 0), 0, ALL, true);
        assertTrue(submissions.getSubmission(1, 2).outcome == Outcome.IMPROVED, "improved");
    }

    // ---- time

    function test_flow__no_verdict_twice__bond_returns() public {
        openProject();
        enter(BETTER_CID);
        expire(start(1, 0));
        assertTrue(submissions.getSubmission(1, 1).status == SubmissionStatus.REVEALED, "re-opened once");
        submissions.advance(1, 1);
        expire(start(1, 1));
        assertTrue(submissions.getSubmission(1, 1).outcome == Outcome.EXPIRED, "expired");
        assertEq(creditOf(contributor), BOND);
    }

    function test_flow__too_few_operators__opens_once_there_are_enough() public {
        vm.prank(timelock);
        governance.eject(operatorOf(2));
        governance.sealOperatorSet();
        createProject(defaultProject());
        bytes32 taskId = taskIdOf(0, 0);
        assertTrue(taskOf(taskId).status == TaskStatus.NONE, "not opened");

        join(3);
        vm.roll(vm.getBlockNumber() + EPOCH_BLOCKS);
        governance.sealOperatorSet();
        submissions.advance(1, 1);
        assertEq(taskOf(taskId).setVersion, 3);
    }

    function test_flow__paused_to_the_deadline__bond_returns() public {
        openProject();
        enter(BETTER_CID);
        bytes32 taskId = start(1, 0);
        vm.prank(guardian);
        administration.pause();
        vm.roll(deadlineOf(taskId));
        center.expireTask(taskId);
        assertEq(submissions.advance(1, 1), 0); // no task opens during the pause
        vm.roll(vm.getBlockNumber() + OPEN_TIMEOUT + 1);
        assertEq(submissions.advance(1, 1), 1);
        withdraw(contributor);
        assertEq(contributor.balance, 100 ether);
    }

    function test_flow__paused__certificate_waits() public {
        createProject(defaultProject());
        bytes32 taskId = start(0, 0);
        vm.prank(guardian);
        administration.pause();
        bytes memory reason = abi.encodeWithSelector(IAdministration.PausedUntil.selector, administration.pausedUntil());
        expectRefusal(reason, infoOf(evaluationOf(taskId, 0)), certify(evaluationOf(taskId, 0), ALL, true));
        vm.prank(timelock);
        administration.unpause();
        decideInTurn(taskId, 0, ALL, true);
        assertTrue(submissions.getProject(1).status == ProjectStatus.OPEN, "open");
    }

    // ---- steps

    function join(uint256 index) private {
        Registration memory registration = registrationOf(governance, index, STAKE);
        vm.prank(timelock);
        governance.admit(ownerOf(registration.signingKey));
        registerFor(governance, registration);
    }

    function openProject() private {
        createProject(defaultProject());
        decideInTurn(start(0, 0), 0, ALL, true);
        assertTrue(submissions.getProject(1).status == ProjectStatus.OPEN, "open");
    }

    function improveAndDispute() private returns (bytes32 taskId) {
        openProject();
        enter(BETTER_CID);
        taskId = start(1, 0);
        decideInTurn(taskId, 0, ALL, true);
        vm.deal(disputer, DISPUTE_BOND);
        vm.prank(disputer);
        center.dispute{value: DISPUTE_BOND}(taskId);
    }

    function expire(bytes32 taskId) private {
        vm.roll(deadlineOf(taskId));
        center.expireTask(taskId);
    }

    function closeAndEmpty() private {
        vm.startPrank(projectOwner);
        submissions.closeProject(1);
        submissions.withdrawEscrow(1);
        vm.stopPrank();
    }

    function claimAll() private {
        uint64 count = center.settlementCount();
        for (uint256 index = 0; index < 3; ++index) {
            center.claim(operatorOf(index), count);
        }
    }

    function withdrawAll() private {
        address[5] memory accounts = [projectOwner, contributor, receiverOf(0), receiverOf(1), receiverOf(2)];
        for (uint256 i = 0; i < accounts.length; ++i) {
            withdraw(accounts[i]);
        }
    }

    function withdraw(address account) private {
        vm.prank(account);
        submissions.withdraw(COIN, account);
    }

    /// @dev All operators leave; a stranger frees their slots, as if the owners' keys were lost meanwhile.
    function exitAll() private {
        for (uint256 i = 0; i < 3; ++i) {
            vm.prank(ownerOf(operatorOf(i)));
            governance.deregisterOperator(operatorOf(i));
        }
        governance.sealOperatorSet();
        vm.roll(vm.getBlockNumber() + UNBONDING_BLOCKS);
        for (uint256 i = 0; i < 3; ++i) {
            governance.releaseSlot(operatorOf(i));
            assertTrue(governance.getOperator(operatorOf(i)).status == OperatorStatus.EXITED, "exited");
        }
    }

    function takeStake(address account) private returns (uint256) {
        vm.prank(account);
        return governance.withdraw(account);
    }

    function bitOf(uint256 index) private pure returns (uint128) {
        return [uint128(1), 2, 4][index];
    }

    function checkInput(uint32 index, bytes32 terms, string memory champion, string memory challenger, uint32 k)
        private
        view
    {
        bytes32 taskId = taskIdOf(index, 0);
        bytes32 expected = Digests.inputRoot(taskId, terms, Digests.cidHash(champion), Digests.cidHash(challenger), k);
        assertEq(taskOf(taskId).inputRoot, expected);
        assertEq(submissions.getProject(1).termsHash, terms);
    }
}
