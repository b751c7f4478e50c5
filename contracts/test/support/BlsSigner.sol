// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {BLS12381} from "../../src/libraries/BLS12381.sol";

/// @dev Makes BLS keys and signatures with the multiplication precompiles, so that tests need no external program.
library BlsSigner {
    uint256 internal constant ORDER = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001;

    bytes private constant G1_GENERATOR =
        hex"0000000000000000000000000000000017f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb0000000000000000000000000000000008b3f481e3aaa0f1a09e30ed741d8ae4fcf5e095d5d00af600db18cb2c04b3edd03cc744a2888ae40caa232946c5e7e1";

    function publicKey(uint256 secret) internal view returns (bytes memory) {
        return multiply(address(0x0c), G1_GENERATOR, secret);
    }

    function signVote(uint256 secret, bytes32 digest) internal view returns (bytes memory) {
        return multiply(address(0x0e), BLS12381.hashToG2(digest, BLS12381.VOTE_TAG), secret);
    }

    function provePossession(uint256 secret, bytes32 digest) internal view returns (bytes memory) {
        return multiply(address(0x0e), BLS12381.hashToG2(digest, BLS12381.POSSESSION_TAG), secret);
    }

    /// @dev The sum of secrets. Its signature is the sum of their signatures, which an aggregator computes.
    function sum(uint256[] memory secrets) internal pure returns (uint256 total) {
        for (uint256 i = 0; i < secrets.length; ++i) {
            total = addmod(total, secrets[i], ORDER);
        }
    }

    function addG2(bytes memory left, bytes memory right) internal view returns (bytes memory) {
        return run(address(0x0d), bytes.concat(left, right));
    }

    function multiply(address precompile, bytes memory point, uint256 scalar) internal view returns (bytes memory) {
        return run(precompile, abi.encodePacked(point, scalar));
    }

    function run(address precompile, bytes memory input) internal view returns (bytes memory output) {
        bool isDone;
        (isDone, output) = precompile.staticcall(input);
        require(isDone, "precompile refused its input");
    }
}
