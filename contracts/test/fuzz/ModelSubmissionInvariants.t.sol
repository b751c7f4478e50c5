// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Outcome} from "../../src/types/Types.sol";
import {MarketChecks} from "../support/MarketChecks.sol";
import {Test} from "../support/Test.sol";

/// @dev The market's invariants after any sequence of calls.
/// forge-config: default.invariant.runs = 10
/// forge-config: default.invariant.depth = 150
/// forge-config: default.invariant.fail-on-revert = true
contract ModelSubmissionInvariantsTest is Test {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    uint256 private constant WALKS = 4;
    uint256 private constant WALK_STEPS = 750;
    uint256 private constant STEPS_PER_CHECK = 30;

    MarketChecks private handler;
    uint256[10] private seen; // by outcome, over all walks
    uint256 private disputesUpheld;
    uint256 private championsRestored;
    uint256 private disputesSuspending;

    function setUp() public {
        handler = new MarketChecks();
        handler.setUp();
    }

    function invariant_market__any_sequence_of_calls__holds() public view {
        _checkAll();
    }

    /// @dev Longer sequences than forge's, always the same. It also checks that the handler's actions reach every outcome
    ///      and every end of a dispute: otherwise the invariants would be tested on too little.
    function test_handler__long_walks__meet_every_outcome() public {
        for (uint256 walk = 0; walk < WALKS; ++walk) {
            setUp();
            _walk(walk);
            for (uint256 i = 0; i < seen.length; ++i) {
                seen[i] += handler.seen(Outcome(i));
            }
            disputesUpheld += handler.disputesUpheld();
            championsRestored += handler.championsRestored();
            disputesSuspending += handler.disputesSuspending();
        }
        for (uint256 i = uint256(Outcome.IMPROVED); i < seen.length; ++i) {
            assertTrue(seen[i] > 0, string.concat("never met outcome ", vm.toString(i)));
        }
        assertTrue(disputesUpheld > 0, "no dispute was upheld");
        assertTrue(championsRestored > 0, "no champion was restored");
        assertTrue(disputesSuspending > 0, "no ruling suspended a project");
    }

    function _walk(uint256 walk) private {
        bytes4[] memory actions = targetSelectors()[0].selectors;
        for (uint256 i = 0; i < WALK_STEPS; ++i) {
            uint256 seed = uint256(keccak256(abi.encode(walk, i)));
            (bool succeeded,) = address(handler).call(abi.encodeWithSelector(actions[seed % actions.length], seed));
            assertTrue(succeeded, "an action reverted");
            if (i % STEPS_PER_CHECK == 0) _checkAll();
        }
        afterInvariant();
    }

    /// @dev Called by forge after each sequence.
    function afterInvariant() public {
        handler.drain();
        _checkAll();
        handler.checkDrained();
    }

    /// @dev Tells forge which contract to call: only the handler, not the contracts that it created.
    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @dev Tells forge which functions to call there.
    function targetSelectors() public view returns (FuzzSelector[] memory targets) {
        bytes4[21] memory actions = [
            handler.actCreate.selector,
            handler.actTopUp.selector,
            handler.actCommit.selector,
            handler.actReveal.selector,
            handler.actAdvance.selector,
            handler.actSettle.selector,
            handler.actExpire.selector,
            handler.actDispute.selector,
            handler.actResolve.selector,
            handler.actRelease.selector,
            handler.actClaim.selector,
            handler.actClose.selector,
            handler.actWithdrawEscrow.selector,
            handler.actWithdraw.selector,
            handler.actWait.selector,
            handler.actMood.selector,
            handler.actPause.selector,
            handler.actCommit.selector, // what makes submissions final comes twice
            handler.actAdvance.selector,
            handler.actSettle.selector,
            handler.actDispute.selector
        ];
        bytes4[] memory selectors = new bytes4[](actions.length);
        for (uint256 i = 0; i < actions.length; ++i) {
            selectors[i] = actions[i];
        }
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(handler), selectors);
    }

    function _checkAll() private view {
        handler.checkSolvency();
        handler.checkOrder();
        handler.checkChampion();
        handler.checkK();
        handler.checkFees();
    }
}
