// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAvsGovernance} from "../interfaces/IAvsGovernance.sol";
import {IAvsGovernanceLogic} from "../interfaces/IAvsGovernanceLogic.sol";

/// @title Calls of the hook that the timelock may set, with a bounded amount of gas.
library Hooks {
    uint256 internal constant GAS = 200_000;

    function beforeRegistered(IAvsGovernanceLogic logic, address operator, address owner, uint96 stake) internal {
        if (address(logic) == address(0)) return;
        logic.beforeOperatorRegistered{gas: GAS}(operator, owner, stake);
    }

    function afterRegistered(IAvsGovernanceLogic logic, address operator, address owner, uint96 stake) internal {
        _notify(logic, abi.encodeCall(IAvsGovernanceLogic.afterOperatorRegistered, (operator, owner, stake)));
    }

    function afterLeft(IAvsGovernanceLogic logic, address operator) internal {
        _notify(logic, abi.encodeCall(IAvsGovernanceLogic.afterOperatorLeft, (operator)));
    }

    function afterSealed(IAvsGovernanceLogic logic, uint32 version) internal {
        _notify(logic, abi.encodeCall(IAvsGovernanceLogic.afterSetSealed, (version)));
    }

    /// @dev A failure is an event and nothing else. The answer is not copied: a long one could use up the caller's gas.
    function _notify(IAvsGovernanceLogic logic, bytes memory data) private {
        if (address(logic) == address(0)) return;
        bool isDone;
        assembly ("memory-safe") {
            isDone := call(GAS, logic, 0, add(data, 0x20), mload(data), 0, 0)
        }
        // forge-lint: disable-next-line(unsafe-typecast) The selector is the first four bytes.
        if (!isDone) emit IAvsGovernance.LogicFailed(bytes4(data));
    }
}
