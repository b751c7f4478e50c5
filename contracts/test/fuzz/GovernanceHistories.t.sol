// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAvsGovernance} from "../../src/interfaces/IAvsGovernance.sol";
import {OperatorSet} from "../../src/libraries/OperatorSet.sol";
import {OperatorStatus, SealedSet} from "../../src/types/Types.sol";
import {GovernanceTest} from "../support/GovernanceTest.sol";

/// @dev Any order of joining, leaving, slashes and seals, compared with a plain model of five operators. Each choice is
///      one step: its action is the remainder by 12, its operator the quotient.
contract GovernanceHistoriesTest is GovernanceTest {
    uint256 private constant OPERATORS = 5;

    struct Model {
        OperatorStatus status;
        uint96 stake;
        uint256 activeFrom;
    }

    Model[OPERATORS] private models;
    bool private isSealDue;
    uint96 private pot;

    function setUp() public override {
        super.setUp();
        operatorCount = OPERATORS; // in the sum of all balances, also before they register
    }

    /// forge-config: default.fuzz.runs = 64
    function testFuzz_governance__any_history__equals_a_plain_model(uint8[48] memory choices) public {
        for (uint256 i = 0; i < choices.length; ++i) {
            step(choices[i] % 12, (choices[i] / 12) % OPERATORS, bytes32(i));
            checkBalance();
            assertEq(governance.pot(), pot);
        }
        for (uint256 index = 0; index < OPERATORS; ++index) {
            checkStatus(index, models[index].status);
            assertEq(recordOf(index).stake, models[index].stake);
        }
        checkAllMoneyComesOut();
    }

    // ---- the steps

    function step(uint256 action, uint256 index, bytes32 caseId) private {
        Model storage model = models[index];
        bool isIn = model.status == OperatorStatus.ACTIVE || model.status == OperatorStatus.JAILED;
        if (action == 0 && model.status == OperatorStatus.NONE) join(index);
        if (action == 1 && isIn) {
            deregister(index);
            depart(model, OperatorStatus.EXITING);
        }
        if (action == 2 && isIn) {
            eject(index);
            depart(model, OperatorStatus.EJECTED);
        }
        if (action == 3) punish(index, 3_000, caseId, false);
        if (action == 4) punish(index, 100, caseId, true);
        if (action == 5 && isIn) {
            topUp(index, 3 ether);
            model.stake += 3 ether;
        }
        if (action == 6 && model.status == OperatorStatus.JAILED && model.stake >= MIN_STAKE) comeBack(index);
        if (action == 7 || action == 8) trySeal();
        if (action == 9) skip(4);
        if (action == 10) skip(EPOCH_BLOCKS);
        if (action == 11) tryRelease(index);
    }

    function join(uint256 index) private {
        registerFor(governance, registrationOf(governance, index, 2 ether));
        models[index] = Model(OperatorStatus.ACTIVE, 2 ether, vm.getBlockNumber() + ACTIVATION_DELAY);
    }

    function comeBack(uint256 index) private {
        unjail(index);
        models[index].status = OperatorStatus.ACTIVE;
        models[index].activeFrom = vm.getBlockNumber() + ACTIVATION_DELAY;
    }

    function depart(Model storage model, OperatorStatus status) private {
        model.status = status;
        isSealDue = true;
    }

    function punish(uint256 index, uint16 bps, bytes32 caseId, bool isJailed) private {
        Model storage model = models[index];
        bool isHere = model.status != OperatorStatus.NONE && model.status != OperatorStatus.EXITED;
        uint96 amount = isHere ? model.stake * bps / 10_000 : 0;
        vm.prank(address(center));
        assertEq(governance.slash(operatorOf(index), bps, caseId, isJailed), amount);
        model.stake -= amount;
        pot += amount;
        if (model.status != OperatorStatus.ACTIVE) return;
        if (isJailed || model.stake < MIN_STAKE) depart(model, OperatorStatus.JAILED);
    }

    function trySeal() private {
        uint32 version = governance.latestVersion();
        uint256 nextBlock = version == 0 ? 0 : governance.sealedSet(version).sealedAt + EPOCH_BLOCKS;
        if (!isSealDue && vm.getBlockNumber() < nextBlock) return expectSealRefused(nextBlock);

        (uint128 occupied, uint96 total) = expectedSet();
        if (version == 0 && occupied == 0) {
            expectError(IAvsGovernance.NoOperators.selector);
            governance.sealOperatorSet();
            return;
        }
        assertEq(governance.sealOperatorSet(), version + 1);
        isSealDue = false;
        SealedSet memory set = governance.sealedSet(version + 1);
        assertEq(set.occupied, occupied);
        assertEq(set.totalStake, total);
        uint96 sum = 0;
        for (uint256 slot = 0; slot < OPERATORS; ++slot) {
            (, uint96 stake) = OperatorSet.entryIn(set.pointer, slot);
            sum += stake;
        }
        assertEq(sum, total);
    }

    function tryRelease(uint256 index) private {
        OperatorStatus status = models[index].status;
        if (status != OperatorStatus.EXITING && status != OperatorStatus.EJECTED) {
            vm.expectRevert(abi.encodeWithSelector(IAvsGovernance.OperatorNotLeaving.selector, operatorOf(index)));
            governance.releaseSlot(operatorOf(index));
            return;
        }
        skip(UNBONDING_BLOCKS);
        try governance.releaseSlot(operatorOf(index)) {
            checkUnbonded(index);
            models[index] = Model(OperatorStatus.EXITED, 0, 0);
        } catch (bytes memory reason) {
            // Only for a set that is still the latest.
            assertEq(reason, abi.encodeWithSelector(IAvsGovernance.StillUnbonding.selector, NOT_SUPERSEDED));
        }
    }

    // ---- what must hold

    /// @dev Each set that holds the operator was superseded long enough ago.
    function checkUnbonded(uint256 index) private view {
        uint32 latest = governance.latestVersion();
        for (uint32 version = 1; version <= latest; ++version) {
            if (!isInSet(version, operatorOf(index))) continue;
            assertTrue(version < latest, "in the latest set");
            assertLe(governance.sealedSet(version + 1).sealedAt + UNBONDING_BLOCKS, vm.getBlockNumber());
        }
    }

    /// @dev Time and calls that anyone may make bring each unit to its owner.
    function checkAllMoneyComesOut() private {
        for (uint256 index = 0; index < OPERATORS; ++index) {
            step(1, index, "");
        }
        skip(EPOCH_BLOCKS);
        if (governance.latestVersion() != 0) governance.sealOperatorSet();
        skip(UNBONDING_BLOCKS);
        payFromPot(treasury, pot);
        if (pot != 0) withdrawAs(treasury, destination());
        for (uint256 index = 0; index < OPERATORS; ++index) {
            OperatorStatus status = models[index].status;
            if (status != OperatorStatus.NONE && status != OperatorStatus.EXITED) {
                governance.releaseSlot(operatorOf(index));
            }
            if (governance.creditOf(ownerAt(index)) != 0) withdrawAs(ownerAt(index), destination());
        }
        assertEq(address(governance).balance, 0);
    }

    function expectedSet() private view returns (uint128 occupied, uint96 total) {
        for (uint256 index = 0; index < OPERATORS; ++index) {
            Model memory model = models[index];
            if (model.status != OperatorStatus.ACTIVE || model.activeFrom > vm.getBlockNumber()) continue;
            occupied |= uint128(1) << recordOf(index).slot;
            total += model.stake;
        }
    }

    function isInSet(uint32 version, address operator) private view returns (bool) {
        for (uint256 slot = 0; slot < OPERATORS; ++slot) {
            (address held,) = OperatorSet.entryIn(governance.sealedSet(version).pointer, slot);
            if (held == operator) return true;
        }
        return false;
    }
}
