// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {OperatorStatus, SealedSet} from "../../src/types/Types.sol";
import {World} from "./World.sol";

/// @dev What calls must have done to operators and their stake.
abstract contract StakeBooks is World {
    function noteLeft(uint256 index, OperatorStatus status) internal {
        Seat storage seat = seats[index];
        if (seat.status == OperatorStatus.ACTIVE) seat.lastVersion = latest; // a jailed one had left before
        seat.status = status;
        isSealDue = true;
    }

    function noteSeal() internal {
        ++latest;
        isSealDue = false;
        Sealed storage set = seals[latest];
        set.sealedAt = vm.getBlockNumber();
        for (uint256 i = 0; i < SEATS; ++i) {
            Seat storage seat = seats[i];
            if (seat.status != OperatorStatus.ACTIVE || seat.activeFrom > vm.getBlockNumber()) continue;
            set.total += seat.stake;
            set.count += 1;
            set.occupied |= bit(seat.slot);
            seatAt[latest][seat.slot] = i;
            keyAt[latest][seat.slot] = seat.key;
            stakeAt[latest][seat.slot] = seat.stake;
        }
        // forge-lint: disable-next-line(unsafe-typecast) A test seals a few sets.
        SealedSet memory found = governance.sealedSet(uint32(latest));
        bool isSame = found.totalStake == set.total && found.count == set.count && found.occupied == set.occupied;
        if (!isSame) blame(3, "a sealed set that is not the active operators");
    }

    /// @dev Take `bps` of a stake once for each case. Returns what must have been taken.
    function noteSlash(uint256 index, uint256 bps, bytes32 caseId, bool isJailed) internal returns (uint256 amount) {
        Seat storage seat = seats[index];
        amount = slashOf(index, bps, caseId);
        bool isGone = seat.status == OperatorStatus.NONE || seat.status == OperatorStatus.EXITED;
        if (isGone || isSlashed[index][caseId]) return 0;
        isSlashed[index][caseId] = true;
        seat.stake -= amount;
        seat.slashed += amount;
        pot += amount;
        mark("slashed");
        if (seat.status == OperatorStatus.ACTIVE && (isJailed || seat.stake < MIN_STAKE)) {
            noteLeft(index, OperatorStatus.JAILED);
            mark("jailed");
        }
    }

    function noteSlashAll(uint256 version, uint128 slots, uint256 bps, bytes32 caseId, address payee) internal {
        uint256 amount = 0;
        for (uint256 slot = 0; slot < SEATS; ++slot) {
            if (slots & bit(slot) != 0) amount += noteSlash(seatAt[version][slot], bps, caseId, false);
        }
        notePot(payee, amount / 2);
        notePot(treasury, amount - amount / 2);
    }

    function notePot(address account, uint256 amount) internal {
        pot -= amount;
        stakeCredits[account] += amount;
    }

    function noteExit(uint256 index) internal returns (uint256 stake) {
        Seat storage seat = seats[index];
        stake = seat.stake;
        seat.stake = 0;
        seat.status = OperatorStatus.EXITED;
        if (!isUnbonded(index)) blame(7, "a stake that left before its time");
    }

    /// @dev What a case can still take of a stake.
    function slashOf(uint256 index, uint256 bps, bytes32 caseId) internal view returns (uint256) {
        if (seats[index].status == OperatorStatus.EXITED || isSlashed[index][caseId]) return 0;
        return seats[index].stake * bps / BPS;
    }

    /// @dev The block from which the stake may leave; the maximum until the next seal.
    function unbondedAt(uint256 index) internal view returns (uint256) {
        uint256 version = seats[index].lastVersion;
        if (version == 0) return 0;
        if (version == latest) return type(uint256).max;
        return seals[version + 1].sealedAt + UNBONDING_BLOCKS;
    }

    function isUnbonded(uint256 index) internal view returns (bool) {
        return vm.getBlockNumber() >= unbondedAt(index);
    }

    function isIn(uint256 index) internal view returns (bool) {
        return seats[index].status == OperatorStatus.ACTIVE || seats[index].status == OperatorStatus.JAILED;
    }

    function isLeaving(uint256 index) internal view returns (bool) {
        return seats[index].status == OperatorStatus.EXITING || seats[index].status == OperatorStatus.EJECTED;
    }

    function canSeal() internal view returns (bool) {
        return latest == 0 || isSealDue || vm.getBlockNumber() >= seals[latest].sealedAt + EPOCH_BLOCKS;
    }

    /// @dev The stake of some slots of a sealed set.
    function stakeOf(uint256 version, uint128 slots) internal view returns (uint256 sum) {
        for (uint256 slot = 0; slot < SEATS; ++slot) {
            if (slots & bit(slot) != 0) sum += stakeAt[version][slot];
        }
    }
}
