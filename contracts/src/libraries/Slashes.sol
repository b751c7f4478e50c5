// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAttestationCenter} from "../interfaces/IAttestationCenter.sol";
import {IAvsGovernance} from "../interfaces/IAvsGovernance.sol";
import {IModelSubmission} from "../interfaces/IModelSubmission.sol";
import {Center} from "../types/Center.sol";
import {Evaluation, Task} from "../types/Types.sol";
import {Bits} from "./Bits.sol";
import {Certificates} from "./Certificates.sol";
import {OperatorSet} from "./OperatorSet.sol";
import {Settlements} from "./Settlements.sol";

/// @title Whose stake is slashed, in which case, and who gets it.
library Slashes {
    using Bits for uint128;
    using Settlements for Center;

    bytes32 internal constant GUILTY = "GUILTY";
    bytes32 internal constant CONFLICT = "CONFLICT";
    bytes32 internal constant OVERTURNED = "OVERTURNED";

    /// @notice Slash and jail the performer of an evaluation that more than the quorum rejected.
    /// @dev The rejecters get what approvers of the truth would: a part of the slash, up to the attesters' half of the
    ///      fee. Where fee and stake are in different tokens, they cannot be compared, and half of the slash is the limit.
    function punish(
        Center storage self,
        Task memory task,
        Certificates.Posting memory posting,
        uint128 rejecters,
        IAvsGovernance governance,
        IModelSubmission modelSubmission,
        address treasury
    ) internal {
        Evaluation memory evaluation = posting.evaluation;
        bytes32 caseId = caseOf(GUILTY, evaluation.taskId);
        uint96 amount = governance.slash(evaluation.performer, self.guiltySlashBps, caseId, true);
        if (amount == 0) return; // it has left, or was guilty before in this task
        // slither-disable-next-line reentrancy-events As in `proveConflict`.
        emit IAttestationCenter.PerformerGuilty(evaluation.taskId, evaluation.attempt, evaluation.performer, amount);

        uint96 forRejecters = _rejectersPart(amount, task.projectId, governance, modelSubmission);
        // forge-lint: disable-next-line(unsafe-typecast) `_rejectersPart` limits it.
        self.recordRejection(rejecters, task.setVersion, uint88(forRejecters));
        uint96 promised = Settlements.partOf(forRejecters, posting.signedStake, posting.set.totalStake);
        governance.payFromPot(treasury, amount - promised);
    }

    /// @notice Slash all operators in these slots, and return how much.
    /// @dev Half is for who showed it, the rest is the treasury's. Who may show its own offence still loses half.
    function slashAll(
        IAvsGovernance governance,
        bytes memory blob,
        uint128 slots,
        uint16 bps,
        bytes32 caseId,
        address informer,
        address treasury
    ) internal returns (uint96 amount) {
        while (slots != 0) {
            uint8 slot = slots.lowest();
            slots ^= Bits.only(slot);
            amount += governance.slash(OperatorSet.operatorAt(blob, slot), bps, caseId, false);
        }
        if (amount == 0) return 0;
        governance.payFromPot(informer, amount / 2);
        governance.payFromPot(treasury, amount - amount / 2);
    }

    /// @notice Return the case of an offence in a task. AvsGovernance slashes an operator once in each case.
    function caseOf(bytes32 reason, bytes32 taskId) internal pure returns (bytes32) {
        return keccak256(abi.encode(reason, taskId));
    }

    function _rejectersPart(
        uint96 amount,
        uint40 projectId,
        IAvsGovernance governance,
        IModelSubmission modelSubmission
    ) private view returns (uint96) {
        (address token, uint96 fee) = modelSubmission.feeOf(projectId);
        uint96 limit = token == governance.stakeToken() ? fee / 2 : amount / 2;
        if (limit > type(uint88).max) limit = type(uint88).max;
        return amount < limit ? amount : limit;
    }
}
