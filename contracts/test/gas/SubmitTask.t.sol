// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Certificate, Evaluation, Registration, TaskInfo} from "../../src/types/Types.sol";
import {AttestationFixture} from "../support/AttestationFixture.sol";
import {BlsSigner} from "../support/BlsSigner.sol";

/// @dev Writes `snapshots/attestation.json`: execution alone. A change of that file is a change of what operators pay.
contract SubmitTaskGasTest is AttestationFixture {
    string private constant GROUP = "attestation";

    function test_gas__approve_with_3_of_3() public {
        measureSubmit("submitTask, 3 of 3 operators", 3, 3);
    }

    function test_gas__approve_with_67_of_100() public {
        measureSubmit("submitTask, 67 of 100 operators", 100, 67);
    }

    function test_gas__approve_with_85_of_128() public {
        measureSubmit("submitTask, 85 of 128 operators", 128, 85);
    }

    function test_gas__approve_with_128_of_128() public {
        measureSubmit("submitTask, 128 of 128 operators", 128, 128);
    }

    function test_gas__verify_vote() public {
        deploy();
        bytes32 digest = keccak256("digest");
        verifier.verifyVote(BlsSigner.publicKey(1), digest, BlsSigner.signVote(1, digest));
        vm.snapshotValue(GROUP, "verifyVote", vm.lastCallGas().gasTotalUsed);
    }

    function test_gas__register() public {
        deploy();
        Registration memory registration = registrationOf(governance, 0, STAKE);
        coolDown();
        registerFor(governance, registration);
        vm.snapshotValue(GROUP, "registerOperator", vm.lastCallGas().gasTotalUsed);
    }

    function test_gas__seal_100() public {
        measureSeal("sealOperatorSet, 100 operators", 100);
    }

    function test_gas__seal_128() public {
        measureSeal("sealOperatorSet, 128 operators", 128);
    }

    // ---- steps

    /// @dev A real transaction starts with cold storage. In a test, the preparation has made it warm.
    function coolDown() private {
        vm.cool(address(administration));
        vm.cool(address(governance));
        vm.cool(address(center));
        vm.cool(address(verifier));
        vm.cool(address(seedSource));
        vm.cool(governance.sealedSet(1).pointer);
        vm.cool(address(governance));
    }

    function measureSubmit(string memory name, uint256 count, uint256 signers) private {
        deployWithOperators(count);
        bytes32 taskId = openAndStart(1);
        Evaluation memory evaluation = evaluationOf(taskId, 0);
        TaskInfo memory info = infoOf(evaluation);
        Certificate memory certificate = certify(evaluation, lowest(signers), true);
        // The market's part of settling is not measured.
        vm.mockCall(address(avsLogic), abi.encodeWithSelector(avsLogic.afterTaskSubmission.selector), "");
        coolDown();
        submitAs(0, info, certificate);
        vm.snapshotValue(GROUP, name, vm.lastCallGas().gasTotalUsed);
    }

    function measureSeal(string memory name, uint256 count) private {
        deploy();
        for (uint256 i = 0; i < count; ++i) {
            register(i, STAKE);
        }
        vm.roll(vm.getBlockNumber() + ACTIVATION_DELAY);
        coolDown();
        governance.sealOperatorSet();
        vm.snapshotValue(GROUP, name, vm.lastCallGas().gasTotalUsed);
    }

    function lowest(uint256 count) private pure returns (uint128) {
        return type(uint128).max >> (128 - count);
    }
}
