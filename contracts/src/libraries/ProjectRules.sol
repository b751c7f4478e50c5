// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IModelSubmission} from "../interfaces/IModelSubmission.sol";
import {ProjectParams, RewardRule} from "../types/Types.sol";
import {MAX_TASK_BLOCKS} from "./Attempts.sol";
import {Quorum} from "./Quorum.sol";

/// @title The rules that a deployment's limits and a new project must satisfy. They make sure that its tasks can open.
library ProjectRules {
    uint256 internal constant MAX_CID_LENGTH = 64;
    uint256 internal constant MIN_ROUNDS = 2; // a variance needs two
    uint256 internal constant MAX_ROUNDS = 128; // two integers per round must fit into the report's 4 KiB
    uint256 internal constant MAX_ALPHA_PPM = 499_999; // a level of 50 % or more gives no lower bound
    uint256 internal constant MAX_REVEAL_BLOCKS = 7_200; // a day at 12 s: a hidden head delays all others
    // What absent stake would have earned comes back to the budget. The other half of uint96 is room for it.
    uint256 internal constant MAX_BUDGET = type(uint96).max / 2;
    int256 internal constant MIN_GAIN_TOLERANCES = 10; // a performer can shift the bound by at most 6 tolerances

    function validateLimits(IModelSubmission.Limits memory limits, uint256 unbondingBlocks) internal pure {
        _require(limits.maxPending != 0, "maxPending");
        _require(limits.maxPendingPerAccount != 0, "maxPendingPerAccount");
        _require(limits.openTimeout != 0, "openTimeout");
        _require(limits.minAttemptBlocks != 0, "minAttemptBlocks");
        _require(limits.minDisputeBlocks <= limits.maxDisputeBlocks, "minDisputeBlocks");
        _require(limits.maxDisputeBlocks == 0 || limits.resolveBlocks != 0, "resolveBlocks");
        // The signers of a verdict must still have their stake when a dispute of it ends.
        uint256 longestCase = MAX_TASK_BLOCKS + limits.maxDisputeBlocks + limits.resolveBlocks;
        _require(longestCase <= unbondingBlocks, "maxDisputeBlocks");
    }

    function validate(ProjectParams calldata params, IModelSubmission.Limits memory limits, uint96 minFee)
        internal
        view
    {
        validateCid(params.architectureCid);
        validateCid(params.parametersCid);
        validateCid(params.evaluatorCid);
        validateCid(params.metadataCid);
        _validateMoney(params, minFee);
        _validatePromotion(params);
        _validateTime(params, limits);
    }

    /// Accept 1 to 64 ASCII letters and digits. This does not check that the text is a CID. Services could not decode
    /// text that is not UTF-8, and its task would delay the queue until it expires.
    function validateCid(string calldata cid) internal pure {
        bytes calldata text = bytes(cid);
        if (text.length == 0 || text.length > MAX_CID_LENGTH) revert IModelSubmission.BadCid();
        for (uint256 i = 0; i < text.length; ++i) {
            if (!_isAlphanumeric(text[i])) revert IModelSubmission.BadCid();
        }
    }

    function _isAlphanumeric(bytes1 character) private pure returns (bool) {
        bool isDigit = character >= "0" && character <= "9";
        bool isUpper = character >= "A" && character <= "Z";
        bool isLower = character >= "a" && character <= "z";
        return isDigit || isUpper || isLower;
    }

    function _validateMoney(ProjectParams calldata params, uint96 minFee) private pure {
        uint256 twoFees = 2 * uint256(params.fee);
        bool hasRate = params.rewardRule == RewardRule.FIXED || params.rewardRate > 0;
        _require(params.fee >= minFee, "fee");
        _require(params.bond >= twoFees, "bond");
        // Two fees: for the baseline and the first challenger.
        _require(params.budget >= twoFees && params.budget <= MAX_BUDGET, "budget");
        _require(params.maxReward > 0, "maxReward");
        _require(params.pool >= params.maxReward, "pool");
        _require(hasRate, "rewardRate");
    }

    function _validatePromotion(ProjectParams calldata params) private pure {
        int256 leastGain = MIN_GAIN_TOLERANCES * int256(uint256(params.tolerance));
        _require(params.minGain > 0 && params.minGain >= leastGain, "minGain");
        _require(params.worseTolerance >= 0, "worseTolerance");
        _require(params.rounds >= MIN_ROUNDS && params.rounds <= MAX_ROUNDS, "rounds");
        _require(params.alphaPpm > 0 && params.alphaPpm <= MAX_ALPHA_PPM, "alphaPpm");
        _require(Quorum.isAllowed(params.quorumBps), "quorumBps");
    }

    function _validateTime(ProjectParams calldata params, IModelSubmission.Limits memory limits) private view {
        uint256 life = params.seedDelay + uint256(params.maxAttempts) * params.attemptBlocks;
        // Not 0: the proposer that includes the reveal would also make the seed block.
        _require(params.seedDelay > 0, "seedDelay");
        _require(params.maxAttempts > 0, "maxAttempts");
        _require(params.attemptBlocks >= limits.minAttemptBlocks && life <= MAX_TASK_BLOCKS, "attemptBlocks");
        _require(params.revealBlocks > 0 && params.revealBlocks <= MAX_REVEAL_BLOCKS, "revealBlocks");
        _require(
            params.disputeBlocks >= limits.minDisputeBlocks && params.disputeBlocks <= limits.maxDisputeBlocks,
            "disputeBlocks"
        );
        _require(params.openUntil > block.number, "openUntil");
    }

    function _require(bool isFine, string memory name) private pure {
        if (!isFine) revert IModelSubmission.BadParameter(name);
    }
}
