// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Timelock} from "../../src/Timelock.sol";
import {IAdministration} from "../../src/interfaces/IAdministration.sol";
import {IAttestationCenter} from "../../src/interfaces/IAttestationCenter.sol";
import {IAvsGovernance} from "../../src/interfaces/IAvsGovernance.sol";
import {IAvsGovernanceLogic} from "../../src/interfaces/IAvsGovernanceLogic.sol";
import {IAvsLogic} from "../../src/interfaces/IAvsLogic.sol";
import {IModelSubmission} from "../../src/interfaces/IModelSubmission.sol";
import {FeeShare, OperatorStatus, ProjectStatus, TaskRequest, Verdict} from "../../src/types/Types.sol";
import {MoodyToken} from "../support/FakeTokens.sol";
import {BurningHook, RevertingHook} from "../support/GovernanceHooks.sol";
import {DisputeActions} from "./DisputeActions.sol";

/// @dev What those with a role do: a guardian that pauses when it can, a timelock that changes what it may. And the
///      token, which changes its mood.
abstract contract RoleActions is DisputeActions {
    /// The powers of the timelock.
    enum Power {
        EJECT,
        ADMIT,
        EXPEL,
        REGISTRATION,
        PARAMETERS,
        TOKEN,
        HOOK
    }

    /// A delayed call. `seat` is of an ejection.
    struct Plan {
        Power power;
        uint256 seat;
        address target;
        bytes data;
        bytes32 salt;
        uint256 readyAt;
        IAttestationCenter.Parameters parameters;
    }

    /// Empty arguments.
    struct Nothing {
        Verdict verdict;
        FeeShare[] shares;
        TaskRequest request;
        IAttestationCenter.Parameters parameters;
    }

    Plan[] private plans;
    uint256 private pausableFrom;
    address[3] private hooks = [address(0), address(new RevertingHook()), address(new BurningHook())];

    /// @dev Invariant 8: a pause ends, and another one has to wait.
    function actPause(uint256 seed) external counted("pause") {
        if (!chance(seed, 1, 4)) return;
        pause();
    }

    function actUnpause(uint256 seed) external counted("unpause") {
        if (!administration.isPaused()) return;
        address sender = chance(seed, 1, 4) ? stranger : guardian;
        (bool succeeded,) = attempt(sender, address(administration), 0, abi.encodeCall(IAdministration.unpause, ()));
        if (succeeded != (sender == guardian)) blame(8, "ending a pause");
        if (succeeded) pausableFrom = clock + 7 days;
    }

    function actSchedule(uint256 seed) external counted("schedule") {
        Plan storage plan = plans.push();
        (plan.power, plan.salt, plan.readyAt) = (Power(draw(seed, 1, 0, 6)), bytes32(seed), clock + TIMELOCK_DELAY);
        plan.target = plan.power == Power.PARAMETERS
            ? address(center)
            : plan.power == Power.TOKEN ? address(submissions) : address(governance);
        plan.seat = draw(seed, 2, 0, SEATS - 1);
        if (plan.power == Power.PARAMETERS) plan.parameters = randomParameters(seed);
        plan.data = dataOf(plan, seed);
        bytes memory call = abi.encodeCall(
            Timelock(payable(timelock)).schedule, (plan.target, 0, plan.data, "", plan.salt, TIMELOCK_DELAY)
        );
        (bool succeeded,) = attempt(proposer, timelock, 0, call);
        if (!succeeded) plans.pop(); // the same call was scheduled before
    }

    /// @dev Anyone carries a delayed call out, but not too early.
    function actExecute(uint256 seed) external counted("execute") {
        if (plans.length == 0) return;
        uint256 number = draw(seed, 1, 0, plans.length - 1);
        Plan memory plan = plans[number];
        if (chance(seed, 2, 2) && clock < plan.readyAt) wait((plan.readyAt - clock + 11) / 12);
        bytes memory call =
            abi.encodeCall(Timelock(payable(timelock)).execute, (plan.target, 0, plan.data, "", plan.salt));
        (bool succeeded,) = attempt(stranger, timelock, 0, call);
        bool isRipe = clock >= plan.readyAt && (plan.power != Power.EJECT || isIn(plan.seat));
        if (succeeded != isRipe) blame(5, "carrying out a delayed call");
        if (!succeeded && clock < plan.readyAt) return;
        plans[number] = plans[plans.length - 1];
        plans.pop();
        if (succeeded) notePlan(plan);
    }

    /// @dev Nobody without a role does what needs one.
    function actTrespass(uint256 seed) external counted("trespass") {
        address sender = [stranger, projectOwner, signerOf[0], seats[0].owner, treasury][draw(seed, 1, 0, 4)];
        (uint256 number, address target, bytes memory data) = forbidden(draw(seed, 2, 0, 15));
        (bool succeeded,) = attempt(sender, target, 0, data);
        if (succeeded) blame(number, "a call that needs a role");
        mark("trespass refused");
    }

    function actMood(uint256 seed) external counted("mood") {
        MoodyToken.Mood mood = MoodyToken.Mood.HONEST;
        if (chance(seed, 1, 4)) mood = MoodyToken.Mood(draw(seed, 2, 1, 3));
        wait(1);
        token.setMood(mood, liveProjectOf(address(token)));
        string[4] memory names = ["HONEST", "TAXING", "REFUSING", "REENTERING"];
        mark(string.concat("mood ", names[uint256(mood)]));
    }

    // ---- steps

    function pause() internal {
        (bool succeeded,) = attempt(guardian, address(administration), 0, abi.encodeCall(IAdministration.pause, ()));
        if (succeeded != canPause()) blame(8, "pausing");
        if (!succeeded) return;
        pausableFrom = clock + 14 days;
        mark("paused");
    }

    function canPause() internal view returns (bool) {
        return clock >= pausableFrom;
    }

    function notePlan(Plan memory plan) private {
        if (plan.power == Power.EJECT) {
            noteLeft(plan.seat, OperatorStatus.EJECTED);
            mark("ejected");
        }
        if (plan.power != Power.PARAMETERS) return;
        turnBlocks = plan.parameters.turnBlocks;
        guiltySlashBps = plan.parameters.guiltySlashBps;
        conflictSlashBps = plan.parameters.conflictSlashBps;
        overturnedSlashBps = plan.parameters.overturnedSlashBps;
        mark("parameters changed");
    }

    // ---- choices

    /// @dev The latest project in a money that takes top-ups; 0 if there is none.
    function liveProjectOf(address money) private view returns (uint256 id) {
        for (id = projectTotal(); id != 0; --id) {
            bool isLive = books[id].status == ProjectStatus.BASELINE || books[id].status == ProjectStatus.OPEN;
            if (isLive && books[id].token == money) return id;
        }
    }

    function dataOf(Plan storage plan, uint256 seed) private view returns (bytes memory) {
        address owner = ownerOf(signerOf[plan.seat]);
        if (plan.power == Power.EJECT) return abi.encodeCall(IAvsGovernance.eject, (signerOf[plan.seat]));
        if (plan.power == Power.ADMIT) return abi.encodeCall(IAvsGovernance.admit, (owner));
        if (plan.power == Power.EXPEL) return abi.encodeCall(IAvsGovernance.expel, (owner));
        if (plan.power == Power.REGISTRATION) {
            return abi.encodeCall(IAvsGovernance.setRegistrationOpen, (!chance(seed, 3, 3)));
        }
        if (plan.power == Power.PARAMETERS) return abi.encodeCall(IAttestationCenter.setParameters, (plan.parameters));
        if (plan.power == Power.TOKEN) {
            uint96 minFee = chance(seed, 4, 4) ? 0 : TOKEN_MIN_FEE;
            return abi.encodeCall(IModelSubmission.setToken, (monies[draw(seed, 5, 0, 1)], minFee));
        }
        return abi.encodeCall(IAvsGovernance.setLogic, (IAvsGovernanceLogic(hooks[draw(seed, 6, 0, 2)])));
    }

    function randomParameters(uint256 seed) private view returns (IAttestationCenter.Parameters memory next) {
        // forge-lint: disable-start(unsafe-typecast) Small numbers.
        next.minOperators = uint8(draw(seed, 10, 1, 4));
        next.turnBlocks = uint32(draw(seed, 11, 1, 20));
        next.guiltySlashBps = uint16(draw(seed, 12, 0, chance(seed, 13, 4) ? BPS : 1_000));
        next.conflictSlashBps = uint16(draw(seed, 14, 0, chance(seed, 15, 4) ? BPS : 2_000));
        next.overturnedSlashBps = uint16(draw(seed, 16, 0, chance(seed, 17, 4) ? BPS : 3_000));
        // forge-lint: disable-end(unsafe-typecast)
    }

    /// @dev A call that needs a role, and the invariant that it could break.
    function forbidden(uint256 kind) private view returns (uint256, address, bytes memory) {
        (address market, address registry) = (address(submissions), address(governance));
        Nothing memory empty;
        if (kind == 0) return (7, registry, abi.encodeCall(IAvsGovernance.slash, (signerOf[1], 100, "x", true)));
        if (kind == 1) return (1, registry, abi.encodeCall(IAvsGovernance.payFromPot, (stranger, 0)));
        if (kind == 2) return (7, registry, abi.encodeCall(IAvsGovernance.eject, (signerOf[1])));
        if (kind == 3) return (3, registry, abi.encodeCall(IAvsGovernance.admit, (stranger)));
        if (kind == 4) return (3, registry, abi.encodeCall(IAvsGovernance.setLogic, (IAvsGovernanceLogic(stranger))));
        if (kind == 5) return (3, market, abi.encodeCall(IModelSubmission.settle, (empty.verdict)));
        if (kind == 6) return (2, market, abi.encodeCall(IModelSubmission.expire, (1, books[1].head)));
        if (kind == 7) return (3, market, abi.encodeCall(IModelSubmission.resolve, (1, 1, true)));
        if (kind == 8) return (1, market, abi.encodeCall(IModelSubmission.payOperator, (stranger, empty.shares)));
        if (kind == 9) return (1, market, abi.encodeCall(IModelSubmission.setToken, (stranger, 1)));
        if (kind == 10) return (9, address(center), abi.encodeCall(IAttestationCenter.openTask, (empty.request)));
        if (kind == 11) {
            return (7, address(center), abi.encodeCall(IAttestationCenter.setParameters, (empty.parameters)));
        }
        if (kind == 12) return (8, address(administration), abi.encodeCall(IAdministration.pause, ()));
        if (kind == 13) return (3, address(avsLogic), abi.encodeCall(IAvsLogic.afterTaskSubmission, (empty.verdict)));
        if (kind == 14) return (2, address(avsLogic), abi.encodeCall(IAvsLogic.afterTaskExpiry, (1, books[1].head)));
        return (1, address(avsLogic), abi.encodeCall(IAvsLogic.payOperator, (stranger, empty.shares)));
    }
}
