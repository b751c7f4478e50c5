// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IModelSubmission} from "../interfaces/IModelSubmission.sol";
import {ProjectStatus, RewardRule, Submission, WithheldReward} from "./Types.sol";

// How ModelSubmission stores projects. New storage is what a transaction pays most for, so each word is filled.

/// All that ModelSubmission stores. Projects are counted from 1.
struct Market {
    IModelSubmission.Limits limits;
    uint256 projectCount;
    Ledger escrow;
    mapping(uint256 projectId => ProjectEntry) entries;
}

/// What ModelSubmission owes, and the tokens that it accepts.
struct Ledger {
    mapping(address token => uint256) owed;
    mapping(address account => mapping(address token => uint256)) credits;
    mapping(uint16 number => TokenTerms) tokens; // number 0 is the coin
    mapping(address token => uint16) numbers;
    uint16 tokenCount;
}

/// One project. `Project` in `Types.sol` explains the fields. The words in their order: who and how; free money; bond
/// and fee; reward; queue and windows; terms; scores, from the baseline's settlement on.
struct ProjectRecord {
    address owner;
    ProjectStatus status;
    RewardRule rewardRule;
    bool ownerPaysMisses;
    uint8 maxAttempts;
    uint16 quorumBps;
    uint40 createdAt;
    //
    uint96 poolFree;
    uint96 budgetFree;
    int64 minGain;
    //
    uint96 bond;
    uint96 fee;
    int64 worseTolerance;
    //
    uint96 maxReward;
    uint96 rewardRate;
    uint16 revealBlocks;
    uint24 disputeBlocks;
    uint16 tokenId;
    //
    uint32 submissionCount;
    uint32 head;
    uint32 evaluated;
    uint32 championIndex;
    uint40 headSince;
    uint40 openUntil;
    uint16 seedDelay;
    uint16 attemptBlocks;
    //
    bytes32 termsHash;
    //
    int64 championScore;
    int64 baselineScore;
    uint96 rewardsPaid;
}

/// A project with its submissions. They become final in order, so the pending ones are exactly those from
/// `project.head` on.
struct ProjectEntry {
    ProjectRecord project;
    mapping(uint32 index => Submission) submissions;
    mapping(uint32 index => WithheldReward) withheld;
}

/// A token that projects may use while `minFee` is not zero. Its number in the list takes less room in a project than
/// its address.
struct TokenTerms {
    address token;
    uint96 minFee;
}

/// The parts of a final submission's bond. `contributor` + `treasury` is the bond, less the fee if the operators are
/// paid from the bond. `ownerPays`: the operators are paid from the project's budget.
struct BondShares {
    uint96 contributor;
    uint96 treasury;
    bool ownerPays;
}

/// The parts of an evaluation fee. `unearned` is what absent stake would have earned.
struct FeeParts {
    uint96 performer;
    uint96 aggregator;
    uint96 attesters;
    uint96 unearned;
}
