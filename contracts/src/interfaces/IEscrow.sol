// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IEscrowTypes } from "./IEscrowTypes.sol";
import { IEscrowErrors } from "./IEscrowErrors.sol";
import { IEscrowEvents } from "./IEscrowEvents.sol";

/// @title IEscrow
/// @notice One deposit pays every provider, by cumulative vouchers that the payer or a session key of it signs.
/// @dev No owner, no proxy. Pausing stops deposits only. Money leaves to the one it belongs to, whoever sends the
/// transaction.
/// @custom:security A provider's loss is what it served beyond the last voucher, and its part of what a payer signed to
/// all its payees beyond balance and bond. Nobody sees what a payer signs to others: lend it a part of its deposit until
/// a claim has paid. A contract that pays (ERC-1271) may take its signature back at any time;
/// a session key can't, so serve contracts by session key alone.
interface IEscrow is IEscrowTypes, IEscrowErrors, IEscrowEvents {
    /// @notice Puts `amount` into the caller's account, the bond's share included; cancels a requested withdrawal.
    /// @dev Reverts with `DepositsPaused`, `ZeroAmount`, `InDefault`, `ShortTransfer`.
    function deposit(uint96 amount) external;

    /// @notice `deposit` with a permit in place of an approval.
    /// @dev A permit that somebody else has already sent is not an error as long as the allowance is there.
    function depositWithPermit(uint96 amount, Permit calldata permit) external;

    /// @notice `deposit` and `authorizeSession` in one transaction.
    function depositWithSession(uint96 amount, address key, uint96 cap, uint40 expiry) external;

    /// @notice `depositWithPermit` and `authorizeSession` in one transaction.
    function depositWithSessionAndPermit(
        uint96 amount,
        address key,
        uint96 cap,
        uint40 expiry,
        Permit calldata permit
    ) external;

    /// @notice Lets `key` sign vouchers of the caller, or extends that. What it has spent is kept.
    /// @dev Reverts with `InvalidKey`, `InvalidExpiry`, `SessionShrinks`, `ZeroAmount` for a cap of nothing.
    /// @custom:security A stolen key can spend up to `cap`, into the bond too where `cap` is above the balance.
    function authorizeSession(address key, uint96 cap, uint40 expiry) external;

    /// @notice Ends a session now. What it signed can be claimed for the grace, so a thief's vouchers too.
    /// @dev Reverts with `SessionEnded`.
    function revokeSession(address key) external;

    /// @notice Asks for everything back, bond included; the grace begins, in which payees still claim.
    /// @dev Reverts with `NothingToWithdraw`, `WithdrawalPending`.
    function requestWithdrawal() external;

    /// @notice Takes the request back.
    /// @dev Reverts with `NoWithdrawal`.
    function cancelWithdrawal() external;

    /// @notice Pays what is left of balance and bond to the caller and begins the next epoch. Never paused.
    /// @dev Where providers without stake were paid all that a day allows, the payer stays for the whole of the next
    /// day, in which they can claim on: so the cap of a day costs them time alone. Reverts with `NoWithdrawal`,
    /// `TooEarly`, `InDefault`.
    function withdraw() external;

    /// @notice Counts vouchers: what they add moves from the payer's balance to the provider's pot. Anybody may send
    /// them; one who is not the provider is credited a tip out of the provider's part.
    /// @dev What the session's cap, or a day's cap, does not cover stays claimable later. There are two caps of a day for
    /// providers without stake: of what one is paid by all, and of what one payer's balance pays them all. What the balance does not
    /// cover becomes a shortfall, up to the bond for each provider, and opens the payer's default. The day of a
    /// provider without stake is charged what the balance paid and nothing else; of one payer's shortfalls it counts
    /// the daily cap at most for each day since the default was opened.
    /// One bad entry reverts all: ask `claimable` first. Reverts with `EmptyBatch`, `WrongEpoch`, `StaleVoucher`,
    /// `InvalidSignature`, `SessionExpired`, `NothingPayable`, `DefaultClosed`.
    function claim(SignedVoucher[] calldata batch) external;

