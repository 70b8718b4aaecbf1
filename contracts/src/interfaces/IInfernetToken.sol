// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title IInfernetToken
/// @notice What INF adds to ERC-20, ERC-2612 and ERC-5805.
interface IInfernetToken {
    /// @notice Only the minter mints.
    error NotMinter(address caller);
    /// @notice Minting `amount` would leave more units than the cap; `room` is what may still be minted.
    error CapExceeded(uint256 amount, uint256 room);

    /// @notice The most units that may exist at once. What is burned may be minted again.
    function CAP() external view returns (uint256);

    /// @notice The timelock, for good.
    function minter() external view returns (address);

    /// @notice Makes `amount` new units for `to`.
    /// @dev Reverts with `NotMinter`, `CapExceeded`.
    function mint(address to, uint256 amount) external;
}
