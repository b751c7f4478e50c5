// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

import {IModelSubmission} from "../../src/interfaces/IModelSubmission.sol";

/// @dev A plain ERC-20 that anyone may mint.
contract PlainToken is ERC20 {
    constructor() ERC20("Plain", "PLN") {}

    function mint(address account, uint256 amount) external {
        _mint(account, amount);
    }
}

/// @dev Takes one unit of each transfer between accounts.
contract TaxedToken is ERC20 {
    constructor() ERC20("Taxed", "TAX") {}

    function mint(address account, uint256 amount) external {
        _mint(account, amount);
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (from != address(0) && to != address(0)) super._update(to, address(0), 1);
    }
}

/// @dev Calls one function during each transfer, and stores the result.
contract CallbackToken is ERC20 {
    address public target;
    bytes public callback;
    bool public succeeded;
    bytes4 public reason;

    constructor() ERC20("Callback", "CBK") {}

    function mint(address account, uint256 amount) external {
        _mint(account, amount);
    }

    function setCallback(address target_, bytes calldata callback_) external {
        target = target_;
        callback = callback_;
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (target == address(0)) return;
        bytes memory returned;
        (succeeded, returned) = target.call(callback);
        // forge-lint: disable-next-line(unsafe-typecast) The selector is the first four bytes.
        reason = bytes4(returned);
    }
}

/// @dev Does to each transfer what its mood says.
contract MoodyToken is ERC20 {
    enum Mood {
        HONEST,
        TAXING, // takes one unit
        REFUSING, // returns false
        REENTERING // pays once, and wants it to count twice
    }

    Mood public mood;
    uint256 private _projectId;

    constructor() ERC20("Moody", "MDY") {}

    function mint(address account, uint256 amount) external {
        _mint(account, amount);
    }

    function setMood(Mood next, uint256 projectId) external {
        (mood, _projectId) = (next, projectId);
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        return mood != Mood.REFUSING && super.transfer(to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        if (mood == Mood.REFUSING) return false;
        if (mood == Mood.REENTERING && _topUp(to, amount)) return true;
        return super.transferFrom(from, to, amount);
    }

    /// @dev Add to the project's pool what the market is about to receive.
    function _topUp(address market, uint256 amount) private returns (bool succeeded) {
        mood = Mood.HONEST;
        _mint(address(this), amount);
        _approve(address(this), market, amount);
        // forge-lint: disable-next-line(unsafe-typecast) Tests pay less than 2⁹⁶.
        (succeeded,) = market.call(abi.encodeCall(IModelSubmission.topUp, (_projectId, uint96(amount), 0)));
        if (!succeeded) _burn(address(this), amount);
        mood = Mood.REENTERING;
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (mood == Mood.TAXING && from != address(0) && to != address(0)) super._update(to, address(0), 1);
    }
}

/// @dev Burns all gas of a payment in the chain's coin.
contract BurningReceiver {
    receive() external payable {
        assembly ("memory-safe") {
            invalid()
        }
    }
}

/// @dev Cannot be paid in the chain's coin.
contract RefusingReceiver {
    receive() external payable {
        revert("coin refused");
    }

    function withdraw(IModelSubmission market, address to) external returns (uint256) {
        return market.withdraw(address(0), to);
    }
}

/// @dev Withdraws again during the payment. With `isDefiant` it ignores that the second withdrawal failed.
contract ReenteringReceiver {
    IModelSubmission private immutable _market;
    bool private immutable _isDefiant;
    uint256 public received;
    uint256 public creditWhilePaid;

    constructor(IModelSubmission market, bool isDefiant) {
        _market = market;
        _isDefiant = isDefiant;
    }

    receive() external payable {
        received += msg.value;
        creditWhilePaid = _market.creditOf(address(this), address(0));
        try _market.withdraw(address(0), address(this)) {}
        catch {
            if (!_isDefiant) revert("second withdrawal refused");
        }
    }

    function withdraw() external returns (uint256) {
        return _market.withdraw(address(0), address(this));
    }
}
