// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAvsGovernance} from "../../src/interfaces/IAvsGovernance.sol";
import {OperatorStatus, Registration} from "../../src/types/Types.sol";
import {BlsSigner} from "../support/BlsSigner.sol";
import {ContributorActions} from "./ContributorActions.sol";

/// @dev What operators' owners do with operators and stake.
abstract contract OperatorActions is ContributorActions {
    uint256 private constant FRESH_KEYS = 1_000; // numbers of signing secrets that no seat registers with

    function actRegister(uint256 seed) external counted("register") {
        for (uint256 i = 0; i < SEATS; ++i) {
            uint256 index = (seed % SEATS + i) % SEATS;
            if (seats[index].registrations == 0) return join(index, uint96(draw(seed, 1, MIN_STAKE, 4 * STAKE)));
        }
        registerAgain(seed);
    }

    /// @dev Invariant 6: neither a used BLS key nor a used signing address can register, whoever is asking.
    function actRegisterAgain(uint256 seed) external counted("register again") {
        registerAgain(seed);
    }

    function actIncreaseStake(uint256 seed) external counted("increase stake") {
        uint256 index = draw(seed, 1, 0, SEATS - 1);
        uint96 amount = uint96(draw(seed, 2, 0, 5 ether));
        bytes memory call = abi.encodeCall(IAvsGovernance.increaseStake, (signerOf[index], amount));
        (bool succeeded,) = attempt(stranger, address(governance), amount, call);
        if (succeeded != isIn(index)) blame(5, "adding to a stake");
        if (!succeeded) return;
        seats[index].stake += amount;
        seats[index].paidIn += amount;
        stakeIn += amount;
        mark("stake increased");
    }

    function actRotate(uint256 seed) external counted("rotate") {
        uint256 index = draw(seed, 1, 0, SEATS - 1);
        Seat storage seat = seats[index];
        uint256 key = 100 + 10 * index + seat.rotations;
        if (seat.rotations == 10) return;
        signerOf[key] = operatorOf(key);
        bytes memory consent = consentBy(signingSecret(key), governance, seat.owner, blsSecret(index));
        bytes memory blsKey = BlsSigner.publicKey(blsSecret(index));
        bytes memory call =
            abi.encodeCall(IAvsGovernance.rotateSigningKey, (signerOf[index], signerOf[key], blsKey, consent));
        (bool succeeded,) = attempt(seat.owner, address(governance), 0, call);
        if (succeeded != isIn(index)) blame(6, "rotating a signing key");
        if (!succeeded) return;
        ++seat.rotations;
        seat.key = key;
        mark("key rotated");
    }

    function actReceiver(uint256 seed) external counted("receiver") {
        uint256 index = draw(seed, 1, 0, SEATS - 1);
        if (seats[index].registrations == 0) return;
        address receiver = accounts[draw(seed, 2, 0, accounts.length - 1)];
        bytes memory call = abi.encodeCall(IAvsGovernance.setRewardsReceiver, (signerOf[index], receiver));
        (bool succeeded,) = attempt(seats[index].owner, address(governance), 0, call);
        if (!succeeded) return blame(8, "naming a receiver");
        seats[index].receiver = receiver;
    }

    function actTransferOwner(uint256 seed) external counted("transfer owner") {
        uint256 index = draw(seed, 1, 0, SEATS - 1);
        if (seats[index].registrations == 0) return;
        address next = [otherOwner, address(refusing), ownerOf(signerOf[index])][draw(seed, 2, 0, 2)];
        address operator = signerOf[index];
        attempt(
            seats[index].owner, address(governance), 0, abi.encodeCall(IAvsGovernance.transferOwner, (operator, next))
        );
        (bool succeeded,) =
            attempt(next, address(governance), 0, abi.encodeCall(IAvsGovernance.acceptOwner, (operator)));
        if (!succeeded) return blame(8, "accepting an operator");
        seats[index].owner = next;
        mark("owner changed");
    }

    function actDeregister(uint256 seed) external counted("deregister") {
        if (!chance(seed, 3, 3)) return;
        leaveSet(draw(seed, 1, 0, SEATS - 1));
    }

    function actUnjail(uint256 seed) external counted("unjail") {
        for (uint256 i = 0; i < SEATS; ++i) {
            uint256 index = (seed % SEATS + i) % SEATS;
            if (seats[index].status == OperatorStatus.JAILED) return unjail(index);
        }
    }

    function actComplete(uint256 seed) external counted("complete") {
        (uint256 index, bool isFound) = anyLeaving(seed);
        if (!isFound) return;
        if (chance(seed, 2, 2) && unbondedAt(index) != type(uint256).max) waitUntil(unbondedAt(index));
        address to = chance(seed, 3, 4) ? address(refusing) : elsewhere;
        bytes memory call = abi.encodeCall(IAvsGovernance.completeDeregistration, (signerOf[index], to));
        (bool succeeded,) = attempt(seats[index].owner, address(governance), 0, call);
        if (succeeded != (isUnbonded(index) && to == elsewhere)) blame(8, "completing a deregistration");
        if (!succeeded) return;
        stakeOut += noteExit(index);
        mark("exit completed");
    }

    function actReleaseSlot(uint256 seed) external counted("release slot") {
        (uint256 index, bool isFound) = anyLeaving(seed);
        if (!isFound) return;
        if (chance(seed, 2, 2) && unbondedAt(index) != type(uint256).max) waitUntil(unbondedAt(index));
        releaseSeat(index);
    }

    function actSeal(uint256 seed) external counted("seal") {
        if (latest != 0 && !isSealDue && chance(seed, 1, 3)) waitUntil(seals[latest].sealedAt + EPOCH_BLOCKS);
        sealSet();
    }

    // ---- steps

    function join(uint256 index, uint96 stake) internal {
        Registration memory registration = registrationOf(governance, index, stake);
        address owner = ownerOf(signerOf[index]);
        bytes memory call = abi.encodeCall(IAvsGovernance.registerOperator, (registration));
        (bool succeeded, bytes memory answer) = attempt(owner, address(governance), stake, call);
        if (!succeeded) return mark("registration refused");
        Seat storage seat = seats[index];
        if (++seat.registrations > 1) blame(6, "a key that registered twice");
        seat.status = OperatorStatus.ACTIVE;
        seat.slot = abi.decode(answer, (uint8));
        for (uint256 i = 0; i < SEATS; ++i) {
            bool isTaken = i != index && (isIn(i) || isLeaving(i)) && seats[i].slot == seat.slot;
            if (isTaken) blame(7, "a slot with two stakes");
            bool isReused = seats[i].status == OperatorStatus.EXITED && seats[i].slot == seat.slot;
            if (isReused) mark("slot reused");
        }
        seat.owner = owner;
        seat.receiver = receiverOf(index);
        seat.key = index;
        seat.stake = stake;
        seat.paidIn = stake;
        seat.activeFrom = vm.getBlockNumber() + ACTIVATION_DELAY;
        seat.cursor = dues.length;
        stakeIn += stake;
        mark("registered");
    }

    function registerAgain(uint256 seed) private {
        uint256 index = draw(seed, 11, 0, SEATS - 1);
        if (seats[index].registrations == 0) return;
        bool isKeyOld = chance(seed, 12, 2);
        uint256 fresh = FRESH_KEYS + seed % 1_000;
        uint256 secret = blsSecret(isKeyOld ? index : fresh);
        uint256 signer = isKeyOld ? fresh : seats[index].key;
        Registration memory registration = registrationOf(governance, index, STAKE);
        registration.blsKey = BlsSigner.publicKey(secret);
        registration.signingKey = operatorOf(signer);
        registration.possession = possessionBy(stranger, governance, secret, operatorOf(signer));
        registration.consent = consentBy(signingSecret(signer), governance, stranger, secret);
        bytes memory call = abi.encodeCall(IAvsGovernance.registerOperator, (registration));
        (bool succeeded,) = attempt(stranger, address(governance), STAKE, call);
        if (succeeded) blame(6, isKeyOld ? "a BLS key that registered twice" : "a signer that registered twice");
        mark("second registration refused");
    }

    function leaveSet(uint256 index) internal {
        bytes memory call = abi.encodeCall(IAvsGovernance.deregisterOperator, (signerOf[index]));
        (bool succeeded,) = attempt(seats[index].owner, address(governance), 0, call);
        if (succeeded != isIn(index)) blame(8, "leaving");
        if (!succeeded) return;
        noteLeft(index, OperatorStatus.EXITING);
        mark("deregistered");
    }

    function unjail(uint256 index) private {
        Seat storage seat = seats[index];
        bytes memory call = abi.encodeCall(IAvsGovernance.unjail, (signerOf[index]));
        (bool succeeded,) = attempt(seat.owner, address(governance), 0, call);
        if (succeeded != (seat.stake >= MIN_STAKE)) blame(5, "leaving jail");
        if (!succeeded) return;
        seat.status = OperatorStatus.ACTIVE;
        seat.activeFrom = vm.getBlockNumber() + ACTIVATION_DELAY;
        mark("unjailed");
    }

    /// @dev Invariant 8: anyone can free the slot once the stake may leave.
    function releaseSeat(uint256 index) internal {
        bytes memory call = abi.encodeCall(IAvsGovernance.releaseSlot, (signerOf[index]));
        (bool succeeded,) = attempt(stranger, address(governance), 0, call);
        if (succeeded != (isLeaving(index) && isUnbonded(index))) blame(8, "freeing a slot");
        if (!succeeded) return;
        stakeCredits[seats[index].owner] += noteExit(index);
        mark("slot freed by anyone");
    }

    function sealSet() internal {
        (bool succeeded,) =
            attempt(stranger, address(governance), 0, abi.encodeCall(IAvsGovernance.sealOperatorSet, ()));
        if (succeeded != canSeal()) blame(5, "sealing a set");
        if (!succeeded) return;
        noteSeal();
        mark("sealed");
    }

    // ---- choices

    function anyLeaving(uint256 seed) private view returns (uint256, bool) {
        for (uint256 i = 0; i < SEATS; ++i) {
            uint256 index = (seed % SEATS + i) % SEATS;
            if (isLeaving(index)) return (index, true);
        }
        return (0, false);
    }
}
