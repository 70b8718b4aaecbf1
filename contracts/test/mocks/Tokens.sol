// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { ERC20 } from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @notice Keeps a hundredth of each transfer.
contract FeeToken is ERC20 {
    constructor() ERC20("Fee", "FEE") {
        _mint(msg.sender, 1e30);
    }

    function _update(address from, address to, uint256 value) internal override {
        uint256 fee = from == address(0) || to == address(0) ? 0 : value / 100;
        if (fee > 0) super._update(from, address(0), fee);
        super._update(from, to, value - fee);
    }
}

/// @notice Like some old stablecoins: its functions return nothing.
contract SilentToken {
    mapping(address owner => uint256) public balanceOf;
    mapping(address owner => mapping(address spender => uint256)) public allowance;

    constructor() {
        balanceOf[msg.sender] = 1e30;
    }

    function approve(address spender, uint256 value) external {
        allowance[msg.sender][spender] = value;
    }

    function transfer(address to, uint256 value) external {
        balanceOf[msg.sender] -= value;
        balanceOf[to] += value;
    }

    function transferFrom(address from, address to, uint256 value) external {
        allowance[from][msg.sender] -= value;
        balanceOf[from] -= value;
        balanceOf[to] += value;
    }
}

/// @notice Refuses accounts on a list, as stablecoins do; or says no without reverting.
contract RefusingToken is ERC20 {
    mapping(address account => bool) public isRefused;
    bool public isPolite;

    error Refused(address account);

    constructor() ERC20("Refusing", "NO") {
        _mint(msg.sender, 1e30);
    }

    function refuse(address account, bool isRefused_) external {
        isRefused[account] = isRefused_;
    }

    function bePolite() external {
        isPolite = true;
    }

    function transfer(address to, uint256 value) public override returns (bool) {
        if (isPolite && isRefused[to]) return false;
        return super.transfer(to, value);
    }

    function _update(address from, address to, uint256 value) internal override {
        if (isRefused[to]) revert Refused(to);
        super._update(from, to, value);
    }
}

/// @notice Calls back into whoever moves it, once, with what it was told to say.
contract ReentrantToken is ERC20 {
    address public target;
    bytes public words;
    bool public succeeded;
    bytes public answer;

    constructor() ERC20("Reentrant", "RE") {
        _mint(msg.sender, 1e30);
    }

    function arm(address target_, bytes calldata words_) external {
        (target, words, succeeded) = (target_, words_, false);
    }

    function burn(uint256 value) external {
        _burn(msg.sender, value);
    }

    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value);
        if (target == address(0)) return;
        address callee = target;
        target = address(0);
        (succeeded, answer) = callee.call(words);
    }
}
