// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAvsGovernance} from "../../src/interfaces/IAvsGovernance.sol";
import {IAvsGovernanceLogic} from "../../src/interfaces/IAvsGovernanceLogic.sol";
import {OperatorStatus} from "../../src/types/Types.sol";

/// @dev Keeps each call: its data, its gas, and the status of the operator at that time.
contract RecordingHook is IAvsGovernanceLogic {
    struct Call {
        bytes data;
        uint256 gas;
        OperatorStatus status;
        uint32 latestVersion;
    }

    Call[] private _calls;

    function beforeOperatorRegistered(address operator, address, uint96) external {
        _record(operator);
    }

    function afterOperatorRegistered(address operator, address, uint96) external {
        _record(operator);
    }

    function afterOperatorLeft(address operator) external {
        _record(operator);
    }

    function afterSetSealed(uint32) external {
        _record(address(0));
    }

    function callCount() external view returns (uint256) {
        return _calls.length;
    }

    function callAt(uint256 index) external view returns (Call memory) {
        return _calls[index];
    }

    function _record(address operator) private {
        uint256 gas = gasleft();
        IAvsGovernance governance = IAvsGovernance(msg.sender);
        _calls.push(Call(msg.data, gas, governance.getOperator(operator).status, governance.latestVersion()));
    }
}

/// @dev Lets operators in, and does what one test needs in all other calls.
abstract contract HostileHook is IAvsGovernanceLogic {
    function beforeOperatorRegistered(address, address, uint96) external {}

    function afterOperatorRegistered(address, address, uint96) external {
        _act();
    }

    function afterOperatorLeft(address) external {
        _act();
    }

    function afterSetSealed(uint32) external {
        _act();
    }

    function _act() internal virtual;
}

contract RevertingHook is HostileHook {
    function _act() internal pure override {
        revert("refused");
    }
}

/// @dev Burns all gas that it gets.
contract BurningHook is HostileHook {
    function _act() internal pure override {
        assembly ("memory-safe") {
            invalid()
        }
    }
}

/// @dev Answers with 200 kB, which is about what its gas can buy. With as much gas as the caller has, it would be more.
contract FloodingHook is HostileHook {
    bool private immutable _isReverting;

    constructor(bool isReverting) {
        _isReverting = isReverting;
    }

    function _act() internal view override {
        if (_isReverting) {
            assembly ("memory-safe") {
                revert(0, 200000)
            }
        }
        assembly ("memory-safe") {
            return(0, 200000)
        }
    }
}

/// @dev Calls back in every call, and keeps the answer.
contract ReenteringHook is IAvsGovernanceLogic {
    bytes private _data;
    bool public hasSucceeded;
    bytes public answer;

    constructor(bytes memory data) {
        _data = data;
    }

    function beforeOperatorRegistered(address, address, uint96) external {
        _act();
    }

    function afterOperatorRegistered(address, address, uint96) external {
        _act();
    }

    function afterOperatorLeft(address) external {
        _act();
    }

    function afterSetSealed(uint32) external {
        _act();
    }

    function _act() private {
        (hasSucceeded, answer) = msg.sender.call(_data);
    }
}

/// @dev Refuses every operator.
contract ClosedHook is IAvsGovernanceLogic {
    error Unwelcome(address operator, address owner, uint96 stake);

    function beforeOperatorRegistered(address operator, address owner, uint96 stake) external pure {
        revert Unwelcome(operator, owner, stake);
    }

    function afterOperatorRegistered(address, address, uint96) external {}

    function afterOperatorLeft(address) external {}

    function afterSetSealed(uint32) external {}
}
