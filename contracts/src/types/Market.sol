// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Project, Submission} from "./Types.sol";

/// A project as ModelSubmission stores it. Submissions become final in order, so the pending ones are exactly those
/// from `project.head` on.
struct ProjectEntry {
    Project project;
    uint64 headSince; // block at which the head took its place, or was re-opened
    mapping(uint32 index => Submission) submissions;
}

/// The submission that a task evaluates.
struct TaskRef {
    uint224 projectId;
    uint32 index;
}

/// The attesters' part of one settled task's fee.
struct AttesterFees {
    uint128 total;
    uint128 unclaimed;
}

/// The parts of a final submission's bond. `contributor` + `treasury` is the bond, less the fee if the operators are
/// paid from the bond. `ownerPays`: the operators are paid from the project's budget.
struct BondShares {
    uint128 contributor;
    uint128 treasury;
    bool ownerPays;
}
