// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

import {IAvsGovernance} from "../../src/interfaces/IAvsGovernance.sol";
import {Registration} from "../../src/types/Types.sol";

/// @dev A plain ERC-20 that anyone may mint.
contract StakeToken is ERC20("Stake", "STK") {
    function mint(address account, uint256 amount) external {
        _mint(account, amount);
    }
}

/// @dev Burns one unit of every transfer between accounts, as fee-on-transfer tokens do.
contract FeeToken is ERC20("Fee", "FEE") {
    function mint(address account, uint256 amount) external {
        _mint(account, amount);
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (from != address(0) && to != address(0)) super._update(to, address(0), 1);
    }
}

/// @dev An operator's owner that asks for its stake a second time while it is being paid.
contract ReenteringOwner {
    IAvsGovernance private immutable _governance;
    address private _operator;

    constructor(IAvsGovernance governance) {
        _governance = governance;
    }

    receive() external payable {
        _governance.completeDeregistration(_operator, address(this));
    }

    function register(Registration calldata registration) external payable {
        _operator = registration.signingKey;
        _governance.registerOperator{value: msg.value}(registration);
    }

    function deregister() external {
        _governance.deregisterOperator(_operator);
    }

    function complete() external {
        _governance.completeDeregistration(_operator, address(this));
    }
}

/// @dev Cannot receive the coin.
contract Penniless {}
