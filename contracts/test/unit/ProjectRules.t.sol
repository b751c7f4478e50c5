// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IModelSubmission} from "../../src/interfaces/IModelSubmission.sol";
import {ProjectParams, RewardRule} from "../../src/types/Types.sol";
import {MarketTest} from "../support/MarketTest.sol";

/// @dev The rules that a new project must satisfy, each at its limit and one beyond.
contract ProjectRulesTest is MarketTest {
    string private constant LONGEST = "1234567890123456789012345678901234567890123456789012345678901234"; // 64

    ProjectParams private params;

    function setUp() public override {
        super.setUp();
        params = defaultParams();
    }

    // ---- texts

    /// @dev The characters next to each allowed range, and a text that is not UTF-8.
    function test_validateCid__other_characters__reverts() public {
        string[6] memory wrong = ["bafk/", "bafk:", "bafk@", "bafk[", "bafk`", "bafk{"];
        for (uint256 i = 0; i < wrong.length; ++i) {
            params.parametersCid = wrong[i];
            _refuseCid();
        }
        params.parametersCid = string(bytes(hex"62616678ff"));
        _refuseCid();
        params.parametersCid = "/afk"; // the first character counts too
        _refuseCid();
        params.parametersCid = "09AZaz";
        _accept();
    }

    function test_validateCid__each_text__1_to_64_characters() public {
        for (uint256 which = 0; which < 4; ++which) {
            params = defaultParams();
            _setText(which, "");
            _refuseCid();
            _setText(which, string.concat(LONGEST, "5"));
            _refuseCid();
            _setText(which, LONGEST);
            _accept();
            _setText(which, "1");
            _accept();
        }
    }

    // ---- money

    function test_fee__least_fee_of_its_token__accepted() public {
        params.fee = COIN_MIN_FEE - 1;
        _refuse("fee");
        params.fee = COIN_MIN_FEE;
        _accept();

        params.token = address(token);
        params.fee = TOKEN_MIN_FEE - 1;
        _refuse("fee");
        params.fee = TOKEN_MIN_FEE;
        _accept();
    }

    function test_bond__at_least_two_fees() public {
        params.bond = 2 * FEE - 1;
        _refuse("bond");
        params.bond = 2 * FEE;
        _accept();
    }

    function test_budget__at_least_two_fees() public {
        params.budget = 2 * FEE - 1;
        _refuse("budget");
        params.budget = type(uint96).max / 2 + 1;
        _refuse("budget");
        params.budget = type(uint96).max / 2;
        vm.deal(owner, type(uint96).max);
        _accept();
        params.budget = 2 * FEE;
        _accept();
    }

    function test_maxReward__not_zero() public {
        params.maxReward = 0;
        _refuse("maxReward");
        params.maxReward = 1;
        _accept();
    }

    function test_pool__at_least_one_reward() public {
        params.pool = MAX_REWARD - 1;
        _refuse("pool");
        params.pool = MAX_REWARD;
        _accept();
    }

    function test_rewardRate__only_linear_needs_one() public {
        params.rewardRule = RewardRule.LINEAR;
        _refuse("rewardRate");
        params.rewardRate = 1;
        _accept();
        params.rewardRule = RewardRule.FIXED;
        params.rewardRate = 0;
        _accept();
    }

    /// @dev Twice the largest fee does not fit its type: it must not wrap to a small number.
    function test_bond__huge_fee__does_not_wrap() public {
        params.fee = 2 ** 95;
        params.bond = type(uint96).max;
        params.budget = type(uint96).max;
        _refuse("bond");
    }

    // ---- promotion

    function test_minGain__ten_tolerances_and_positive() public {
        params.minGain = 19; // tolerance 2
        _refuse("minGain");
        params.minGain = 20;
        _accept();
        params.tolerance = 0;
        params.minGain = 0;
        _refuse("minGain");
        params.minGain = -1;
        _refuse("minGain");
        params.minGain = 1;
        _accept();
    }

    function test_minGain__largest_tolerance__does_not_wrap() public {
        params.tolerance = type(uint32).max;
        params.minGain = 42_949_672_949;
        _refuse("minGain");
        params.minGain = 42_949_672_950;
        _accept();
    }

    function test_worseTolerance__not_negative() public {
        params.worseTolerance = -1;
        _refuse("worseTolerance");
        params.worseTolerance = 0;
        _accept();
    }

    function test_rounds__2_to_128() public {
        params.rounds = 1;
        _refuse("rounds");
        params.rounds = 129;
        _refuse("rounds");
        params.rounds = 2;
        _accept();
        params.rounds = 128;
        _accept();
    }

    function test_alphaPpm__positive_and_below_one_half() public {
        params.alphaPpm = 0;
        _refuse("alphaPpm");
        params.alphaPpm = 500_000;
        _refuse("alphaPpm");
        params.alphaPpm = 1;
        _accept();
        params.alphaPpm = 499_999;
        _accept();
    }

    function test_quorumBps__6600_to_9000() public {
        params.quorumBps = 6_599;
        _refuse("quorumBps");
        params.quorumBps = 9_001;
        _refuse("quorumBps");
        params.quorumBps = 6_600;
        _accept();
        params.quorumBps = 9_000;
        _accept();
    }

    // ---- time

    /// @dev With no delay, the proposer that includes the reveal would also make the seed block.
    function test_seedDelay__not_zero() public {
        params.seedDelay = 0;
        _refuse("seedDelay");
        params.seedDelay = 1;
        _accept();
    }

    function test_maxAttempts__not_zero() public {
        params.maxAttempts = 0;
        _refuse("maxAttempts");
        params.maxAttempts = 1;
        _accept();
    }

    function test_attemptBlocks__the_deployments_minimum() public {
        params.attemptBlocks = MIN_ATTEMPT_BLOCKS - 1;
        _refuse("attemptBlocks");
        params.attemptBlocks = MIN_ATTEMPT_BLOCKS;
        _accept();
    }

    /// @dev seedDelay + maxAttempts × attemptBlocks, in blocks. The seed must still be provable at the deadline.
    function test_attemptBlocks__life_of_a_task__at_most_8000() public {
        (params.seedDelay, params.maxAttempts, params.attemptBlocks) = (50, 3, 2_650);
        _accept();
        params.seedDelay = 51;
        _refuse("attemptBlocks");
        (params.seedDelay, params.maxAttempts, params.attemptBlocks) = (1, 1, 7_999);
        _accept();
        params.attemptBlocks = 8_000;
        _refuse("attemptBlocks");
        (params.seedDelay, params.maxAttempts, params.attemptBlocks) = (5_450, 255, 10);
        _accept();
        params.attemptBlocks = 11;
        _refuse("attemptBlocks");
    }

    function test_attemptBlocks__largest_numbers__do_not_wrap() public {
        (params.seedDelay, params.maxAttempts, params.attemptBlocks) =
        (type(uint16).max, type(uint8).max, type(uint16).max);
        _refuse("attemptBlocks");
    }

    function test_revealBlocks__1_to_7200() public {
        params.revealBlocks = 0;
        _refuse("revealBlocks");
        params.revealBlocks = 7_201;
        _refuse("revealBlocks");
        params.revealBlocks = 1;
        _accept();
        params.revealBlocks = 7_200;
        _accept();
    }

    function test_disputeBlocks__within_the_deployments_limits() public {
        IModelSubmission.Limits memory limits = defaultLimits();
        limits.minDisputeBlocks = 50;
        market = deployMarket(limits, UNBONDING_BLOCKS);
        params.disputeBlocks = 49;
        _refuse("disputeBlocks");
        params.disputeBlocks = MAX_DISPUTE_BLOCKS + 1;
        _refuse("disputeBlocks");
        params.disputeBlocks = 50;
        _accept();
        params.disputeBlocks = MAX_DISPUTE_BLOCKS;
        _accept();
    }

    function test_openUntil__a_later_block() public {
        params.openUntil = START;
        _refuse("openUntil");
        params.openUntil = START + 1;
        _accept();
    }

    // ---- helpers

    function _setText(uint256 which, string memory text) private {
        if (which == 0) params.architectureCid = text;
        if (which == 1) params.parametersCid = text;
        if (which == 2) params.evaluatorCid = text;
        if (which == 3) params.metadataCid = text;
    }

    function _accept() private {
        assertEq(createProject(params), market.projectCount());
    }

    function _refuse(string memory name) private {
        ProjectParams memory refused = params;
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.BadParameter.selector, name));
        market.createProject(refused);
    }

    function _refuseCid() private {
        ProjectParams memory refused = params;
        vm.expectRevert(IModelSubmission.BadCid.selector);
        market.createProject(refused);
    }
}
