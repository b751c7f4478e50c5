// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Digests} from "../../src/libraries/Digests.sol";
import {Certificate, Evaluation, ProjectParams, TaskInfo} from "../../src/types/Types.sol";
import {FlowTest} from "../support/FlowTest.sol";

/// @dev Writes `snapshots/settlement.json`: what a transaction pays in all, with the real market. Forge runs each call
///      as a transaction of its own: 21,000, calldata and execution from cold storage, less refunds.
/// forge-config: default.isolate = true
contract WholeTransactionsGasTest is FlowTest {
    string private constant GROUP = "settlement";
    string private constant THIRD_CID = "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi";

    function test_gas__settle_with_3_of_3() public {
        measureSettle("3 of 3 operators", 3, 3);
    }

    function test_gas__settle_with_67_of_100() public {
        measureSettle("67 of 100 operators", 100, 67);
    }

    function test_gas__settle_with_85_of_128() public {
        measureSettle("85 of 128 operators", 128, 85);
    }

    function test_gas__settle_with_128_of_128() public {
        measureSettle("128 of 128 operators", 128, 128);
    }

    function test_gas__disputable() public {
        open(3, DISPUTE_BLOCKS);
        settle("", 0, 3);
        enter(BETTER_CID);
        settle("", 1, 3);
        enter(BEST_CID);
        settle("IMPROVED later with a dispute window, 3 of 3 operators", 2, 3);
    }

    function test_gas__market() public {
        deployAll(true);
        registerAndSeal(3);
        createProject(defaultProject());
        note("createProject, which opens the baseline");
        settle("", 0, 3);

        bytes32 commitment = Digests.commitment(block.chainid, address(submissions), 1, contributor, BETTER_CID, SALT);
        vm.prank(contributor);
        submissions.commit{value: BOND}(1, commitment);
        note("commit");
        vm.prank(contributor);
        submissions.reveal(1, 1, BETTER_CID, SALT);
        note("reveal, which opens the task");
        commit(BEST_CID);
        vm.prank(contributor);
        submissions.reveal(1, 2, BEST_CID, SALT);
        note("reveal, behind the head");
    }

    function test_gas__seal_100() public {
        measureSeal("100 operators", 100);
    }

    function test_gas__seal_128() public {
        measureSeal("128 operators", 128);
    }

    function test_gas__register() public {
        deployAll(true);
        register(0, STAKE);
        register(1, STAKE);
        note("registerOperator");
    }

    // ---- steps

    function measureSettle(string memory name, uint256 count, uint256 signers) private {
        open(count, 0);
        settle(string.concat("baseline, ", name), 0, signers);
        enter(BETTER_CID);
        settle(string.concat("IMPROVED first, ", name), 1, signers);
        enter(BEST_CID);
        settle(string.concat("IMPROVED later, ", name), 2, signers);
    }

    function open(uint256 count, uint24 disputeBlocks) private {
        deployAll(true);
        registerAndSeal(count);
        ProjectParams memory params = defaultProject();
        params.disputeBlocks = disputeBlocks;
        createProject(params);
    }

    /// @dev The operator whose turn it is posts, as on the common path.
    function settle(string memory name, uint32 index, uint256 signers) private {
        bytes32 taskId = start(index, 0);
        Evaluation memory evaluation = evaluationOf(taskId, 0);
        TaskInfo memory info = infoOf(evaluation);
        // forge-lint: disable-next-line(unsafe-typecast) At most 128.
        Certificate memory certificate = certify(evaluation, type(uint128).max >> uint8(128 - signers), true);
        submitAs(turnOf(taskId), info, certificate);
        if (bytes(name).length != 0) note(string.concat("submitTask, ", name));
    }

    function measureSeal(string memory name, uint256 count) private {
        deployAll(true);
        registerAndSeal(count);
        note(string.concat("sealOperatorSet, ", name, ", all new"));
        vm.roll(vm.getBlockNumber() + EPOCH_BLOCKS);
        governance.sealOperatorSet();
        note(string.concat("sealOperatorSet, ", name, ", none new"));
    }

    function note(string memory name) private {
        vm.snapshotValue(GROUP, name, vm.lastCallGas().gasTotalUsed);
    }
}
