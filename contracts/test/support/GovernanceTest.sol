// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {AvsGovernance} from "../../src/AvsGovernance.sol";
import {IAdministration} from "../../src/interfaces/IAdministration.sol";
import {IAvsGovernance} from "../../src/interfaces/IAvsGovernance.sol";
import {Operator, OperatorStatus, Registration} from "../../src/types/Types.sol";
import {AttestationFixture} from "./AttestationFixture.sol";

/// @dev Short steps for the tests of AvsGovernance. Operator i is the fixture's: its slot is i while no slot is reused.
abstract contract GovernanceTest is AttestationFixture {
    bytes32 internal constant CASE = keccak256("case");
    uint64 internal constant NOT_SUPERSEDED = type(uint64).max;

    function setUp() public virtual {
        deploy();
    }

    // ---- steps

    function registerMany(uint256 count) internal {
        for (uint256 i = 0; i < count; ++i) {
            register(i, STAKE);
        }
    }

    /// @dev Go on until all operators registered so far can be sealed.
    function activate() internal {
        skip(ACTIVATION_DELAY);
    }

    function skip(uint256 blocks) internal {
        vm.roll(vm.getBlockNumber() + blocks);
    }

    /// @dev Seal after an epoch, which is also after the activation of all operators.
    function sealLater() internal {
        skip(EPOCH_BLOCKS);
        governance.sealOperatorSet();
    }

    function deregister(uint256 index) internal {
        vm.prank(ownerAt(index));
        governance.deregisterOperator(operatorOf(index));
    }

    function complete(uint256 index) internal {
        vm.prank(ownerAt(index));
        governance.completeDeregistration(operatorOf(index), destination());
    }

    /// @dev For an operator that no set can hold: before the first seal.
    function leaveAndComplete(uint256 index) internal {
        deregister(index);
        complete(index);
    }

    function eject(uint256 index) internal {
        vm.prank(timelock);
        governance.eject(operatorOf(index));
    }

    function topUp(uint256 index, uint96 amount) internal {
        vm.deal(address(this), amount);
        governance.increaseStake{value: amount}(operatorOf(index), amount);
    }

    function slash(uint256 index, uint16 bps, bytes32 caseId) internal returns (uint96 amount) {
        vm.prank(address(center));
        amount = governance.slash(operatorOf(index), bps, caseId, false);
    }

    function jail(uint256 index) internal {
        vm.prank(address(center));
        governance.slash(operatorOf(index), 0, CASE, true);
    }

    function unjail(uint256 index) internal {
        vm.prank(ownerAt(index));
        governance.unjail(operatorOf(index));
    }

    function payFromPot(address account, uint96 amount) internal {
        vm.prank(address(center));
        governance.payFromPot(account, amount);
    }

    function withdrawAs(address account, address to) internal returns (uint256) {
        vm.prank(account);
        return governance.withdraw(to);
    }

    function admit(address owner) internal {
        vm.prank(timelock);
        governance.admit(owner);
    }

    function pause() internal {
        vm.prank(guardian);
        administration.pause();
    }

    // ---- expectations

    function expectError(bytes4 selector) internal {
        vm.expectRevert(abi.encodeWithSelector(selector));
    }

    function expectNotOwner(address caller) internal {
        vm.expectRevert(abi.encodeWithSelector(IAvsGovernance.NotOperatorOwner.selector, caller));
    }

    function expectMissingRole(address account, string memory role) internal {
        vm.expectRevert(abi.encodeWithSelector(IAdministration.MissingRole.selector, account, keccak256(bytes(role))));
    }

    function expectNotActive(uint256 index) internal {
        vm.expectRevert(abi.encodeWithSelector(IAvsGovernance.OperatorNotActive.selector, operatorOf(index)));
    }

    function expectCompleteRefused(uint256 index, bytes memory reason) internal {
        vm.prank(ownerAt(index));
        vm.expectRevert(reason);
        governance.completeDeregistration(operatorOf(index), destination());
    }

    function expectUnbondedAt(uint256 index, uint256 untilBlock) internal {
        expectCompleteRefused(index, abi.encodeWithSelector(IAvsGovernance.StillUnbonding.selector, untilBlock));
    }

    function expectSealRefused(uint256 nextBlock) internal {
        vm.expectRevert(abi.encodeWithSelector(IAvsGovernance.SealedTooRecently.selector, nextBlock));
        governance.sealOperatorSet();
    }

    function expectRegisterRefused(Registration memory registration, bytes memory reason) internal {
        expectRegisterRefused(ownerOf(registration.signingKey), registration, registration.stake, reason);
    }

    function expectRegisterRefused(address owner, Registration memory registration, uint256 value, bytes memory reason)
        internal
    {
        vm.deal(owner, value);
        vm.prank(owner);
        vm.expectRevert(reason);
        governance.registerOperator{value: value}(registration);
    }

    /// @dev What AvsGovernance holds is what it owes. All operators and accounts of these tests are in the sum.
    function checkBalance() internal view {
        uint256 owed = governance.pot() + governance.creditOf(treasury) + governance.creditOf(address(this));
        for (uint256 i = 0; i < operatorCount; ++i) {
            owed += recordOf(i).stake + governance.creditOf(ownerAt(i)) + governance.creditOf(receiverOf(i));
        }
        assertEq(address(governance).balance, owed);
    }

    function checkStatus(uint256 index, OperatorStatus expected) internal view {
        assertEq(uint256(recordOf(index).status), uint256(expected));
    }

    // ---- readers

    function recordOf(uint256 index) internal view returns (Operator memory) {
        return governance.getOperator(operatorOf(index));
    }

    function ownerAt(uint256 index) internal pure returns (address) {
        return ownerOf(operatorOf(index));
    }

    /// @dev Of an operator that registers or is unjailed now.
    function activationBlock() internal view returns (uint40) {
        // forge-lint: disable-next-line(unsafe-typecast) Block numbers of tests are small.
        return uint40(vm.getBlockNumber() + ACTIVATION_DELAY);
    }

    function destination() internal pure returns (address) {
        return address(uint160(uint256(keccak256("destination"))));
    }

    /// @dev A registration that is registered by another owner with value, as contracts do.
    function registrationFor(address owner, uint256 index) internal view returns (Registration memory) {
        return registrationBy(owner, governance, index, STAKE);
    }

    function replaceGovernance(address stakeToken) internal returns (AvsGovernance) {
        return deployGovernance(address(center), stakeToken, true);
    }
}
