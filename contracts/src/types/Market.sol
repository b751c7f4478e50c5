// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Project, Submission} from "./Types.sol";

/// How ModelSubmission stores a project. Submissions are final in order, so those from `project.head` on are exactly
/// the pending ones.
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

/// Where a final submission's bond goes. `contributor` + `treasury` falls short of the bond by the fee exactly when the
/// operators were paid from it; `ownerPays`: they were paid from the project's budget.
struct BondShares {
    uint128 contributor;
    uint128 treasury;
    bool ownerPays;
}
