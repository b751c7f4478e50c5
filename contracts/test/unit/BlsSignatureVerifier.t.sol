// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {BlsSignatureVerifier} from "../../src/BlsSignatureVerifier.sol";
import {ISignatureVerifier} from "../../src/interfaces/ISignatureVerifier.sol";
import {BLS12381} from "../../src/libraries/BLS12381.sol";
import {BlsSigner} from "../support/BlsSigner.sol";
import {Test} from "../support/Test.sol";

/// @dev Invalid points are in `tests/golden/bls.json`; see `test/golden/Bls.t.sol`.
contract BlsSignatureVerifierTest is Test {
    address private constant MODEXP = address(0x05);
    address private constant G1_ADD = address(0x0b);
    address private constant G2_ADD = address(0x0d);
    address private constant PAIRING = address(0x0f);
    address private constant MAP_FP2_TO_G2 = address(0x11);
    bytes32 private constant DIGEST = keccak256("digest");
    uint256 private constant SECRET = 0xbeef;

    BlsSignatureVerifier private verifier;
    bytes private key;
    bytes private vote;
    bytes private proof;

    function setUp() public {
        verifier = new BlsSignatureVerifier();
        key = BlsSigner.publicKey(SECRET);
        vote = BlsSigner.signVote(SECRET, DIGEST);
        proof = BlsSigner.provePossession(SECRET, DIGEST);
    }

    function test_verifyVote__signed__true() public view {
        assertTrue(verifier.verifyVote(key, DIGEST, vote), "own signature");
    }

    function test_verifyVote__another_digest_key_or_tag__false() public view {
        assertFalse(verifier.verifyVote(key, ~DIGEST, vote), "another digest");
        assertFalse(verifier.verifyVote(BlsSigner.publicKey(SECRET + 1), DIGEST, vote), "another key");
        assertFalse(verifier.verifyVote(key, DIGEST, proof), "a possession proof");
    }

    function test_verifyPossession__proven__true() public view {
        assertTrue(verifier.verifyPossession(key, DIGEST, proof), "own proof");
    }

    function test_verifyPossession__a_vote__false() public view {
        assertFalse(verifier.verifyPossession(key, DIGEST, vote), "a vote");
    }

    function test_verify__identity__false() public view {
        bytes memory noKey = new bytes(128);
        bytes memory noSignature = new bytes(256);
        assertFalse(verifier.verifyVote(noKey, DIGEST, noSignature), "both: the pairing alone would accept");
        assertFalse(verifier.verifyVote(key, DIGEST, noSignature), "signature");
        assertFalse(verifier.verifyVote(noKey, DIGEST, vote), "key");
    }

    function test_verify__wrong_length__reverts() public {
        vm.expectRevert(abi.encodeWithSelector(ISignatureVerifier.BadPointLength.selector, 127, 128));
        verifier.verifyVote(new bytes(127), DIGEST, vote);
        vm.expectRevert(abi.encodeWithSelector(ISignatureVerifier.BadPointLength.selector, 129, 128));
        verifier.verifyPossession(bytes.concat(key, hex"00"), DIGEST, proof);
        vm.expectRevert(abi.encodeWithSelector(ISignatureVerifier.BadPointLength.selector, 0, 256));
        verifier.verifyVote(key, DIGEST, "");
    }

    function test_verify__precompile_absent__reverts() public {
        address[4] memory precompiles = [MODEXP, G2_ADD, PAIRING, MAP_FP2_TO_G2];
        for (uint256 i = 0; i < precompiles.length; ++i) {
            vm.mockCall(precompiles[i], "", ""); // like a call to an account without code: success and an empty answer
            vm.expectRevert(abi.encodeWithSelector(ISignatureVerifier.PrecompileFailed.selector, precompiles[i]));
            verifier.verifyVote(key, DIGEST, vote);
            vm.clearMockedCalls();
        }
    }

    function test_addG1__precompile_absent__reverts() public {
        vm.mockCall(G1_ADD, "", "");
        vm.expectRevert(abi.encodeWithSelector(ISignatureVerifier.PrecompileFailed.selector, G1_ADD));
        this.addToItself();
    }

    function test_constructor__precompile_absent__reverts() public {
        vm.mockCall(PAIRING, "", "");
        vm.expectRevert(abi.encodeWithSelector(ISignatureVerifier.PrecompileFailed.selector, PAIRING));
        new BlsSignatureVerifier();
    }

    function test_constructor__pairing_says_always_yes_or_no__reverts() public {
        for (uint256 answer = 0; answer < 2; ++answer) {
            vm.mockCall(PAIRING, "", abi.encode(answer));
            vm.expectRevert(BlsSignatureVerifier.SelfTestFailed.selector);
            new BlsSignatureVerifier();
        }
    }

    function testFuzz_verifyVote__any_secret_and_digest__true_for_it_alone(
        uint256 secret,
        bytes32 digest,
        bytes32 other
    ) public view {
        vm.assume(digest != other);
        secret = bound(secret, 1, BlsSigner.ORDER - 1);
        bytes memory signature = BlsSigner.signVote(secret, digest);
        assertTrue(verifier.verifyVote(BlsSigner.publicKey(secret), digest, signature), "own signature");
        assertFalse(verifier.verifyVote(BlsSigner.publicKey(secret), other, signature), "another digest");
    }

    function testFuzz_verifyVote__any_byte_changed__never_true(uint8 position, uint8 change) public {
        vm.assume(change != 0);
        bytes memory changed = vote;
        changed[position] ^= bytes1(change);
        (bool isDone, bytes memory answer) =
            address(verifier).call{gas: 2_000_000}(abi.encodeCall(verifier.verifyVote, (key, DIGEST, changed)));
        assertTrue(isDone && !abi.decode(answer, (bool)), "malleable");
    }

    function addToItself() external view returns (bytes memory) {
        return BLS12381.addG1(key, key);
    }
}
