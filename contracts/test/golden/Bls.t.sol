// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {BlsSignatureVerifier} from "../../src/BlsSignatureVerifier.sol";
import {BLS12381} from "../../src/libraries/BLS12381.sol";
import {BlsSigner} from "../support/BlsSigner.sol";
import {Golden} from "../support/Golden.sol";

/// @dev `tests/golden/signing/test_bls.py` checks Python against the same `tests/golden/bls.json`, made with py_ecc.
contract BlsGoldenTest is Golden {
    BlsSignatureVerifier private verifier;

    function setUp() public {
        loadGolden("bls.json");
        verifier = new BlsSignatureVerifier();
    }

    function test_verifyVote__golden__true() public view {
        uint256 count = countOf("vote");
        for (uint256 i = 0; i < count; ++i) {
            bytes32 digest = word("vote", i, "digest");
            bytes memory signature = octets("vote", i, "signatureEip2537");
            assertEq(BLS12381.hashToG2(digest, BLS12381.VOTE_TAG), octets("vote", i, "hashedEip2537"));
            assertTrue(verifier.verifyVote(octets("vote", i, "keyEip2537"), digest, signature), "golden vote");
        }
    }

    function test_verifyPossession__golden__true() public view {
        uint256 count = countOf("possession");
        for (uint256 i = 0; i < count; ++i) {
            bytes32 digest = word("possession", i, "digest");
            bytes memory key = octets("possession", i, "keyEip2537");
            bytes memory proof = octets("possession", i, "signatureEip2537");
            assertEq(BLS12381.hashToG2(digest, BLS12381.POSSESSION_TAG), octets("possession", i, "hashedEip2537"));
            assertEq(keccak256(key), word("possession", i, "keyHash"));
            assertTrue(verifier.verifyPossession(key, digest, proof), "golden possession proof");
        }
    }

    function test_verifyVote__golden_aggregate__true() public view {
        uint256 count = countOf("aggregate");
        for (uint256 i = 0; i < count; ++i) {
            bytes memory key = sumOf(octets("aggregate", i, "keysEip2537"));
            assertEq(key, octets("aggregate", i, "keyEip2537"));
            bytes memory signature = octets("aggregate", i, "signatureEip2537");
            assertTrue(verifier.verifyVote(key, word("aggregate", i, "digest"), signature), "golden aggregate");
        }
    }

    function test_verifyVote__golden_invalid__false() public view {
        uint256 count = countOf("invalid");
        for (uint256 i = 0; i < count; ++i) {
            bytes memory key = octets("invalid", i, "keyEip2537");
            bytes memory signature = octets("invalid", i, "signatureEip2537");
            // A refused point burns all gas that the call may use. The limit keeps the cases within the gas of a test.
            bool isValid = verifier.verifyVote{gas: 1_000_000}(key, word("invalid", i, "digest"), signature);
            assertFalse(isValid, text("invalid", i, "why"));
        }
    }

    function test_signer__golden__equal() public view {
        // The signer that tests use must match the same file: otherwise tests that sign with it would prove nothing.
        uint256 count = countOf("vote");
        for (uint256 i = 0; i < count; ++i) {
            uint256 secret = number("vote", i, "secret");
            assertEq(BlsSigner.publicKey(secret), octets("vote", i, "keyEip2537"));
            bytes memory signature = BlsSigner.signVote(secret, word("vote", i, "digest"));
            assertEq(signature, octets("vote", i, "signatureEip2537"));
        }
    }

    function sumOf(bytes memory keys) private view returns (bytes memory sum) {
        sum = new bytes(BLS12381.G1_LENGTH);
        for (uint256 i = 0; i < keys.length / BLS12381.G1_LENGTH; ++i) {
            bytes memory key = new bytes(BLS12381.G1_LENGTH);
            for (uint256 j = 0; j < key.length; ++j) {
                key[j] = keys[i * BLS12381.G1_LENGTH + j];
            }
            sum = BLS12381.addG1(sum, key);
        }
    }
}
