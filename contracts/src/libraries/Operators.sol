// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAvsGovernance} from "../interfaces/IAvsGovernance.sol";
import {Operator, OperatorStatus} from "../types/Types.sol";
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
    }

    // ---- verbs

    /// @notice Give an operator a slot. It waits for its activation.
    function add(State storage self, address operator, Record memory record, OperatorSet.Entry memory entry)
        internal
        returns (uint8 slot)
    {
        if (~self.taken == 0) revert IAvsGovernance.NoFreeSlot();
        slot = (~self.taken).lowest();
        record.slot = slot;
        self.records[operator] = record;
        self.entries[slot] = entry;
        self.taken |= Bits.only(slot);
        self.waiting |= Bits.only(slot);
        self.stakeSum += entry.stake;
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
    function rejoin(State storage self, address operator, uint40 activeFrom) internal {
        Record storage record = self.records[operator];
        record.status = OperatorStatus.ACTIVE;
        record.mark = activeFrom;
        self.waiting |= Bits.only(record.slot);
        self.stakeSum += self.entries[record.slot].stake;
    }

    /// @notice Free the slot and return the stake that was in it.
    function exit(State storage self, address operator) internal returns (uint96 stake) {
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
