// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAttestationCenter} from "../../src/interfaces/IAttestationCenter.sol";
import {IAvsGovernance} from "../../src/interfaces/IAvsGovernance.sol";
import {Code, Evaluation, Operator, OperatorStatus, TaskRequest} from "../../src/types/Types.sol";
import {CenterTest} from "../support/CenterTest.sol";

/// @dev Performers whose evaluation more than the quorum rejected, and what becomes of their slash. The slash of 1 % of
///      32 ether is 0.32 ether; the attesters' half of the fee is 0.05 ether.
contract AttestationCenterGuiltTest is CenterTest {
    uint96 private constant SLASHED = 0.32 ether;
    bytes32 private constant REASON = "GUILTY";
    uint96 private constant HALF_FEE = 0.05 ether;

    // ---- who is guilty

    function test_guilt__rejecters_over_the_quorum__slashed_and_jailed() public {
        bytes32 taskId = openAndStart(1);
        address performer = evaluationOf(taskId, 0).performer;
        vm.expectEmit(address(governance));
        emit IAvsGovernance.OperatorSlashed(performer, caseOf(taskId), SLASHED, STAKE - SLASHED);
        vm.expectEmit(address(governance));
        emit IAvsGovernance.OperatorJailed(performer);
        vm.expectEmit(address(center));
        emit IAttestationCenter.PerformerGuilty(taskId, 0, performer, SLASHED);
        decide(taskId, 0, 6, false);

        Operator memory operator = governance.getOperator(performer);
        assertTrue(operator.status == OperatorStatus.JAILED, "jailed");
        assertEq(operator.stake, STAKE - SLASHED);
    }

    function test_guilt__codes_that_can_be_true_for_one_alone__never() public {
        bytes32 taskId = openAndStart(1);
        rejectWithCode(taskId, 0, Code.UNAVAILABLE);
        rejectWithCode(taskId, 1, Code.EVALUATOR_FAILED);
        checkAllInnocent();
    }

    function test_guilt__valid_and_invalid__always() public {
        bytes32 taskId = openAndStart(1);
        rejectWithCode(taskId, 0, Code.VALID);
        rejectWithCode(taskId, 1, Code.INVALID);
        assertEq(stakeOf(performerIndex(taskId, 0)), STAKE - SLASHED);
        assertEq(stakeOf(performerIndex(taskId, 1)), STAKE - SLASHED);
    }

    function test_guilt__rejected_by_34_percent__not_guilty() public {
        deployWithStakes(33 ether, 34 ether, 33 ether);
        bytes32 taskId = openAndStart(1);
        decide(taskId, 0, 2, false);
        assertEq(taskOf(taskId).attempt, 1); // it ends the attempt
        assertEq(governance.pot(), 0); // and costs nobody anything
        assertEq(center.settlementCount(), 0);
    }

    function test_guilt__rejected_by_66_percent__not_guilty() public {
        deployWithStakes(66 ether, 17 ether, 17 ether);
        decide(openAndStart(1), 0, 1, false);
        assertEq(center.settlementCount(), 0);
    }

    function test_guilt__rejected_by_more_than_66_percent__guilty() public {
        deployWithStakes(66 ether, 17 ether, 17 ether - 1);
        decide(openAndStart(1), 0, 1, false);
        assertEq(center.settlementCount(), 1);
    }

    function test_guilt__quorum_of_the_task__decides() public {
        TaskRequest memory request = requestOf(1);
        request.quorumBps = 6_667;
        market.open(center, request);
        goToStart(request.taskId);
        decide(request.taskId, 0, 3, false); // two thirds: enough to reject, not to be sure
        assertEq(center.settlementCount(), 0);
    }

    // ---- how often

    function test_guilt__twice_in_one_task__slashed_once() public {
        bytes32 taskId = openAndStart(1);
        for (uint8 attempt = 0; attempt < 3; ++attempt) {
            decide(taskId, attempt, ALL, false);
        }
        assertEq(center.settlementCount(), 3); // each performer once

        vm.recordLogs();
        decide(taskId, 3, ALL, false); // the performer of attempt 0 again
        assertEq(vm.getRecordedLogs().length, 1); // TaskRejected alone
        assertEq(center.settlementCount(), 3);
        for (uint256 index = 0; index < 3; ++index) {
            assertEq(stakeOf(index), STAKE - SLASHED);
        }
    }

    function test_guilt__in_two_tasks__slashed_twice() public {
        bytes32 second = openAndStart(2);
        bytes32 first = openAndStart(1);
        uint256 culprit = performerIndex(first, 0);
        decide(first, 0, ALL, false);
        uint8 attempt = 0;
        while (performerIndex(second, attempt) != culprit) ++attempt;
        if (attempt != 0) vm.roll(taskOf(second).seedBlock + uint256(attempt) * ATTEMPT_BLOCKS);
        decide(second, attempt, ALL, false); // it is jailed, but still in the task's set
        assertEq(stakeOf(culprit), STAKE - SLASHED - (STAKE - SLASHED) / 100);
    }

    // ---- where the slash goes

    function test_guilt__fee_in_the_stakes_token__rejecters_get_up_to_half_of_the_fee() public {
        decide(openAndStart(1), 0, 6, false); // two thirds of the stake
        assertEq(governance.creditOf(treasury), SLASHED - HALF_FEE * 2 / 3);
        assertEq(governance.pot(), HALF_FEE * 2 / 3);
        expectClaim(1, HALF_FEE / 3);
        expectClaim(2, HALF_FEE / 3);
        assertEq(governance.pot(), 1); // both shares were rounded down
        assertEq(market.paymentCount(), 0);
    }

    function test_guilt__slash_smaller_than_half_of_the_fee__rejecters_get_their_parts_of_it() public {
        market.setFee(3 * SLASHED);
        decide(openAndStart(1), 0, ALL, false);
        assertEq(governance.creditOf(treasury), 0);
        for (uint256 index = 0; index < 3; ++index) {
            expectClaim(index, SLASHED / 3);
        }
    }

    function test_guilt__half_of_the_fee_is_the_slash__rejecters_get_all() public {
        market.setFee(2 * SLASHED);
        decide(openAndStart(1), 0, ALL, false);
        assertEq(governance.creditOf(treasury), 0);
        assertEq(governance.pot(), SLASHED);
    }

    function test_guilt__half_of_the_fee_is_one_unit_less__treasury_gets_one() public {
        market.setFee(2 * SLASHED - 1); // half of it is rounded down
        decide(openAndStart(1), 0, ALL, false);
        assertEq(governance.creditOf(treasury), 1);
        assertEq(governance.pot(), SLASHED - 1);
    }

    function test_guilt__fee_in_another_token__rejecters_get_half_of_the_slash() public {
        market.setFeeToken(makeAddress("token"));
        decide(openAndStart(1), 0, 6, false);
        assertEq(governance.creditOf(treasury), SLASHED - SLASHED / 2 * 2 / 3);
        expectClaim(1, SLASHED / 2 / 3);
        expectClaim(2, SLASHED / 2 / 3);
    }

    function test_guilt__half_of_a_slash_above_2_to_the_88__is_capped() public {
        uint96 huge = 10 ** 28;
        deployWithStakes(huge, huge, huge);
        IAttestationCenter.Parameters memory next = defaultParameters();
        next.guiltySlashBps = 10_000;
        vm.prank(timelock);
        center.setParameters(next);
        market.setFeeToken(makeAddress("token"));
        decide(openAndStart(1), 0, ALL, false);
        assertEq(governance.creditOf(treasury), huge - type(uint88).max);
        expectClaim(0, type(uint88).max / 3);
    }

    function test_guilt__unequal_stakes__rejecters_get_by_stake() public {
        deployWithStakes(50 ether, 30 ether, 20 ether);
        bytes32 taskId = openAndStart(1);
        uint96 slashed = uint96(stakeOf(performerIndex(taskId, 0)) / 100);
        decide(taskId, 0, 3, false);
        assertEq(governance.creditOf(treasury), slashed - HALF_FEE * 80 / 100);
        expectClaim(0, HALF_FEE * 50 / 100);
        expectClaim(1, HALF_FEE * 30 / 100);
        assertEq(governance.pot(), 0);
    }

    function test_guilt__who_did_not_reject__gets_nothing() public {
        decide(openAndStart(1), 0, 6, false);
        center.claim(operatorOf(0), 1);
        assertEq(governance.creditOf(receiverOf(0)), 0);
    }

    function test_guilt__share_of_zero__no_settlement() public {
        IAttestationCenter.Parameters memory next = defaultParameters();
        next.guiltySlashBps = 0;
        vm.prank(timelock);
        center.setParameters(next);
        bytes32 taskId = openAndStart(1);
        decide(taskId, 0, ALL, false);
        assertEq(center.settlementCount(), 0);
        assertEq(governance.pot(), 0);
    }

    // ---- steps

    function rejectWithCode(bytes32 taskId, uint8 attempt, Code code) private {
        Evaluation memory evaluation = evaluationOf(taskId, attempt);
        evaluation.code = code;
        submit(0, evaluation, ALL, false);
    }

    function caseOf(bytes32 taskId) private pure returns (bytes32) {
        return keccak256(abi.encode(REASON, taskId));
    }

    function stakeOf(uint256 index) private view returns (uint256) {
        return governance.getOperator(operatorOf(index)).stake;
    }

    function checkAllInnocent() private view {
        assertEq(governance.pot(), 0);
        assertEq(center.settlementCount(), 0);
        for (uint256 index = 0; index < 3; ++index) {
            assertTrue(governance.getOperator(operatorOf(index)).status == OperatorStatus.ACTIVE, "active");
            assertEq(stakeOf(index), STAKE);
        }
    }

    function expectClaim(uint256 index, uint256 amount) private {
        vm.expectEmit(address(governance));
        emit IAvsGovernance.StakeCredited(receiverOf(index), amount);
        center.claim(operatorOf(index), 1);
        assertEq(governance.creditOf(receiverOf(index)), amount);
    }
}
