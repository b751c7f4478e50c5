// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ModelSubmission} from "../../src/ModelSubmission.sol";
import {IAttestationCenter} from "../../src/interfaces/IAttestationCenter.sol";
import {IAvsGovernance} from "../../src/interfaces/IAvsGovernance.sol";
import {IModelSubmission} from "../../src/interfaces/IModelSubmission.sol";
import {MarketTest} from "../support/MarketTest.sol";

/// @dev What the constructor accepts and keeps.
contract ModelSubmissionDeploymentTest is MarketTest {
    function test_constructor__arguments__kept() public {
        IAvsGovernance governance = wireMarket(UNBONDING_BLOCKS);
        IAttestationCenter wired = IAttestationCenter(address(center));
        vm.expectEmit();
        emit IModelSubmission.TokenChanged(COIN, COIN_MIN_FEE);
        ModelSubmission deployed =
            new ModelSubmission(administration, governance, wired, address(center), treasury, defaultLimits());

        assertEq(address(deployed.administration()), address(administration));
        assertEq(deployed.avsLogic(), address(center));
        assertEq(address(deployed.attestationCenter()), address(center));
        assertEq(deployed.treasury(), treasury);
        assertEq(deployed.ESCROW_GRACE(), 50_400);
        assertEq(deployed.projectCount(), 0);
        assertEq(deployed.minFeeOf(COIN), COIN_MIN_FEE);
        assertEq(abi.encode(deployed.limits()), abi.encode(defaultLimits()));
    }

    function test_constructor__no_treasury__reverts() public {
        IAvsGovernance governance = wireMarket(UNBONDING_BLOCKS);
        IAttestationCenter wired = IAttestationCenter(address(center));
        vm.expectRevert(IModelSubmission.ZeroAddress.selector);
        new ModelSubmission(administration, governance, wired, address(center), address(0), defaultLimits());
    }

    function test_constructor__zero_limit__reverts() public {
        IModelSubmission.Limits memory limits = defaultLimits();
        limits.maxPending = 0;
        _expectBad(limits, UNBONDING_BLOCKS, "maxPending");

        limits = defaultLimits();
        limits.maxPendingPerAccount = 0;
        _expectBad(limits, UNBONDING_BLOCKS, "maxPendingPerAccount");

        limits = defaultLimits();
        limits.openTimeout = 0;
        _expectBad(limits, UNBONDING_BLOCKS, "openTimeout");

        limits = defaultLimits();
        limits.minAttemptBlocks = 0;
        _expectBad(limits, UNBONDING_BLOCKS, "minAttemptBlocks");

        limits = defaultLimits();
        limits.resolveBlocks = 0;
        _expectBad(limits, UNBONDING_BLOCKS, "resolveBlocks"); // nobody could rule in time
        limits.maxDisputeBlocks = 0;
        deployMarket(limits, UNBONDING_BLOCKS);
    }

    function test_constructor__dispute_limits__least_at_most_the_largest() public {
        IModelSubmission.Limits memory limits = defaultLimits();
        limits.minDisputeBlocks = MAX_DISPUTE_BLOCKS + 1;
        _expectBad(limits, UNBONDING_BLOCKS, "minDisputeBlocks");
        limits.minDisputeBlocks = MAX_DISPUTE_BLOCKS;
        deployMarket(limits, UNBONDING_BLOCKS);
    }

    /// @dev A signer of a verdict must still have its stake here when a dispute of it ends: 8,000 + 1,000 + 300 blocks.
    function test_constructor__longest_case__within_unbonding() public {
        deployMarket(defaultLimits(), UNBONDING_BLOCKS);
        _expectBad(defaultLimits(), UNBONDING_BLOCKS - 1, "maxDisputeBlocks");

        IModelSubmission.Limits memory limits = defaultLimits();
        limits.maxDisputeBlocks = MAX_DISPUTE_BLOCKS + 1;
        _expectBad(limits, UNBONDING_BLOCKS, "maxDisputeBlocks");
        limits = defaultLimits();
        limits.resolveBlocks = RESOLVE_BLOCKS + 1;
        _expectBad(limits, UNBONDING_BLOCKS, "maxDisputeBlocks");
    }

    /// @dev The largest limits do not wrap to a small sum.
    function test_constructor__largest_limits__sum_is_exact() public {
        IModelSubmission.Limits memory limits = defaultLimits();
        limits.maxDisputeBlocks = type(uint24).max;
        limits.resolveBlocks = type(uint24).max;
        uint64 longest = 8_000 + 2 * uint64(type(uint24).max);
        _expectBad(limits, longest - 1, "maxDisputeBlocks");
        deployMarket(limits, longest);
    }

    function _expectBad(IModelSubmission.Limits memory limits, uint64 unbonding, string memory name) private {
        IAvsGovernance governance = wireMarket(unbonding);
        IAttestationCenter wired = IAttestationCenter(address(center));
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.BadParameter.selector, name));
        new ModelSubmission(administration, governance, wired, address(center), treasury, limits);
    }
}
