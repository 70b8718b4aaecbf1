// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title IEscrowEvents
/// @notice What happened, enough to draw up anybody's account from the log alone.
interface IEscrowEvents {
    event DepositsPauseChanged(bool isPaused);
    /// @param bond The part of `amount` that went to the bond.
    event Deposited(address indexed payer, uint32 epoch, uint96 amount, uint96 bond);
    event SessionAuthorized(address indexed payer, address indexed key, uint96 cap, uint40 expiry);
    event SessionRevoked(address indexed payer, address indexed key, uint40 expiry);
    event WithdrawalRequested(address indexed payer, uint32 withdrawAt);
    event WithdrawalCancelled(address indexed payer);
    /// @param epoch The epoch that ended with it.
    event Withdrawn(address indexed payer, uint32 epoch, uint256 amount);

    /// @param paid What went to the pot, a carrier's tip included.
    /// @param claimed All that was counted in the payer's epoch, which is the current one, for this provider and model.
    event Claimed(
        address indexed payer,
        address indexed provider,
        bytes32 model,
        address relay,
        uint96 paid,
        uint96 claimed
    );
    /// @notice A claim beyond the balance was noted in the payer's default.
    event Shortfall(
        address indexed payer,
        address indexed provider,
        bytes32 indexed model,
        address relay,
        uint32 epoch,
        uint96 amount,
        uint40 closesAt
    );
    /// @param forfeited What of the bond was left: burned, or the treasury's.
    event DefaultSettled(
        address indexed payer, uint32 indexed epoch, uint96 owed, uint96 payout, uint96 forfeited
    );
    event DefaultCollected(
        address indexed payer, uint32 indexed epoch, address indexed provider, uint96 owed, uint96 amount
    );
    /// @param gross What was in the pot.
    /// @param provided The provider's part, after tips.
    event Swept(
        address indexed provider,
        bytes32 indexed model,
        address indexed relay,
        uint96 gross,
        uint256 provided,
        uint256 royalty,
        uint256 relayed,
        uint256 burned,
        uint256 treasured,
        uint256 tips
    );
    event Collected(address indexed account, uint256 amount);
}
