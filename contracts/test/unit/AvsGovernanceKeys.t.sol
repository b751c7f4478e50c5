// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {AvsGovernance} from "../../src/AvsGovernance.sol";
import {IAvsGovernance} from "../../src/interfaces/IAvsGovernance.sol";
import {ISignatureVerifier} from "../../src/interfaces/ISignatureVerifier.sol";
import {OperatorSet} from "../../src/libraries/OperatorSet.sol";
import {Registration} from "../../src/types/Types.sol";
import {BlsSigner} from "../support/BlsSigner.sol";
import {GovernanceTest} from "../support/GovernanceTest.sol";

/// @dev What the owner can change while its operator works: signing address, rewards receiver, owner. Signing addresses
///      10 and above belong to no operator before a rotation.
contract AvsGovernanceKeysTest is GovernanceTest {
    // ---- rotateSigningKey

    function test_rotateSigningKey__owner__new_address_from_the_next_set() public {
        registerMany(2);
        activate();
        governance.sealOperatorSet();
        bytes memory consent = consentOf(10, 1);
        bytes memory blsKey = keyOf(1);
        vm.prank(ownerAt(1));
        vm.expectEmit(address(governance));
        emit IAvsGovernance.SigningKeyRotated(operatorOf(1), operatorOf(10));
        governance.rotateSigningKey(operatorOf(1), operatorOf(10), blsKey, consent);

        assertEq(recordOf(1).signingKey, operatorOf(10));
        assertEq(recordOf(0).signingKey, operatorOf(0));
        assertEq(sealedAddress(1, 1), operatorOf(1));
        sealLater();
        assertEq(sealedAddress(1, 1), operatorOf(1)); // tasks that are open use the old one
        assertEq(sealedAddress(2, 1), operatorOf(10));
        assertEq(sealedAddress(2, 0), operatorOf(0));
        (bytes memory key, uint96 stake) =
            OperatorSet.aggregate(OperatorSet.load(governance.sealedSet(2).pointer), governance.sealedSet(2), 2);
        assertEq(key, blsKey); // BLS key and stake are as before
        assertEq(stake, STAKE);
    }

    function test_rotateSigningKey__any_of_its_addresses__names_the_operator() public {
        register(0, STAKE);
        rotate(0, 10);
        rotate(0, 11);
        address[3] memory addresses = [operatorOf(0), operatorOf(10), operatorOf(11)];
        for (uint256 i = 0; i < addresses.length; ++i) {
            assertEq(governance.operatorOf(addresses[i]), operatorOf(0));
            assertEq(governance.rewardsReceiverOf(addresses[i]), receiverOf(0));
        }
        assertEq(governance.operatorOf(operatorOf(12)), operatorOf(12));
        assertEq(recordOf(0).signingKey, operatorOf(11));
    }

    function test_rotateSigningKey__old_and_new_address__slashed_once_for_a_case() public {
        register(0, STAKE);
        rotate(0, 10);
        assertEq(slash(10, 100, CASE), 0.32 ether);
        assertEq(slash(0, 100, CASE), 0);
        assertEq(slash(10, 100, CASE), 0);
        assertEq(slash(0, 100, "by its first address"), 0.3168 ether);
        assertEq(recordOf(0).stake, STAKE - 0.6368 ether);
    }

    function test_rotateSigningKey__waiting__is_activated_in_time() public {
        register(0, STAKE);
        rotate(0, 10);
        skip(ACTIVATION_DELAY - 1);
        expectError(IAvsGovernance.NoOperators.selector);
        governance.sealOperatorSet();
        skip(1);
        governance.sealOperatorSet();
        assertEq(sealedAddress(1, 0), operatorOf(10));
    }

    function test_rotateSigningKey__jailed__allowed() public {
        register(0, STAKE);
        jail(0);
        rotate(0, 10);
        assertEq(recordOf(0).signingKey, operatorOf(10));
    }

    function test_rotateSigningKey__others__reverts() public {
        registerMany(2);
        bytes memory key = keyOf(0);
        bytes memory consent = consentOf(10, 0);
        address[3] memory callers = [operatorOf(0), ownerAt(1), timelock];
        for (uint256 i = 0; i < callers.length; ++i) {
            expectNotOwner(callers[i]);
            vm.prank(callers[i]);
            governance.rotateSigningKey(operatorOf(0), operatorOf(10), key, consent);
        }
    }

    function test_rotateSigningKey__leaving_or_gone__reverts() public {
        registerMany(3);
        deregister(0);
        eject(1);
        leaveAndComplete(2);
        for (uint256 index = 0; index < 3; ++index) {
            bytes memory reason = abi.encodeWithSelector(IAvsGovernance.OperatorNotActive.selector, operatorOf(index));
            expectRotateRefused(index, 10, keyOf(index), consentOf(10, index), reason);
        }
    }

    function test_rotateSigningKey__used_address__reverts() public {
        registerMany(3);
        leaveAndComplete(2);
        rotate(1, 10);
        uint256[4] memory used = [uint256(0), 1, 2, 10]; // its own, another's two, a former operator's
        for (uint256 i = 0; i < used.length; ++i) {
            bytes memory reason =
                abi.encodeWithSelector(IAvsGovernance.OperatorAlreadyRegistered.selector, operatorOf(used[i]));
            expectRotateRefused(0, used[i], keyOf(0), consentOf(used[i], 0), reason);
        }
    }

    function test_rotateSigningKey__then_register_with_that_address__reverts() public {
        register(0, STAKE);
        rotate(0, 10);
        rotate(0, 11);
        Registration memory registration = registrationOf(governance, 10, STAKE);
        bytes memory reason = abi.encodeWithSelector(IAvsGovernance.OperatorAlreadyRegistered.selector, operatorOf(10));
        expectRegisterRefused(registration, reason);
    }

    function test_rotateSigningKey__squatted_address__refused_without_its_consent() public {
        register(0, STAKE);
        bytes memory reason = abi.encodeWithSelector(IAvsGovernance.BadConsent.selector, operatorOf(10));
        bytes memory key = keyOf(0);
        expectRotateRefused(0, 10, key, consentOf(0, 0), reason); // signed by its own signing address
        expectRotateRefused(0, 10, key, consentOf(10, 10), reason); // seen in the registration of operator 10
        bytes memory wrongKey = consentBy(signingSecret(10), governance, ownerAt(0), blsSecret(1));
        expectRotateRefused(0, 10, key, wrongKey, reason);
        bytes memory wrongOwner = consentBy(signingSecret(10), governance, ownerAt(10), blsSecret(0));
        expectRotateRefused(0, 10, key, wrongOwner, reason);
        AvsGovernance other = replaceGovernance(address(0));
        bytes memory wrongContract = consentBy(signingSecret(10), other, ownerAt(0), blsSecret(0));
        expectRotateRefused(0, 10, key, wrongContract, reason);
        register(10, STAKE);
    }

    function test_rotateSigningKey__to_the_zero_address__reverts() public {
        // A malformed signature recovers the zero address.
        register(0, STAKE);
        bytes memory key = keyOf(0);
        vm.prank(ownerAt(0));
        vm.expectRevert(abi.encodeWithSelector(IAvsGovernance.BadConsent.selector, address(0)));
        governance.rotateSigningKey(operatorOf(0), address(0), key, "");
    }

    function test_rotateSigningKey__another_bls_key__reverts() public {
        registerMany(2);
        bytes memory reason = abi.encodeWithSelector(IAvsGovernance.WrongKey.selector, keccak256(keyOf(1)));
        bytes memory consent = consentBy(signingSecret(10), governance, ownerAt(0), blsSecret(1));
        expectRotateRefused(0, 10, keyOf(1), consent, reason);
        reason = abi.encodeWithSelector(ISignatureVerifier.BadPointLength.selector, 96, 128);
        expectRotateRefused(0, 10, new bytes(96), consent, reason);
    }

    // ---- setRewardsReceiver

    function test_setRewardsReceiver__owner__changes_and_emits() public {
        registerMany(2);
        vm.prank(ownerAt(0));
        vm.expectEmit(address(governance));
        emit IAvsGovernance.RewardsReceiverChanged(operatorOf(0), destination());
        governance.setRewardsReceiver(operatorOf(0), destination());
        assertEq(governance.rewardsReceiverOf(operatorOf(0)), destination());
        assertEq(recordOf(0).rewardsReceiver, destination());
        assertEq(governance.rewardsReceiverOf(operatorOf(1)), receiverOf(1));
    }

    function test_setRewardsReceiver__gone__allowed() public {
        // Fees of old settlements can still be claimed.
        register(0, STAKE);
        leaveAndComplete(0);
        vm.prank(ownerAt(0));
        governance.setRewardsReceiver(operatorOf(0), destination());
        assertEq(governance.rewardsReceiverOf(operatorOf(0)), destination());
    }

    function test_setRewardsReceiver__others_or_zero__reverts() public {
        register(0, STAKE);
        expectNotOwner(operatorOf(0));
        vm.prank(operatorOf(0));
        governance.setRewardsReceiver(operatorOf(0), operatorOf(0));
        expectError(IAvsGovernance.ZeroAddress.selector);
        vm.prank(ownerAt(0));
        governance.setRewardsReceiver(operatorOf(0), address(0));
    }

    // ---- transferOwner and acceptOwner

    function test_acceptOwner__offered__new_owner_only() public {
        registerMany(2);
        address next = makeAddress("next owner");
        vm.expectEmit(address(governance));
        emit IAvsGovernance.OperatorOwnerOffered(operatorOf(0), next);
        offer(0, next);
        assertEq(recordOf(0).owner, ownerAt(0)); // until it accepts
        expectNotOwner(next);
        vm.prank(next);
        governance.deregisterOperator(operatorOf(0));

        vm.prank(next);
        vm.expectEmit(address(governance));
        emit IAvsGovernance.OperatorOwnerChanged(operatorOf(0), next);
        governance.acceptOwner(operatorOf(0));
        assertEq(recordOf(0).owner, next);
        assertEq(recordOf(1).owner, ownerAt(1));
        assertEq(recordOf(0).rewardsReceiver, receiverOf(0)); // one that was named stays
        expectNotOwner(ownerAt(0));
        deregister(0);
        vm.prank(next);
        governance.deregisterOperator(operatorOf(0));
        governance.releaseSlot(operatorOf(0));
        assertEq(governance.creditOf(next), STAKE);
    }

    function test_acceptOwner__owner_as_receiver__fees_go_to_the_new_owner() public {
        Registration memory registration = registrationOf(governance, 0, STAKE);
        registration.rewardsReceiver = ownerAt(0);
        registerFor(governance, registration);
        assertEq(governance.rewardsReceiverOf(operatorOf(0)), ownerAt(0));
        address next = makeAddress("next owner");
        offer(0, next);
        vm.prank(next);
        governance.acceptOwner(operatorOf(0));
        assertEq(governance.rewardsReceiverOf(operatorOf(0)), next);
    }

    function test_acceptOwner__not_offered__reverts() public {
        register(0, STAKE);
        register(1, STAKE);
        address next = makeAddress("next owner");
        offer(0, next);
        expectNotOffered(address(this));
        governance.acceptOwner(operatorOf(0));
        expectNotOffered(next);
        vm.prank(next);
        governance.acceptOwner(operatorOf(1));
    }

    function test_acceptOwner__offer_replaced_or_taken_back__reverts() public {
        register(0, STAKE);
        address first = makeAddress("first");
        offer(0, first);
        offer(0, makeAddress("second"));
        expectNotOffered(first);
        vm.prank(first);
        governance.acceptOwner(operatorOf(0));
        offer(0, address(0));
        expectNotOffered(makeAddress("second"));
        vm.prank(makeAddress("second"));
        governance.acceptOwner(operatorOf(0));
    }

    function test_acceptOwner__twice__reverts() public {
        // Otherwise a former owner could take the operator back.
        register(0, STAKE);
        address next = makeAddress("next owner");
        offer(0, next);
        vm.prank(next);
        governance.acceptOwner(operatorOf(0));
        expectNotOffered(next);
        vm.prank(next);
        governance.acceptOwner(operatorOf(0));
    }

    function test_transferOwner__others__reverts() public {
        register(0, STAKE);
        expectNotOwner(operatorOf(0));
        vm.prank(operatorOf(0));
        governance.transferOwner(operatorOf(0), operatorOf(0));
        expectNotOwner(address(this));
        governance.transferOwner(operatorOf(1), address(this)); // of an operator that does not exist
    }

    // ---- steps

    function rotate(uint256 index, uint256 signer) private {
        bytes memory key = keyOf(index);
        bytes memory consent = consentOf(signer, index);
        vm.prank(ownerAt(index));
        governance.rotateSigningKey(operatorOf(index), operatorOf(signer), key, consent);
    }

    function offer(uint256 index, address next) private {
        vm.prank(ownerAt(index));
        governance.transferOwner(operatorOf(index), next);
    }

    function expectRotateRefused(
        uint256 index,
        uint256 signer,
        bytes memory key,
        bytes memory consent,
        bytes memory reason
    ) private {
        vm.prank(ownerAt(index));
        vm.expectRevert(reason);
        governance.rotateSigningKey(operatorOf(index), operatorOf(signer), key, consent);
    }

    function expectNotOffered(address caller) private {
        vm.expectRevert(abi.encodeWithSelector(IAvsGovernance.NotOffered.selector, caller));
    }

    /// @dev The consent of signing address `signer` to work for operator `index`.
    function consentOf(uint256 signer, uint256 index) private view returns (bytes memory) {
        return consentBy(signingSecret(signer), governance, ownerAt(index), blsSecret(index));
    }

    function keyOf(uint256 index) private view returns (bytes memory) {
        return BlsSigner.publicKey(blsSecret(index));
    }

    function sealedAddress(uint32 version, uint256 slot) private view returns (address operator) {
        (operator,) = OperatorSet.entryIn(governance.sealedSet(version).pointer, slot);
    }
}
