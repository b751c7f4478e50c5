// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

/// @title Exact transfers of the coin and of ERC-20 tokens.
library Tokens {
    using SafeERC20 for IERC20;

    address internal constant COIN = address(0);

    error WrongValue(uint256 received, uint256 expected);
    error TransferFailed();

    /// @notice Take exactly `amount` from the caller.
    /// @dev The balance must grow by `amount`. With a fee on transfers, the contract would owe more than it holds.
    // slither-disable-next-line msg-value-in-nonpayable It is internal, and all its callers are payable.
    function collect(address token, uint256 amount) internal {
        if (token == COIN) return _requireReceived(msg.value, amount);

        _requireReceived(msg.value, 0);
        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
        _requireReceived(IERC20(token).balanceOf(address(this)) - before, amount);
    }

    /// @notice Pay `amount` to `to`.
    function pay(address token, address to, uint256 amount) internal {
        if (token != COIN) return IERC20(token).safeTransfer(to, amount);

        (bool isPaid,) = to.call{value: amount}("");
        if (!isPaid) revert TransferFailed();
    }

    function _requireReceived(uint256 received, uint256 expected) private pure {
        if (received != expected) revert WrongValue(received, expected);
    }
}
