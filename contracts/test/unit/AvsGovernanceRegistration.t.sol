// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {AvsGovernance} from "../../src/AvsGovernance.sol";
import {IAdministration} from "../../src/interfaces/IAdministration.sol";
import {IAvsGovernance} from "../../src/interfaces/IAvsGovernance.sol";
import {ISignatureVerifier} from "../../src/interfaces/ISignatureVerifier.sol";
import {Tokens} from "../../src/libraries/Tokens.sol";
import {Operator, OperatorStatus, Registration} from "../../src/types/Types.sol";
import {GovernanceTest} from "../support/GovernanceTest.sol";

/// @dev Construction, admission and registration. The signatures in a registration are in AvsGovernanceSignatures.
contract AvsGovernanceRegistrationTest is GovernanceTest {
    // ---- construction

    function test_constructor__any__keeps_settings() public {
        AvsGovernance target = deployWith(IAvsGovernance.Limits(1, 2, 16_000, 4), address(5), false);
        assertEq(address(target.administration()), address(administration));
        assertEq(address(target.attestationCenter()), address(center));
        assertEq(address(target.verifier()), address(verifier));
        assertEq(target.stakeToken(), address(5));
        assertEq(target.minStake(), 1);
        assertEq(target.epochBlocks(), 2);
        assertEq(target.unbondingBlocks(), 16_000);
        assertEq(target.activationDelay(), 4);
        assertFalse(target.isRegistrationOpen(), "closed");
        assertTrue(governance.isRegistrationOpen(), "open");
    }

    function test_constructor__no_minimum_stake__reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IAvsGovernance.StakeTooSmall.selector, 0, 1));
        this.deployWith(IAvsGovernance.Limits(0, EPOCH_BLOCKS, UNBONDING_BLOCKS, 0), address(0), true);
    }

    function test_constructor__unbonding_under_two_task_lives__reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IAvsGovernance.UnbondingTooShort.selector, 15_999, 16_000));
        this.deployWith(IAvsGovernance.Limits(1, EPOCH_BLOCKS, 15_999, 0), address(0), true);
    }

    // ---- registerOperator

    function test_registerOperator__valid__is_active() public {
        Registration memory registration = registrationOf(governance, 0, STAKE);
        uint40 activeFrom = activationBlock();
        vm.deal(ownerAt(0), STAKE);
        vm.prank(ownerAt(0));
        vm.expectEmit(address(governance));
        emit IAvsGovernance.OperatorRegistered(
            operatorOf(0), ownerAt(0), 0, registration.blsKey, STAKE, receiverOf(0), activeFrom
        );
        uint8 slot = governance.registerOperator{value: STAKE}(registration);

        assertEq(slot, 0);
        Operator memory expected = Operator({
            status: OperatorStatus.ACTIVE,
            slot: 0,
            stake: STAKE,
            owner: ownerAt(0),
            rewardsReceiver: receiverOf(0),
            signingKey: operatorOf(0),
            activeFrom: activeFrom,
            lastVersion: 0,
            firstSettlement: 0
        });
        assertEq(abi.encode(recordOf(0)), abi.encode(expected));
        assertEq(governance.operatorOf(operatorOf(0)), operatorOf(0));
        assertEq(governance.rewardsReceiverOf(operatorOf(0)), receiverOf(0));
        assertEq(address(governance).balance, STAKE);
    }

    function test_registerOperator__second__takes_the_next_slot() public {
        register(0, STAKE);
        assertEq(registerFor(governance, registrationOf(governance, 1, STAKE)), 1);
        assertEq(recordOf(1).slot, 1);
        assertEq(recordOf(0).slot, 0);
    }

    function test_registerOperator__after_settlements__starts_at_their_number() public {
        deployWithOperators(3);
        decide(openAndStart(1), 0, 7, true);
        decide(openAndStart(2), 0, 7, true);
        register(3, STAKE);
        assertEq(recordOf(3).firstSettlement, 2); // its claims start there
        assertEq(recordOf(0).firstSettlement, 0);
        assertEq(center.cursorOf(operatorOf(3)), 2);
    }

    function test_getOperator__unknown__all_zero() public {
        register(0, STAKE); // its slot is 0, as in an empty record
        Operator memory nothing;
        assertEq(abi.encode(recordOf(1)), abi.encode(nothing));
        assertEq(governance.rewardsReceiverOf(operatorOf(1)), address(0));
        assertEq(governance.operatorOf(operatorOf(1)), operatorOf(1));
    }

    // ---- refusals

    function test_registerOperator__zero_address__reverts() public {
        bytes memory reason = abi.encodeWithSelector(IAvsGovernance.ZeroAddress.selector);
        Registration memory registration = registrationOf(governance, 0, STAKE);
        registration.rewardsReceiver = address(0);
        expectRegisterRefused(registration, reason);

        registration = registrationOf(governance, 0, STAKE);
        registration.signingKey = address(0);
        expectRegisterRefused(registration, reason);
    }

    function test_registerOperator__stake_at_the_minimum__accepted() public {
        Registration memory registration = registrationOf(governance, 0, MIN_STAKE - 1);
        expectRegisterRefused(
            registration, abi.encodeWithSelector(IAvsGovernance.StakeTooSmall.selector, MIN_STAKE - 1, MIN_STAKE)
        );
        register(0, MIN_STAKE);
        assertEq(recordOf(0).stake, MIN_STAKE);
    }

    function test_registerOperator__value_differs_from_stake__reverts() public {
        Registration memory registration = registrationOf(governance, 0, STAKE);
        expectRegisterRefused(
            ownerAt(0), registration, STAKE - 1, abi.encodeWithSelector(Tokens.WrongValue.selector, STAKE - 1, STAKE)
        );
        expectRegisterRefused(
            ownerAt(0), registration, STAKE + 1, abi.encodeWithSelector(Tokens.WrongValue.selector, STAKE + 1, STAKE)
        );
    }

    function test_registerOperator__address_twice__reverts() public {
        register(0, STAKE);
        expectRegisterRefused(addressOf0KeyOf1(), alreadyRegistered(0));
    }

    function test_registerOperator__key_twice__reverts() public {
        register(0, STAKE);
        Registration memory registration = addressOf1KeyOf0();
        expectRegisterRefused(registration, keyTaken(registration));
    }

    function test_registerOperator__after_exit__key_and_address_stay_used() public {
        register(0, STAKE);
        leaveAndComplete(0);
        Registration memory registration = addressOf1KeyOf0();
        expectRegisterRefused(registration, keyTaken(registration));
        expectRegisterRefused(addressOf0KeyOf1(), alreadyRegistered(0));
        register(1, STAKE); // both are still free for their own operator
    }

    function test_registerOperator__refused__key_stays_free() public {
        Registration memory registration = registrationOf(governance, 0, STAKE);
        bytes memory reason = abi.encodeWithSelector(Tokens.WrongValue.selector, 1, STAKE);
        expectRegisterRefused(ownerAt(0), registration, 1, reason);
        register(0, STAKE);
    }

    function test_registerOperator__malformed_key__reverts() public {
        Registration memory registration = registrationOf(governance, 0, STAKE);
        registration.blsKey = new bytes(96);
        bytes memory reason = abi.encodeWithSelector(ISignatureVerifier.BadPointLength.selector, 96, 128);
        expectRegisterRefused(registration, reason);
    }

    // ---- slots

    function test_slot__leaver__reused_only_after_exit() public {
        registerMany(2);
        deregister(0);
        register(2, STAKE);
        assertEq(recordOf(2).slot, 2);
        complete(0);
        register(3, STAKE);
        assertEq(recordOf(3).slot, 0);
        assertEq(recordOf(0).stake, 0); // the slot's stake is another's
        assertEq(recordOf(0).signingKey, address(0));
        assertEq(recordOf(3).stake, STAKE);
    }

    function test_slot__all_128_taken__freed_by_a_stranger() public {
        for (uint256 i = 0; i < 128; ++i) {
            register(i, MIN_STAKE);
        }
        activate();
        governance.sealOperatorSet();
        assertEq(governance.sealedSet(1).occupied, type(uint128).max);
        assertEq(governance.sealedSet(1).count, 128);
        deregister(77);
        Registration memory registration = registrationOf(governance, 128, STAKE);
        bytes memory reason = abi.encodeWithSelector(IAvsGovernance.NoFreeSlot.selector);
        expectRegisterRefused(registration, reason); // it left, but its key is still in a set

        governance.sealOperatorSet();
        skip(UNBONDING_BLOCKS);
        expectRegisterRefused(registration, reason);
        vm.prank(makeAddress("stranger"));
        governance.releaseSlot(operatorOf(77));
        assertEq(governance.creditOf(ownerAt(77)), MIN_STAKE);
        register(128, STAKE);
        assertEq(recordOf(128).slot, 77);
        assertEq(withdrawAs(ownerAt(77), destination()), MIN_STAKE);
        assertEq(destination().balance, MIN_STAKE);
        checkBalance();
    }

    // ---- admission

    function test_registerOperator__not_admitted__reverts() public {
        close();
        bytes memory reason = abi.encodeWithSelector(IAvsGovernance.NotAdmitted.selector, ownerAt(0));
        admit(operatorOf(0)); // the signing address may not own
        admit(ownerAt(1)); // another owner
        expectRegisterRefused(registrationOf(governance, 0, STAKE), reason);
    }

    function test_registerOperator__admitted__uses_the_admission_up() public {
        close();
        admit(ownerAt(0));
        assertTrue(governance.isAdmitted(ownerAt(0)), "admitted");
        register(0, STAKE);
        assertFalse(governance.isAdmitted(ownerAt(0)), "used up");
        bytes memory reason = abi.encodeWithSelector(IAvsGovernance.NotAdmitted.selector, ownerAt(0));
        expectRegisterRefused(ownerAt(0), registrationFor(ownerAt(0), 1), STAKE, reason);

        admit(ownerAt(0));
        vm.deal(ownerAt(0), STAKE);
        Registration memory second = registrationFor(ownerAt(0), 1);
        vm.prank(ownerAt(0));
        governance.registerOperator{value: STAKE}(second);
        assertEq(recordOf(1).owner, ownerAt(0));
    }

    function test_registerOperator__open__keeps_the_admission() public {
        admit(ownerAt(0));
        register(0, STAKE);
        assertTrue(governance.isAdmitted(ownerAt(0)), "an open registration needs none");
        register(1, STAKE);
        assertFalse(governance.isAdmitted(ownerAt(1)), "not admitted");
    }

    function test_admit__role__emits() public {
        vm.prank(timelock);
        vm.expectEmit(address(governance));
        emit IAvsGovernance.OperatorAdmitted(ownerAt(0));
        governance.admit(ownerAt(0));
        assertTrue(governance.isAdmitted(ownerAt(0)), "admitted");
    }

    function test_expel__admitted__cannot_register() public {
        close();
        admit(ownerAt(0));
        admit(ownerAt(1));
        vm.prank(timelock);
        vm.expectEmit(address(governance));
        emit IAvsGovernance.OperatorExpelled(ownerAt(0));
        governance.expel(ownerAt(0));
        assertFalse(governance.isAdmitted(ownerAt(0)), "expelled");
        assertTrue(governance.isAdmitted(ownerAt(1)), "still admitted");
        bytes memory reason = abi.encodeWithSelector(IAvsGovernance.NotAdmitted.selector, ownerAt(0));
        expectRegisterRefused(registrationOf(governance, 0, STAKE), reason);
    }

    function test_expel__registered__stays() public {
        register(0, STAKE);
        vm.prank(timelock);
        governance.expel(ownerAt(0));
        checkStatus(0, OperatorStatus.ACTIVE);
    }

    function test_setRegistrationOpen__role__changes_and_emits() public {
        close();
        assertFalse(governance.isRegistrationOpen(), "closed");
        vm.prank(timelock);
        vm.expectEmit(address(governance));
        emit IAvsGovernance.RegistrationOpened(true);
        governance.setRegistrationOpen(true);
        assertTrue(governance.isRegistrationOpen(), "open");
        register(0, STAKE);
    }

    function test_admission__other_roles__refused() public {
        expectMissingRole(guardian, "ADMISSION_ROLE");
        vm.prank(guardian);
        governance.admit(ownerAt(0));
        expectMissingRole(address(this), "ADMISSION_ROLE");
        governance.expel(ownerAt(0));
        expectMissingRole(address(this), "ADMISSION_ROLE");
        governance.setRegistrationOpen(false);
    }

    // ---- pause

    function test_registerOperator__paused__reverts() public {
        pause();
        Registration memory registration = registrationOf(governance, 0, STAKE);
        uint64 until = administration.pausedUntil();
        expectRegisterRefused(registration, abi.encodeWithSelector(IAdministration.PausedUntil.selector, until));
        vm.warp(until);
        register(0, STAKE);
    }

    function test_pause__all_other_calls__work() public {
        registerMany(3);
        activate();
        pause();
        governance.sealOperatorSet();
        topUp(0, 1 ether);
        bytes memory consent = consentBy(signingSecret(9), governance, ownerAt(0), blsSecret(0));
        bytes memory key = registrationOf(governance, 0, STAKE).blsKey;
        vm.prank(ownerAt(0));
        governance.rotateSigningKey(operatorOf(0), operatorOf(9), key, consent);
        jail(0);
        unjail(0);
        slash(1, 100, CASE);
        payFromPot(treasury, 0.32 ether);
        withdrawAs(treasury, destination());
        deregister(1);
        eject(2);
        governance.sealOperatorSet();
        skip(UNBONDING_BLOCKS);
        complete(1);
        governance.releaseSlot(operatorOf(2));
        admit(ownerAt(5));
        assertTrue(administration.isPaused(), "all of this during the pause");
    }

    // ---- makers

    function deployWith(IAvsGovernance.Limits memory limits, address stakeToken, bool isOpen)
        public
        returns (AvsGovernance)
    {
        return new AvsGovernance(administration, center, verifier, stakeToken, limits, isOpen);
    }

    function close() private {
        vm.prank(timelock);
        vm.expectEmit(address(governance));
        emit IAvsGovernance.RegistrationOpened(false);
        governance.setRegistrationOpen(false);
    }

    /// @dev All signatures are right.
    function addressOf0KeyOf1() private view returns (Registration memory) {
        return mixed(0, 1);
    }

    function addressOf1KeyOf0() private view returns (Registration memory) {
        return mixed(1, 0);
    }

    function mixed(uint256 signer, uint256 key) private view returns (Registration memory registration) {
        registration = registrationOf(governance, key, STAKE);
        registration.signingKey = operatorOf(signer);
        registration.possession = possessionOf(governance, blsSecret(key), operatorOf(signer));
        registration.consent = consentBy(signingSecret(signer), governance, ownerAt(signer), blsSecret(key));
    }

    function alreadyRegistered(uint256 index) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IAvsGovernance.OperatorAlreadyRegistered.selector, operatorOf(index));
    }

    function keyTaken(Registration memory registration) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IAvsGovernance.KeyAlreadyRegistered.selector, keccak256(registration.blsKey));
    }
}
