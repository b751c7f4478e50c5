// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAttestationCenter} from "../interfaces/IAttestationCenter.sol";
import {IModelSubmission} from "../interfaces/IModelSubmission.sol";
import {Market, ProjectEntry} from "../types/Market.sol";
import {Outcome, ProjectStatus, Submission, SubmissionStatus, TaskRequest} from "../types/Types.sol";
import {Endings} from "./Endings.sol";
import {Submissions} from "./Submissions.sol";

/// @title The head of a project's queue: it opens, waits or is dropped.
library Queue {
    using Endings for Market;
    using Submissions for ProjectEntry;

    /// @notice Do one step at the head. Return false if there is nothing to do now.
    function step(Market storage self, uint256 projectId, IAttestationCenter center, address treasury)
        internal
        returns (bool)
    {
        ProjectEntry storage entry = self.entries[projectId];
        uint32 head = entry.project.head;
        Submission storage submission = entry.submissions[head];
        SubmissionStatus status = submission.status;
        if (status == SubmissionStatus.NONE || status == SubmissionStatus.EVALUATING) return false;

        Outcome ending = Outcome.CANCELLED;
        // A suspended project needs no reveal: hidden submissions are cancelled too, and get their bonds back.
        if (entry.project.status != ProjectStatus.SUSPENDED) {
            if (status == SubmissionStatus.COMMITTED) {
                if (block.number <= entry.revealDeadline(submission)) return false;
                ending = Outcome.UNREVEALED;
            } else if (entry.canPay(head)) {
                if (_tryOpen(entry, projectId, head, center)) return true;
                if (block.number <= entry.waitingSince(submission) + self.limits.openTimeout) return false;
            }
        }
        self.drop(projectId, head, ending, treasury);
        return true;
    }

    /// @dev Open the head's next task, unless AttestationCenter refuses (too few operators, pause).
    ///      The effects follow the call, so that a refusal has none. This is safe: AttestationCenter is immutable and
    ///      part of this system, and the guard refuses all other calls meanwhile.
    function _tryOpen(ProjectEntry storage entry, uint256 projectId, uint32 head, IAttestationCenter center)
        private
        returns (bool)
    {
        TaskRequest memory request = entry.requestFor(projectId, head);
        try center.openTask(request) {}
        catch (bytes memory reason) {
            // Every refusal has a reason. An empty reason means out of gas: a caller that sends too little gas must not
            // cause the head to be cancelled.
            if (reason.length == 0) revert IModelSubmission.OpeningFailed();
            return false;
        }
        entry.start(head, request.k);
        return true;
    }
}
