// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAvsGovernance} from "../interfaces/IAvsGovernance.sol";
import {Operator, OperatorStatus, Registration} from "../types/Types.sol";
import {Bits} from "./Bits.sol";
import {OperatorSet} from "./OperatorSet.sol";

/// @title The operators and their slots, as AvsGovernance stores them.
/// @dev The states of an operator:
///
///      NONE ─ register ─► ACTIVE ── deregister ──► EXITING ─┐
///                         ▲  │ └──── eject ──────► EJECTED ─┴─ complete, release ──► EXITED
///                 unjail  │  ▼ slash                 ▲
///                         JAILED ── deregister, eject ┘
///
///      A slot stays taken until its operator is EXITED. It is *waiting* until the set of its activation is sealed, then
///      *active* until it leaves; only active slots are in a sealed set.
library Operators {
    using Bits for uint128;

    /// One word. `mark`: the first block whose set may hold it while it is ACTIVE; the latest version once it left.
    struct Record {
        address owner;
        OperatorStatus status;
        uint8 slot;
        uint40 mark;
        uint40 firstSettlement;
    }

    struct State {
        uint128 taken;
        uint128 active;
        uint128 waiting;
        uint96 stakeSum; // of active and waiting slots; checked at each addition, so that a seal cannot overflow
        mapping(address operator => Record) records;
        mapping(address operator => address) receivers; // zero: the owner
        mapping(address operator => address) offeredTo;
        mapping(address signingKey => address operator) rotated; // of signing addresses other than the first
        mapping(bytes32 keyHash => bool) isKeyTaken;
        mapping(uint256 slot => OperatorSet.Entry) entries; // of all taken slots
        mapping(bytes32 => bool) isSlashed; // by keccak256(operator, case)
    }

    // ---- verbs

    /// @notice Give a new operator of the caller's a slot. It waits for its activation.
    function add(State storage self, Registration calldata registration, uint40 activeFrom, uint40 firstSettlement)
        internal
        returns (uint8 slot)
    {
        if (~self.taken == 0) revert IAvsGovernance.NoFreeSlot();
        slot = (~self.taken).lowest();
        address operator = registration.signingKey;
        self.records[operator] = Record(msg.sender, OperatorStatus.ACTIVE, slot, activeFrom, firstSettlement);
        self.entries[slot] = OperatorSet.Entry(operator, registration.stake, OperatorSet.packKey(registration.blsKey));
        if (registration.rewardsReceiver != msg.sender) self.receivers[operator] = registration.rewardsReceiver;
        self.taken |= Bits.only(slot);
        self.waiting |= Bits.only(slot);
        self.stakeSum += registration.stake;
    }

    /// @notice Replace the signing address. Sealed sets keep the old one.
    function rotate(State storage self, address operator, address signingKey) internal {
        self.rotated[signingKey] = operator;
        self.entries[self.records[operator].slot].operator = signingKey;
    }

    /// @notice Make the caller the owner, if the operator was offered to it.
    function acceptOwner(State storage self, address operator) internal {
        if (self.offeredTo[operator] != msg.sender) revert IAvsGovernance.NotOffered(msg.sender);
        delete self.offeredTo[operator];
        self.records[operator].owner = msg.sender;
    }

    /// @notice Take the operator out of later sets. `latestVersion` is the last that may hold its key.
    function depart(State storage self, address operator, OperatorStatus status, uint32 latestVersion) internal {
        Record storage record = self.records[operator];
        uint128 bit = Bits.only(record.slot);
        // A jailed operator has left before: the sets sealed since then do not hold its key.
        if (_isCounted(self, record.slot)) {
            record.mark = latestVersion;
            self.stakeSum -= self.entries[record.slot].stake;
        }
        self.active &= ~bit;
        self.waiting &= ~bit;
        record.status = status;
    }

    /// @notice Let a jailed operator wait for its activation again.
    function rejoin(State storage self, address operator, uint64 activationDelay, uint96 minStake)
        internal
        returns (uint40 activeFrom)
    {
        Record storage record = self.records[operator];
        if (record.status != OperatorStatus.JAILED) revert IAvsGovernance.OperatorNotJailed(operator);
        uint96 stake = self.entries[record.slot].stake;
        if (stake < minStake) revert IAvsGovernance.StakeTooSmall(stake, minStake);
        record.status = OperatorStatus.ACTIVE;
        activeFrom = activationBlock(activationDelay);
        record.mark = activeFrom;
        self.waiting |= Bits.only(record.slot);
        self.stakeSum += stake;
    }

    /// @notice From `untilBlock` on, free the slot and return the stake that was in it.
    function exit(State storage self, address operator, uint64 untilBlock) internal returns (uint96 stake) {
        if (block.number < untilBlock) revert IAvsGovernance.StillUnbonding(untilBlock);
        Record storage record = self.records[operator];
        stake = self.entries[record.slot].stake;
        delete self.entries[record.slot];
        self.taken &= ~Bits.only(record.slot);
        record.status = OperatorStatus.EXITED;
    }

    /// @notice Add to a stake.
    function increase(State storage self, address operator, uint96 amount) internal returns (uint96 stake) {
        uint8 slot = self.records[operator].slot;
        stake = self.entries[slot].stake + amount;
        self.entries[slot].stake = stake;
        if (_isCounted(self, slot)) self.stakeSum += amount;
    }

    /// @notice Note a case against an operator. Return false if it has left, or the case was noted before.
    function openCase(State storage self, address operator, bytes32 caseId) internal returns (bool) {
        OperatorStatus status = self.records[operator].status;
        bytes32 id = keccak256(abi.encode(operator, caseId));
        if (status == OperatorStatus.NONE || status == OperatorStatus.EXITED || self.isSlashed[id]) return false;
        self.isSlashed[id] = true;
        return true;
    }

    /// @notice Take a part of a stake.
    function cut(State storage self, address operator, uint16 bps) internal returns (uint96 amount, uint96 left) {
        uint8 slot = self.records[operator].slot;
        uint96 stake = self.entries[slot].stake;
        // forge-lint: disable-next-line(unsafe-typecast) At most the stake: `bps` is at most 10,000.
        amount = uint96(uint256(stake) * bps / 10_000);
        left = stake - amount;
        self.entries[slot].stake = left;
        if (_isCounted(self, slot)) self.stakeSum -= amount;
    }

    /// @notice Make the waiting operators active whose time has come, then encode all active ones.
    function encode(State storage self) internal returns (bytes memory blob, uint128 occupied, uint96 stake) {
        _activate(self);
        occupied = self.active;
        uint8 end = occupied.length();
        blob = OperatorSet.empty(end);
        for (uint8 slot = 0; slot < end; ++slot) {
            if (!occupied.has(slot)) continue;
            OperatorSet.Entry memory entry = self.entries[slot];
            OperatorSet.put(blob, slot, entry);
            stake += entry.stake; // at most `stakeSum`
        }
    }

    function _activate(State storage self) private {
        for (uint128 left = self.waiting; left != 0;) {
            uint8 slot = left.lowest();
            left ^= Bits.only(slot);
            address operator = idOf(self, self.entries[slot].operator);
            if (self.records[operator].mark > block.number) continue;
            self.waiting ^= Bits.only(slot);
            self.active |= Bits.only(slot);
        }
    }

    function _isCounted(State storage self, uint8 slot) private view returns (bool) {
        return (self.active | self.waiting).has(slot);
    }

    // ---- readers

    /// @notice Return the first block whose set may hold an operator that joins now.
    function activationBlock(uint64 activationDelay) internal view returns (uint40) {
        // forge-lint: disable-next-line(unsafe-typecast) Block numbers stay far below 2⁴⁰.
        return uint40(block.number + activationDelay);
    }

    function isActive(State storage self, address operator) internal view returns (bool) {
        return self.records[operator].status == OperatorStatus.ACTIVE;
    }

    /// @notice Revert unless the operator is ACTIVE or JAILED.
    function requireIn(State storage self, address operator) internal view {
        OperatorStatus status = self.records[operator].status;
        if (status != OperatorStatus.ACTIVE && status != OperatorStatus.JAILED) {
            revert IAvsGovernance.OperatorNotActive(operator);
        }
    }

    /// @notice Revert unless this is the operator's BLS key, and return the key's hash.
    function requireKey(State storage self, address operator, bytes calldata blsKey)
        internal
        view
        returns (bytes32 keyHash)
    {
        keyHash = keccak256(blsKey);
        bytes32[3] memory key = OperatorSet.packKey(blsKey);
        bytes32[3] memory stored = self.entries[self.records[operator].slot].key;
        if (keccak256(abi.encode(key)) != keccak256(abi.encode(stored))) revert IAvsGovernance.WrongKey(keyHash);
    }

    /// @notice Return the last version that may hold the key of an operator that is leaving.
    function lastVersionOf(State storage self, address operator) internal view returns (uint32) {
        Record storage record = self.records[operator];
        if (record.status != OperatorStatus.EXITING && record.status != OperatorStatus.EJECTED) {
            revert IAvsGovernance.OperatorNotLeaving(operator);
        }
        // forge-lint: disable-next-line(unsafe-typecast) A version, once it left.
        return uint32(record.mark);
    }

    /// @notice Return the operator of a signing address; the address itself unless it came by a rotation.
    function idOf(State storage self, address signingKey) internal view returns (address operator) {
        operator = self.rotated[signingKey];
        if (operator == address(0)) operator = signingKey;
    }

    /// @notice Return whether a signing address belongs or belonged to an operator.
    function isUsed(State storage self, address signingKey) internal view returns (bool) {
        return self.rotated[signingKey] != address(0) || self.records[signingKey].status != OperatorStatus.NONE;
    }

    function receiverOf(State storage self, address operator) internal view returns (address receiver) {
        receiver = self.receivers[operator];
        if (receiver == address(0)) receiver = self.records[operator].owner;
    }

    function view_(State storage self, address operator) internal view returns (Operator memory) {
        Record storage record = self.records[operator];
        bool isIn = record.status != OperatorStatus.NONE && record.status != OperatorStatus.EXITED;
        OperatorSet.Entry storage entry = self.entries[record.slot];
        bool hasLeft = record.status > OperatorStatus.ACTIVE;
        return Operator({
            status: record.status,
            slot: record.slot,
            stake: isIn ? entry.stake : 0,
            owner: record.owner,
            rewardsReceiver: receiverOf(self, operator),
            signingKey: isIn ? entry.operator : address(0),
            activeFrom: hasLeft ? 0 : record.mark,
            // forge-lint: disable-next-line(unsafe-typecast) A version, once it left.
            lastVersion: hasLeft ? uint32(record.mark) : 0,
            firstSettlement: record.firstSettlement
        });
    }
}
