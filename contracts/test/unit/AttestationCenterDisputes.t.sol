// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAttestationCenter} from "../../src/interfaces/IAttestationCenter.sol";
import {IAvsGovernance} from "../../src/interfaces/IAvsGovernance.sol";
import {OperatorStatus} from "../../src/types/Types.sol";
import {CenterTest} from "../support/CenterTest.sol";
import {RecordingMarket} from "../support/RecordingMarket.sol";

/// @dev A signer of an overturned verdict loses 20 % of 32 ether.
contract AttestationCenterDisputesTest is CenterTest {
    uint96 private constant SLASHED = 6.4 ether;
    bytes32 private constant REASON = "OVERTURNED";
    address private disputer = makeAddress("disputer");

    // ---- dispute

    function test_dispute__settled__passes_the_bond_and_emits() public {
        bytes32 taskId = settleBy(7, 3);
        vm.expectEmit(address(center));
        emit IAttestationCenter.TaskDisputed(taskId, disputer);
        dispute(taskId);
        RecordingMarket.Dispute memory found = market.disputeAt(0);
        assertEq(found.place.projectId, 1);
        assertEq(found.place.index, 7);
        assertEq(found.disputer, disputer);
        assertEq(found.bond, 3 ether);
        assertEq(address(market).balance, 3 ether);
        assertEq(address(center).balance + address(avsLogic).balance, 0);
    }

    function test_dispute__paused__works() public {
        bytes32 taskId = settleBy(1, ALL);
        pause();
        dispute(taskId);
        assertEq(market.disputeCount(), 1);
    }

    function test_dispute__market_refuses__reverts_and_keeps_no_bond() public {
        bytes32 taskId = settleBy(1, ALL);
        market.refuse();
        vm.deal(disputer, 3 ether);
        vm.prank(disputer);
        vm.expectRevert(RecordingMarket.Refused.selector);
        center.dispute{value: 3 ether}(taskId);
        assertEq(disputer.balance, 3 ether);
    }

    function test_dispute__not_settled__reverts() public {
        bytes32 open = openAndStart(1);
        bytes32 expired = openAndStart(2);
        bytes32 unknown = keccak256("unknown");
        expectTaskNotSettled(open);
        center.dispute(open);
        expire(expired);
        expectTaskNotSettled(expired);
        center.dispute(expired);
        expectTaskNotSettled(unknown);
        center.dispute(unknown);
    }

    // ---- resolve

    function test_resolve__overturned__slashes_the_signers_alone() public {
        bytes32 taskId = settleBy(7, 5);
        dispute(taskId);
        vm.expectEmit(address(center));
        emit IAttestationCenter.DisputeResolved(taskId, true);
        for (uint256 index = 0; index < 3; index += 2) {
            vm.expectEmit(address(governance));
            emit IAvsGovernance.OperatorSlashed(operatorOf(index), caseOf(taskId), SLASHED, STAKE - SLASHED);
        }
        resolve(taskId, true);

        assertEq(market.resolutionAt(0).place.projectId, 1);
        assertEq(market.resolutionAt(0).place.index, 7);
        assertTrue(market.resolutionAt(0).isOverturned, "overturned");
        checkStakes(STAKE - SLASHED, STAKE, STAKE - SLASHED);
        assertEq(governance.creditOf(disputer), SLASHED); // half of two slashes
        assertEq(governance.creditOf(treasury), SLASHED);
        assertEq(governance.pot(), 0);
        for (uint256 index = 0; index < 3; ++index) {
            bool isActive = governance.getOperator(operatorOf(index)).status == OperatorStatus.ACTIVE;
            assertTrue(isActive, "nobody is jailed");
        }
    }

    function test_resolve__odd_slash__treasury_gets_the_odd_unit() public {
        deployWithStakes(10 ether + 5, 10 ether, 1 ether); // 20 % of the first is 2 ether + 1
        bytes32 taskId = settleBy(1, 3);
        dispute(taskId);
        resolve(taskId, true);
        assertEq(governance.creditOf(disputer), 2 ether);
        assertEq(governance.creditOf(treasury), 2 ether + 1);
    }

    function test_resolve__later_verdict_of_others__slashes_the_task_s_own_signers() public {
        bytes32 taskId = settleBy(1, 3);
        settleBy(2, 6);
        dispute(taskId);
        resolve(taskId, true);
        checkStakes(STAKE - SLASHED, STAKE - SLASHED, STAKE);
    }

    function test_resolve__twice__slashes_once() public {
        bytes32 taskId = settleBy(1, ALL);
        dispute(taskId);
        resolve(taskId, true);
        vm.recordLogs();
        resolve(taskId, true); // the real market refuses
        assertEq(vm.getRecordedLogs().length, 1); // DisputeResolved alone
        checkStakes(STAKE - SLASHED, STAKE - SLASHED, STAKE - SLASHED);
        assertEq(governance.pot(), 0);
        assertEq(governance.creditOf(disputer), 3 * SLASHED / 2);
    }

    function test_resolve__two_tasks__slashes_for_each() public {
        bytes32 first = settleBy(1, ALL);
        bytes32 second = settleBy(2, 3);
        dispute(first);
        resolve(first, true);
        dispute(second);
        resolve(second, true);
        uint256 twice = STAKE - SLASHED - (STAKE - SLASHED) / 5;
        checkStakes(twice, twice, STAKE - SLASHED);
    }

    function test_resolve__signer_left__its_stake_is_still_there() public {
        bytes32 taskId = settleBy(1, ALL);
        depart(0);
        governance.sealOperatorSet();
        vm.roll(vm.getBlockNumber() + UNBONDING_BLOCKS - 1);
        dispute(taskId);
        resolve(taskId, true);
        checkStakes(STAKE - SLASHED, STAKE - SLASHED, STAKE - SLASHED);
    }

    function test_resolve__upheld__slashes_nobody() public {
        bytes32 taskId = settleBy(1, ALL);
        dispute(taskId);
        vm.expectEmit(address(center));
        emit IAttestationCenter.DisputeResolved(taskId, false);
        resolve(taskId, false);
        assertFalse(market.resolutionAt(0).isOverturned, "upheld");
        checkStakes(STAKE, STAKE, STAKE);
        assertEq(governance.creditOf(disputer), 0);
    }

    function test_resolve__paused__works() public {
        bytes32 taskId = settleBy(1, ALL);
        dispute(taskId);
        pause();
        resolve(taskId, true);
        assertEq(market.resolutionCount(), 1);
    }

    function test_resolve__not_the_resolver__reverts() public {
        bytes32 taskId = settleBy(1, ALL);
        dispute(taskId);
        address[3] memory others = [timelock, operatorOf(0), disputer];
        for (uint256 i = 0; i < 3; ++i) {
            vm.prank(others[i]);
            vm.expectRevert(abi.encodeWithSelector(IAttestationCenter.NotResolver.selector, others[i]));
            center.resolve(taskId, true);
        }
    }

    function test_resolve__not_settled__reverts() public {
        bytes32 open = openAndStart(1);
        bytes32 expired = openAndStart(2);
        expire(expired);
        bytes32[3] memory tasks = [open, expired, keccak256("unknown")];
        for (uint256 i = 0; i < 3; ++i) {
            vm.prank(resolver);
            expectTaskNotSettled(tasks[i]);
            center.resolve(tasks[i], true);
        }
    }

    function test_resolve__market_refuses__slashes_nobody() public {
        bytes32 taskId = settleBy(1, ALL);
        dispute(taskId);
        market.refuse();
        vm.prank(resolver);
        vm.expectRevert(RecordingMarket.Refused.selector);
        center.resolve(taskId, true);
        checkStakes(STAKE, STAKE, STAKE);
    }

    // ---- steps

    function dispute(bytes32 taskId) private {
        vm.deal(disputer, 3 ether);
        vm.prank(disputer);
        center.dispute{value: 3 ether}(taskId);
    }

    function resolve(bytes32 taskId, bool isOverturned) private {
        vm.prank(resolver);
        center.resolve(taskId, isOverturned);
    }

    function caseOf(bytes32 taskId) private pure returns (bytes32) {
        return keccak256(abi.encode(REASON, taskId));
    }

    function checkStakes(uint256 first, uint256 second, uint256 third) private view {
        assertEq(governance.getOperator(operatorOf(0)).stake, first);
        assertEq(governance.getOperator(operatorOf(1)).stake, second);
        assertEq(governance.getOperator(operatorOf(2)).stake, third);
    }
}
