// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Test} from "./Test.sol";

/// @dev EIP-2935's history contract with the code that the EIP gives. Forge's chain does not have it.
abstract contract History is Test {
    address internal constant HISTORY = 0x0000F90827F1C53a10cb7A02335B175320002935;
    address private constant SYSTEM = 0xffffFFFfFFffffffffffffffFfFFFfffFFFfFFfE;
    bytes private constant CODE =
        hex"3373fffffffffffffffffffffffffffffffffffffffe14604657602036036042575f35600143038111604257611fff81430311604257611fff9006545f5260205ff35b5f5ffd5b5f35611fff60014303065500";

    function deployHistory() internal {
        vm.etch(HISTORY, CODE);
    }

    /// @dev Do what a node does at the start of block `number` + 1: write the parent's hash. Then go to block `next`.
    function recordHash(uint256 number, bytes32 hash, uint256 next) internal {
        vm.roll(number + 1);
        vm.prank(SYSTEM);
        (bool isDone,) = HISTORY.call(abi.encode(hash));
        assertTrue(isDone, "history contract takes the hash");
        vm.roll(next);
    }
}
