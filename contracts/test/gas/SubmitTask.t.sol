// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Certificate, Evaluation, TaskInfo} from "../../src/types/Types.sol";
import {BlsSigner} from "../support/BlsSigner.sol";
import {AttestationFixture} from "../support/AttestationFixture.sol";

/// @dev Writes `snapshots/attestation.json`. A change of that file is a change of what operators pay.
contract SubmitTaskGasTest is AttestationFixture {
    string private constant GROUP = "attestation";

    function test_gas__approve_with_3_of_3() public {
        deployWithOperators(3);
        measureSubmit("submitTask, 3 of 3 operators", 7);
    }

    function test_gas__approve_with_67_of_100() public {
        deployWithOperators(100);
        measureSubmit("submitTask, 67 of 100 operators", (uint128(1) << 67) - 1);
    }

    function test_gas__verify_vote() public {
        deploy();
        bytes32 digest = keccak256("digest");
        verifier.verifyVote(BlsSigner.publicKey(1), digest, BlsSigner.signVote(1, digest));
        vm.snapshotValue(GROUP, "verifyVote", vm.lastCallGas().gasTotalUsed);
    }

    function test_gas__register_and_seal() public {
        deploy();
        register(0, STAKE);
        vm.snapshotValue(GROUP, "registerOperator", vm.lastCallGas().gasTotalUsed);
        for (uint256 i = 1; i < 100; ++i) {
            register(i, STAKE);
        }
        coolDown();
        governance.sealOperatorSet();
        vm.snapshotValue(GROUP, "sealOperatorSet, 100 operators", vm.lastCallGas().gasTotalUsed);
    }

    /// @dev A real transaction starts with cold storage. In a test, the preparation has made it warm.
    function coolDown() private {
        vm.cool(address(governance));
        vm.cool(address(center));
        vm.cool(address(verifier));
        vm.cool(address(seedSource));
    }

    function measureSubmit(string memory name, uint128 bitmap) private {
        bytes32 taskId = openAndStart(1);
        Evaluation memory evaluation = evaluationOf(taskId, 0);
        TaskInfo memory info = infoOf(evaluation);
        Certificate memory certificate = certify(evaluation, bitmap, true);
        // The market's part of settling is not measured.
        vm.mockCall(address(avsLogic), abi.encodeWithSelector(avsLogic.afterTaskSubmission.selector), "");
        coolDown();
        submitAs(0, info, certificate);
        vm.snapshotValue(GROUP, name, vm.lastCallGas().gasTotalUsed);
    }
}
