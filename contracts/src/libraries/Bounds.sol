// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Bounds
/// @notice How far an escrow's parameters may go, whoever deploys it.
library Bounds {
    /// @dev What a provider keeps at least of a price, whatever the shares, the royalty and the tip.
    uint256 internal constant MIN_PROVIDER_BPS = 5_000;
    /// @dev As in `Models`; held here too, so that no answer of it can break a split.
    uint256 internal constant MAX_ROYALTY_BPS = 2_000;
    uint256 internal constant MAX_TIP_BPS = 100;
    uint256 internal constant MIN_BOND_BPS = 100;
    uint256 internal constant MAX_BOND_BPS = 5_000;
    /// @dev Tabs sleep: a provider must have a day to find its voucher a way to the chain.
    uint256 internal constant MIN_GRACE_SECONDS = 1 days;
    uint256 internal constant MAX_GRACE_SECONDS = 30 days;
    /// @dev A key in a tab should not be good for ever.
    uint256 internal constant MAX_SESSION_SECONDS = 366 days;
}
