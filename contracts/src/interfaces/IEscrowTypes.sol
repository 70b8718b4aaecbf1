// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title IEscrowTypes
/// @notice The nouns of the escrow. Amounts are units of its asset, times are seconds, shares basis points (bps).
interface IEscrowTypes {
    /// @notice What an escrow is for good; each number has a bound, see `Bounds`.
    /// @param asset The one ERC-20 that this escrow holds. It must move exactly what it is asked to.
    /// @param isBurnable Whether the burn share is burned; where it can't be, it goes to the treasury.
    /// @param stake Tells whether a provider is bound by the daily cap.
    /// @param models Tells who has a royalty.
    /// @param guardian May pause deposits and nothing else; zero for nobody.
    /// @param bondBps The part of each deposit that is kept as the payer's bond.
    /// @param tipBps A carrier's tip, of what it claims for another; at most `tipCap` a voucher.
    /// @param graceSeconds From the request of a withdrawal to the withdrawal; from a session's end to its last claim.
    /// @param defaultWindowSeconds How long payees may add to a default before its bond is shared out.
    /// @param unstakedDailyCap What a provider without stake may be paid out of balances in a day of UTC; and what
    /// it may add to one payer's default for each day that this is open.
    /// @param payerDailyCap What a payer's balance may pay in a day of UTC to all providers without stake together.
    struct Config {
        address asset;
        bool isBurnable;
        address stake;
        address models;
        address treasury;
        address guardian;
        uint16 relayBps;
        uint16 burnBps;
        uint16 treasuryBps;
        uint16 bondBps;
        uint16 tipBps;
        uint96 tipCap;
        uint96 unstakedDailyCap;
        uint96 payerDailyCap;
        uint32 graceSeconds;
        uint32 defaultWindowSeconds;
    }

    /// @notice A payer's money, one slot.
    /// @param balance Pays vouchers.
    /// @param bond Pays what the balance can't, once, pro rata; comes back with a withdrawal.
    /// @param epoch Vouchers name it; a withdrawal or a settled default ends it, and with it all its vouchers.
    /// @param withdrawAt When a requested withdrawal may be done; zero for none.
    struct Account {
        uint96 balance;
        uint96 bond;
        uint32 epoch;
        uint32 withdrawAt;
    }

    /// @notice A key that signs for a payer, one slot.
    /// @param cap What it may spend in its life.
    /// @param expiry When providers stop to take it; claims are good for the grace after that.
    struct Session {
        uint96 cap;
        uint96 spent;
        uint40 expiry;
    }

    /// @notice "All in all I owe this provider `cumulative` for this model in this epoch."
    /// @param model SHA-256 of the model's manifest.
    /// @param relay Who is paid the relay's share of what this voucher adds; zero for none.
    struct Voucher {
        address payer;
        address provider;
        bytes32 model;
        address relay;
        uint32 epoch;
        uint96 cumulative;
    }

    /// @param signer The payer, or a session key of it.
    /// @param signature 64 bytes (ERC-2098) or 65 bytes; of a contract that pays, whatever it accepts (ERC-1271).
    struct SignedVoucher {
        Voucher voucher;
        address signer;
        bytes signature;
    }

    /// @notice What is left of a signed voucher where provider, model and relay are said once for many.
    /// @param signature `r` and `vs` (ERC-2098).
    struct PotVoucher {
        address payer;
        uint32 epoch;
        uint96 cumulative;
        address signer;
        bytes32[2] signature;
    }

    /// @notice What was claimed and not yet split, for one provider, model and relay.
    /// @param tips The part of `gross` that went to carriers; it is the provider's.
    /// @param since When the first of it came, in seconds: a royalty that began later takes nothing of it.
    struct Pot {
        uint96 gross;
        uint96 tips;
        uint40 since;
    }

    /// @notice A payer that signed more than it had. Once settled, all but `closesAt` is what is still to collect.
    /// @param owed To all payees.
    /// @param payout For all payees; what of it is not `stakedPayout` is for those without stake.
    /// @param closesAt From then on it can be settled; zero for no default.
    /// @param stakedOwed What of `owed` was noted for payees that had stake then.
    /// @param stakedPayout What of `payout` is for those alone.
    struct DefaultState {
        uint96 owed;
        uint96 payout;
        uint40 closesAt;
        uint96 stakedOwed;
        uint96 stakedPayout;
    }

    /// @notice An ERC-2612 permit over the amount of the deposit that it comes with.
    struct Permit {
        uint256 deadline;
        uint8 v;
        bytes32 r;
        bytes32 s;
    }
}
