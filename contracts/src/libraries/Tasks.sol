// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAttestationCenter} from "../interfaces/IAttestationCenter.sol";
import {Center} from "../types/Center.sol";
import {SealedSet, Task, TaskRequest, TaskStatus} from "../types/Types.sol";
import {Attempts} from "./Attempts.sol";

/// @title The tasks that AttestationCenter stores, and their states.
library Tasks {
    /// @notice Write a new task, which uses a sealed set.
    function open(Center storage self, TaskRequest calldata request, uint32 version) internal {
        if (self.tasks[request.taskId].status != TaskStatus.NONE) {
            revert IAttestationCenter.TaskAlreadyExists(request.taskId);
        }
        Task memory task = Task({
            status: TaskStatus.OPEN,
            attempt: 0,
            maxAttempts: request.maxAttempts,
            quorumBps: request.quorumBps,
            attemptBlocks: request.attemptBlocks,
            attemptOffset: 0,
            setVersion: version,
            seedBlock: uint48(block.number) + request.seedDelay,
            projectId: request.projectId,
            submissionIndex: request.submissionIndex,
            settlement: 0,
            inputRoot: request.inputRoot
        });
        self.tasks[request.taskId] = task;
        emit IAttestationCenter.TaskOpened(
            request.taskId,
            request.projectId,
            request.submissionIndex,
            request.opening,
            request.inputRoot,
            request.k,
            request.championIndex,
            version,
            task.seedBlock,
            Attempts.deadlineOf(task)
        );
    }

    /// @notice Return whether tasks can use a set.
    /// @dev A set without stake is not usable: a rejection would then need no stake at all.
    function canUse(Center storage self, SealedSet memory set) internal view returns (bool) {
        return set.count >= self.minOperators && set.totalStake != 0;
    }

    /// @notice Write that an approval settled the task.
    function settle(Center storage self, bytes32 taskId, uint32 settlement) internal {
        Task storage task = self.tasks[taskId];
        task.status = TaskStatus.SETTLED;
        task.settlement = settlement;
    }

    /// @notice Start the attempt after `attempt` in this block.
    function endAttempt(Center storage self, bytes32 taskId, uint8 attempt) internal {
        Task storage task = self.tasks[taskId];
        task.attempt = attempt + 1; // reverts above 255: an evaluation cannot name a later attempt
        // forge-lint: disable-next-line(unsafe-typecast) A task lives for fewer blocks than 2¹⁶.
        task.attemptOffset = uint16(block.number - task.seedBlock);
    }

    /// @notice Write that a task whose deadline has come is over, and return it.
    function expire(Center storage self, bytes32 taskId) internal returns (Task memory task) {
        task = self.tasks[taskId];
        if (task.status != TaskStatus.OPEN) revert IAttestationCenter.TaskNotOpen(taskId);
        uint64 deadline = Attempts.deadlineOf(task);
        if (block.number < deadline) revert IAttestationCenter.DeadlineNotPassed(deadline);
        self.tasks[taskId].status = TaskStatus.EXPIRED;
    }

    // ---- readers

    function requireTask(Center storage self, bytes32 taskId) internal view returns (Task memory task) {
        task = self.tasks[taskId];
        if (task.status == TaskStatus.NONE) revert IAttestationCenter.UnknownTask(taskId);
    }

    function requireSettled(Center storage self, bytes32 taskId) internal view returns (Task memory task) {
        task = self.tasks[taskId];
        if (task.status != TaskStatus.SETTLED) revert IAttestationCenter.TaskNotSettled(taskId);
    }
}
