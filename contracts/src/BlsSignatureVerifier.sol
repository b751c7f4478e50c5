// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ISignatureVerifier} from "./interfaces/ISignatureVerifier.sol";
import {BLS12381} from "./libraries/BLS12381.sol";

/// @title BLS12-381 with public keys in G1 and signatures in G2, on the EIP-2537 precompiles.
contract BlsSignatureVerifier is ISignatureVerifier {
    /// A signature made with py_ecc, so that the self-test compares the hash to the curve with another implementation.
    bytes32 private constant SELFTEST_MESSAGE = 0xeabeec3dbb25e2dab3bd81328bf5897189aa6cac459bf0aad4ed5fd39a9ee619;
    bytes private constant SELFTEST_KEY = hex"000000000000000000000000000000000b0e187acb220dbec7479fa796da42752633af3fff635cec4c5843c563383d3a5336456d2a6b90fd4756d3634cc3520c"
        hex"0000000000000000000000000000000004e6be2560653a8e47a73a254511039a89ecf81cfbf06c2fb34577ffb19dfdd899a7ab0d45ee757d163da773ec7ffe0c";
    bytes private constant SELFTEST_SIGNATURE = hex"0000000000000000000000000000000008d2b746ce834a9eaad696eadaa11a57d29ee41b0715790dcb2702f0154c0ed08740f443e96d91a72e345de33625fa11"
        hex"000000000000000000000000000000000138987e7906bc5131aae5e4357f30955a31048b6a00b4964930f6d273881192de70b185bad4a0ed4fa4d9e43f7e9ab5"
        hex"000000000000000000000000000000000f1d2eb04c5dda6a32029babc32d2a3fb97a84e70f99cfafdac7eebf3e9f89e1e29dd9e126aef98c8acdc7fa59c8d181"
        hex"0000000000000000000000000000000000eb009ae740fcb7c5ffdbd63b7d654ebde00f30659aca39ce373dc10378126a17da14cbdd766cd770d279d7dda35c87";

    error SelfTestFailed();

    /// @dev Reverts where the precompiles are missing, refuse a known valid signature or accept a known invalid one.
    constructor() {
        bytes memory key = SELFTEST_KEY;
        bytes memory signature = SELFTEST_SIGNATURE;
        bool acceptsVote = BLS12381.verify(key, SELFTEST_MESSAGE, BLS12381.VOTE_TAG, signature);
        bool acceptsOther = BLS12381.verify(key, ~SELFTEST_MESSAGE, BLS12381.VOTE_TAG, signature);
        if (!acceptsVote || acceptsOther) revert SelfTestFailed();
    }

    /// @inheritdoc ISignatureVerifier
    function verifyVote(bytes memory key, bytes32 digest, bytes calldata signature) external view returns (bool) {
        return BLS12381.verify(key, digest, BLS12381.VOTE_TAG, signature);
    }

    /// @inheritdoc ISignatureVerifier
    function verifyPossession(bytes memory key, bytes32 digest, bytes calldata signature) external view returns (bool) {
        return BLS12381.verify(key, digest, BLS12381.POSSESSION_TAG, signature);
    }
}