    /// @notice `claim` of vouchers for one pot, in the same order and to the same unit: provider, model and relay are
    /// sent once, and what vouchers of one pot share is read and written once. So each costs less.
    /// @dev For signatures of 64 bytes; `claim` is for all others, and for vouchers of several pots. Reverts as `claim`
    /// does, with the same index.
    function claimToPot(address provider, bytes32 model, address relay, PotVoucher[] calldata batch) external;

    /// @notice Ends a default after its window: the bond is set aside for the payees, the rest of it burns or goes to the
    /// treasury, the next epoch begins. Whoever calls it gets nothing.
    /// @dev What was noted while its payee had stake is paid first, pro rata; all else shares what that leaves, pro rata.
    /// Addresses are free and stake is not: so nobody waters down a bond by addresses alone.
    /// @dev Reverts with `NotInDefault`, `TooEarly`.
    function settleDefault(address payer) external;

    /// @notice Puts a payee's part of a settled default into its pot. Odd units go to whom collects last.
    /// @dev Reverts with `InDefault` before it is settled, `NothingToCollect`.
    function collectDefault(address payer, uint32 epoch, address provider, bytes32 model, address relay)
        external;

    /// @notice Splits a pot: pays the provider, burns, and credits publisher, relay and treasury. Shares are rounded
    /// down, so that the odd units are the provider's. A provider that the asset refuses is credited. The publisher has
    /// its royalty of a pot whose first claim came when the royalty had begun; sweeping an older pot, as anybody may,
    /// lets the next one pay it.
    /// @dev Reverts with `NothingToSweep`.
    function sweep(address provider, bytes32 model, address relay) external;

    /// @notice Pays an account what is credited to it.
    /// @dev Reverts with `NothingToCollect`.
    function collect(address account) external;

    /// @notice Stops deposits.
    /// @dev Reverts with `NotGuardian`.
    function pause() external;

    /// @notice Allows deposits again.
    /// @dev Reverts with `NotGuardian`.
    function unpause() external;

    /// @notice What `claim` would pay of a voucher now, and note as a shortfall. Reverts as `claim` does, at index 0.
    /// @custom:security `short` is no money yet: it pays a part of the bond at most, days later, and never a tip. Who
    /// carries claims goes by `paid`: a face and a shortfall cost their signer nothing.
    function claimable(SignedVoucher calldata signed) external view returns (uint96 paid, uint96 short);

    function config() external view returns (Config memory);

    function isPaused() external view returns (bool);

    function account(address payer) external view returns (Account memory);

    function session(address payer, address key) external view returns (Session memory);

    /// @notice What was counted of a payer's vouchers for a provider and model, shortfalls included.
    function claimedOf(address payer, uint32 epoch, address provider, bytes32 model)
        external
        view
        returns (uint96);

    function potOf(address provider, bytes32 model, address relay) external view returns (Pot memory);

    function creditOf(address owner) external view returns (uint256);

    /// @notice A payer's default of an epoch; all zero for none.
    function defaultOf(address payer, uint32 epoch) external view returns (DefaultState memory);

    /// @notice What a default owes to one line of a payee, not yet collected.
    function owedOf(address payer, uint32 epoch, address provider, bytes32 model, address relay)
        external
        view
        returns (uint96);

    /// @notice What a provider may still be paid today out of balances; 2^96 - 1 for one with stake.
    function dailyLeft(address provider) external view returns (uint256);

    /// @notice What a payer's balance may still pay today to all providers without stake together.
    function payerDailyLeft(address payer) external view returns (uint256);

    /// @notice The EIP-712 digest that a voucher's signer signs.
    function hashVoucher(Voucher calldata voucher) external view returns (bytes32);
}
