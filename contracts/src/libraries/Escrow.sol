// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IModelSubmission} from "../interfaces/IModelSubmission.sol";
import {Ledger, TokenTerms} from "../types/Market.sol";
import {Tokens} from "./Tokens.sol";

/// @title What ModelSubmission owes, and the tokens that it accepts.
/// @dev `owed` grows only by `collect` and shrinks only by `payOut`; everything else moves money within it.
library Escrow {
    /// @notice Take exactly `amount` from the caller.
    function collect(Ledger storage self, address token, uint256 amount) internal {
        self.owed[token] += amount;
        Tokens.collect(token, amount);
    }

    function credit(Ledger storage self, address account, address token, uint256 amount) internal {
        if (amount == 0) return;
        self.credits[account][token] += amount;
        emit IModelSubmission.Credited(account, token, amount);
    }

    /// @notice Pay an account's whole credit to `to`.
    function payOut(Ledger storage self, address account, address token, address to) internal returns (uint256 amount) {
        if (to == address(0)) revert IModelSubmission.ZeroAddress();
        amount = self.credits[account][token];
        if (amount == 0) revert IModelSubmission.NothingToWithdraw();
        self.credits[account][token] = 0;
        self.owed[token] -= amount;
        emit IModelSubmission.Withdrawn(account, token, to, amount);
        Tokens.pay(token, to, amount);
    }

    // ---- tokens

    /// @notice Add a token or change its least fee; zero forbids it.
    function setToken(Ledger storage self, address token, uint96 minFee) internal {
        uint16 number = self.numbers[token];
        if (number == 0 && token != Tokens.COIN) {
            number = ++self.tokenCount;
            self.numbers[token] = number;
        }
        self.tokens[number] = TokenTerms(token, minFee);
        emit IModelSubmission.TokenChanged(token, minFee);
    }

    /// @notice Return the token's number and its least fee. Reverts if it is not allowed.
    function requireToken(Ledger storage self, address token) internal view returns (uint16 number, uint96 minFee) {
        number = self.numbers[token];
        minFee = self.tokens[number].token == token ? self.tokens[number].minFee : 0;
        if (minFee == 0) revert IModelSubmission.TokenNotAllowed(token);
    }

    function tokenAt(Ledger storage self, uint16 number) internal view returns (address) {
        return self.tokens[number].token;
    }

    function minFeeOf(Ledger storage self, address token) internal view returns (uint96) {
        TokenTerms storage terms = self.tokens[self.numbers[token]];
        return terms.token == token ? terms.minFee : 0;
    }
}
