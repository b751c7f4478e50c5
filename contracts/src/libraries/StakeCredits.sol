// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAvsGovernance} from "../interfaces/IAvsGovernance.sol";

/// @title Stake that is in no slot any more: slashed stake in the pot, and what accounts can withdraw.
library StakeCredits {
    struct State {
        mapping(address account => uint256) creditOf;
        uint256 pot; // slashed stake that is not yet credited to anyone
    }

    function credit(State storage self, address account, uint96 amount) internal {
        self.creditOf[account] += amount;
        emit IAvsGovernance.StakeCredited(account, amount);
    }

    /// @notice Credit a part of the pot.
    function creditFromPot(State storage self, address account, uint96 amount) internal {
        self.pot -= amount;
        credit(self, account, amount);
    }

    /// @notice Take the caller's whole credit, which goes to `to`.
    function take(State storage self, address to) internal returns (uint256 amount) {
        if (to == address(0)) revert IAvsGovernance.ZeroAddress();
        amount = self.creditOf[msg.sender];
        if (amount == 0) revert IAvsGovernance.NothingToWithdraw();
        self.creditOf[msg.sender] = 0;
        emit IAvsGovernance.StakeWithdrawn(msg.sender, to, amount);
    }
}
