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
contract FeeToken is StakeToken {
    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (from != address(0) && to != address(0)) super._update(to, address(0), 1);
    }
}

/// @dev Moves nothing and returns false instead of reverting. A transfer out can be made to work.
contract LyingToken is StakeToken {
    function transferFrom(address, address, uint256) public pure override returns (bool) {
        return false;
    }
}

/// @dev Calls an account after each transfer, as an ERC-777 token does, and keeps the answer.
contract CallingToken is StakeToken {
    address private _target;
    bytes private _data;
    bool public hasSucceeded;
    bytes public answer;

    function callOnTransfer(address target, bytes calldata data) external {
        (_target, _data) = (target, data);
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (_target != address(0)) (hasSucceeded, answer) = _target.call(_data);
    }
}

/// @dev An owner that calls AvsGovernance while it is being paid, keeps the answer and takes the payment.
contract CallingOwner {
    IAvsGovernance private immutable _governance;
    bytes private _data;
    bool public hasSucceeded;
    bytes public answer;

    constructor(IAvsGovernance governance) {
        _governance = governance;
    }

    receive() external payable {
        (hasSucceeded, answer) = address(_governance).call(_data);
    }

    function callWhenPaid(bytes calldata data) external {
        _data = data;
    }

    function register(Registration calldata registration) external payable {
        _governance.registerOperator{value: msg.value}(registration);
    }

    function deregister(address operator) external {
        _governance.deregisterOperator(operator);
    }

    function complete(address operator) external {
        _governance.completeDeregistration(operator, address(this));
    }

    function withdraw() external {
        _governance.withdraw(address(this));
    }
}

/// @dev Cannot receive the coin. As an owner it can name another receiver.
contract Penniless {
    IAvsGovernance private immutable _governance;

    constructor(IAvsGovernance governance) {
        _governance = governance;
    }

    function register(Registration calldata registration) external payable {
        _governance.registerOperator{value: msg.value}(registration);
    }

    function deregister(address operator) external {
        _governance.deregisterOperator(operator);
    }

    function complete(address operator, address to) external {
        _governance.completeDeregistration(operator, to);
    }

    function withdraw(address to) external {
        _governance.withdraw(to);
    }
}
