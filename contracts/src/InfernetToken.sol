// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { ERC20 } from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import { ERC20Burnable } from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import { ERC20Permit } from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import { ERC20Votes } from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Votes.sol";
import { Nonces } from "@openzeppelin/contracts/utils/Nonces.sol";
import { IInfernetToken } from "./interfaces/IInfernetToken.sol";

/// @title InfernetToken
/// @notice INF: an ERC-20 with permit, votes and burning; one minter, one cap, no owner.
contract InfernetToken is IInfernetToken, ERC20Permit, ERC20Votes, ERC20Burnable {
    /// @inheritdoc IInfernetToken
    uint256 public immutable CAP;
    /// @inheritdoc IInfernetToken
    address public immutable minter;

    /// @param minter_ The timelock: the only one who may ever mint.
    /// @param cap Units that may exist at once.
    /// @param holder Gets `supply` at the start, from which a test network's faucet is filled.
    constructor(address minter_, uint256 cap, address holder, uint256 supply)
        ERC20("Infernet", "INF")
        ERC20Permit("Infernet")
    {
        minter = minter_;
        CAP = cap;
        _mintUpToCap(holder, supply);
    }

    /// @inheritdoc IInfernetToken
    function mint(address to, uint256 amount) external {
        if (msg.sender != minter) revert NotMinter(msg.sender);
        _mintUpToCap(to, amount);
    }

    /// @notice Votes are counted by time: blocks differ in length from chain to chain.
    function clock() public view override returns (uint48) {
        return uint48(block.timestamp);
    }

    /// @notice ERC-6372's name for a clock in seconds.
    // solhint-disable-next-line func-name-mixedcase
    function CLOCK_MODE() public pure override returns (string memory) {
        return "mode=timestamp";
    }

    /// @inheritdoc ERC20Permit
    function nonces(address owner) public view override(ERC20Permit, Nonces) returns (uint256) {
        return super.nonces(owner);
    }

    /// @dev What the votes' checkpoints can hold is more than the cap, so the cap is the only limit.
    function _mintUpToCap(address to, uint256 amount) private {
        uint256 room = CAP - totalSupply();
        if (amount > room) revert CapExceeded(amount, room);
        _mint(to, amount);
    }

    function _update(address from, address to, uint256 value) internal override(ERC20, ERC20Votes) {
        super._update(from, to, value);
    }
}
