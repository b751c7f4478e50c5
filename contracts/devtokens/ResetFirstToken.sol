// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title An ERC-20 for tests that changes an allowance only from zero or to zero, as some tokens in use do.
contract ResetFirstToken is ERC20 {
    error AllowanceNotZero();

    /// @notice Give the whole supply to `holder`.
    constructor(address holder, uint256 supply) ERC20("Zarathustra test token without value", "RESET") {
        _mint(holder, supply);
    }

    /// @inheritdoc ERC20
    function approve(address spender, uint256 amount) public override returns (bool) {
        if (amount != 0 && allowance(msg.sender, spender) != 0) revert AllowanceNotZero();
        return super.approve(spender, amount);
    }
}
