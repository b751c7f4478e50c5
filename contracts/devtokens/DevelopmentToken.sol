// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title A plain ERC-20 for development networks. It is worth nothing: never deploy it elsewhere.
contract DevelopmentToken is ERC20 {
    /// @notice Give the whole supply to `holder`.
    constructor(address holder, uint256 supply) ERC20("Zarathustra development token without value", "DEV") {
        _mint(holder, supply);
    }
}
