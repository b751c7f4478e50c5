// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Task} from "./Types.sol";

// How AttestationCenter stores tasks and settlements.

/// All that AttestationCenter stores. The first word holds the parameters and the count together: a settlement reads
/// `turnBlocks` and counts itself.
struct Center {
    uint8 minOperators;
    uint32 turnBlocks;
    uint16 guiltySlashBps;
    uint16 conflictSlashBps;
    uint16 overturnedSlashBps;
    uint32 settlementCount;
    //
    mapping(bytes32 taskId => Task) tasks;
    mapping(bytes32 taskId => bytes32) seeds;
    mapping(uint64 number => Settlement) settlements;
    mapping(address operator => uint64) cursors;
}

/// REJECTED: `value` of a guilty performer's stake is for those who rejected. Otherwise `value` is packed SettlementParts.
enum SettlementKind {
    APPROVED,
    APPROVED_WITH_AGGREGATOR,
    REJECTED
}

/// What one certificate earns its signers: one word, for any number of them.
struct Settlement {
    uint128 bitmap;
    uint32 setVersion;
    SettlementKind kind;
    uint88 value;
}

/// Who else is paid for an approved evaluation, and from which project: 88 bits.
struct SettlementParts {
    uint40 projectId;
    uint8 performerSlot;
    uint8 posterSlot;
    uint32 signedShare; // as in Verdict
}
