// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title IEscrowErrors
/// @notice Why the escrow refuses. An `index` is the place in the batch; times are seconds.
interface IEscrowErrors {
    /// @notice A parameter of the constructor is out of its bounds.
    error OutOfBounds(bytes32 parameter, uint256 value);
    error NotGuardian(address caller);
    /// @notice The guardian has paused deposits; all else works.
    error DepositsPaused();
    error ZeroAmount();
    /// @notice Fewer units arrived than were asked: the asset takes a fee, which no account can carry.
    error ShortTransfer(uint256 asked, uint256 arrived);
    /// @notice The payer signed more than it had: no deposit and no withdrawal until `settleDefault`.
    error InDefault(address payer, uint40 closesAt);
    error NotInDefault(address payer);
    /// @notice What is asked for may be had from `earliest` on.
    error TooEarly(uint40 earliest);
    error NothingToWithdraw(address payer);
    /// @notice A withdrawal was requested already.
    error WithdrawalPending(uint32 withdrawAt);
    error NoWithdrawal(address payer);
    /// @notice A session key is neither zero nor the payer itself.
    error InvalidKey(address key);
    /// @notice The expiry must be after now and at most at `latest`.
    error InvalidExpiry(uint40 expiry, uint40 latest);
    /// @notice A session can be extended, never cut: providers count on what they saw. To end it, revoke it.
    error SessionShrinks(uint96 cap, uint96 currentCap, uint40 expiry, uint40 currentExpiry);
    /// @notice The session has ended already, or never was.
    error SessionEnded(address key, uint40 expiry);

    error EmptyBatch();
    /// @notice The voucher is of an epoch that has ended, or has not begun.
    error WrongEpoch(uint256 index, uint32 epoch, uint32 current);
    /// @notice The voucher adds nothing to what was claimed.
    error StaleVoucher(uint256 index, uint96 claimed, uint96 cumulative);
    error InvalidSignature(uint256 index, address signer);
    /// @notice The session ended, and its grace too; or there never was one.
    error SessionExpired(uint256 index, address key, uint256 acceptedUntil);
    /// @notice Nothing can be paid now. Where `allowed` is zero, the session's cap is used up, or one of a day's for
    /// providers without stake; else balance and bond are.
    error NothingPayable(uint256 index, uint256 allowed);
    /// @notice The payer's default takes no more claims.
    error DefaultClosed(uint256 index, address payer, uint40 closesAt);

    error NothingToSweep(address provider, bytes32 model, address relay);
    error NothingToCollect(address account);
}
