// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Outcome} from "../../src/types/Types.sol";
import {MarketHandler} from "../support/MarketHandler.sol";
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

    uint256 private constant WALK_STEPS = 2_000;
    uint256 private constant STEPS_PER_CHECK = 20;

    MarketHandler private handler;

    function setUp() public {
        handler = new MarketHandler();
        handler.setUp();
    }

    function invariant_market__any_sequence_of_calls__holds() public view {
        _checkAll();
    }

    /// @dev A longer sequence than forge's, always the same. It also checks that the handler's actions reach every
    ///      outcome: otherwise the invariants would be tested on too little.
    function test_handler__long_walk__meets_every_outcome() public {
        bytes4[] memory actions = targetSelectors()[0].selectors;
        for (uint256 i = 0; i < WALK_STEPS; ++i) {
            uint256 seed = uint256(keccak256(abi.encode("walk", i)));
            (bool succeeded,) = address(handler).call(abi.encodeWithSelector(actions[seed % actions.length], seed));
            assertTrue(succeeded, "an action reverted");
            if (i % STEPS_PER_CHECK == 0) _checkAll();
        }
        afterInvariant();
        for (uint256 i = uint256(Outcome.IMPROVED); i <= uint256(type(Outcome).max); ++i) {
            assertTrue(handler.seen(Outcome(i)) > 0, string.concat("never met outcome ", vm.toString(i)));
        }
    }

    /// @dev Called by forge after each sequence.
    function afterInvariant() public {
        handler.drain();
        handler.checkDrained();
        handler.checkSolvency();
    }

    /// @dev Tells forge which contract to call: only the handler, not the contracts that it created.
    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @dev Tells forge which functions to call there.
    function targetSelectors() public view returns (FuzzSelector[] memory targets) {
        bytes4[] memory selectors = new bytes4[](13);
        selectors[0] = handler.actCreate.selector;
        selectors[1] = handler.actTopUp.selector;
        selectors[2] = handler.actCommit.selector;
        selectors[3] = handler.actReveal.selector;
        selectors[4] = handler.actAdvance.selector;
        selectors[5] = handler.actSettle.selector;
        selectors[6] = handler.actExpire.selector;
        selectors[7] = handler.actClaim.selector;
        selectors[8] = handler.actClose.selector;
        selectors[9] = handler.actWithdrawEscrow.selector;
        selectors[10] = handler.actWithdraw.selector;
        selectors[11] = handler.actWait.selector;
        selectors[12] = handler.actMood.selector;
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
