// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Shares
/// @notice Parts of amounts; the direction of rounding stands in the name.
/// @dev Amounts are below 2^96 and parts of them, so no product overflows.
library Shares {
    uint256 internal constant BPS = 10_000;

    /// @notice `bps` basis points of `amount`, rounded down.
    function bpsDown(uint256 amount, uint256 bps) internal pure returns (uint256) {
        return amount * bps / BPS;
    }

    /// @notice `bps` basis points of `amount`, rounded up.
    function bpsUp(uint256 amount, uint256 bps) internal pure returns (uint256) {
        return (amount * bps + BPS - 1) / BPS;
    }

    /// @notice `amount * part / whole`, rounded down. `whole` is not zero.
    function proportionDown(uint256 amount, uint256 part, uint256 whole) internal pure returns (uint256) {
        return amount * part / whole;
    }

    /// @notice `amount * part / whole`, rounded up. `whole` is not zero.
    function proportionUp(uint256 amount, uint256 part, uint256 whole) internal pure returns (uint256) {
        return (amount * part + whole - 1) / whole;
    }

    /// @notice The lesser of two.
    function min(uint256 a, uint256 b) internal pure returns (uint256) {
        return a < b ? a : b;
    }
}
