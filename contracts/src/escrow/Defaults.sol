// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IEscrow } from "../interfaces/IEscrow.sol";
import { Shares } from "../libraries/Shares.sol";
import { Ledger } from "./Ledger.sol";

/// @title Defaults
/// @notice Payers that signed more than they had: the bond pays, payees with stake first, pro rata among each kind, and
/// what is left of it is forfeited.
/// @dev An account in default has no balance: a shortfall is what the balance could not cover, and deposits are
/// refused until the default is settled.
abstract contract Defaults is Ledger {
    /// @dev What is owed to one line of a payee.
    /// @param staked The part that was noted while the payee had stake.
    struct Line {
        uint96 owed;
        uint96 staked;
    }

    /// @dev By `_lineKey`.
    mapping(bytes32 line => Line) private _owed;
    /// @dev By payer, epoch and provider over all its lines.
    mapping(bytes32 payee => uint96) private _owedInAll;

    /// @inheritdoc IEscrow
    function settleDefault(address payer) external nonReentrant {
        Account storage account_ = _accounts[payer];
        uint32 epoch = account_.epoch;
        DefaultState storage state = _defaults[payer][epoch];
        uint40 closesAt = state.closesAt;
        if (closesAt == 0) revert NotInDefault(payer);
        if (block.timestamp < closesAt) revert TooEarly(closesAt);

        uint96 bond = account_.bond;
        uint96 owed = state.owed;
        uint96 payout = uint96(Shares.min(bond, owed));
        account_.bond = 0;
        account_.epoch = epoch + 1;
        account_.withdrawAt = 0;
        state.payout = payout;
        state.stakedPayout = uint96(Shares.min(bond, state.stakedOwed));
        emit DefaultSettled(payer, epoch, owed, payout, bond - payout);
        _burnOrTreasure(bond - payout);
    }

    /// @inheritdoc IEscrow
    function collectDefault(address payer, uint32 epoch, address provider, bytes32 model, address relay)
        external
        nonReentrant
    {
        if (epoch == _accounts[payer].epoch) _checkNoDefault(payer, epoch);
        bytes32 key = _lineKey(payer, epoch, provider, model, relay);
        Line memory line = _owed[key];
        if (line.owed == 0) revert NothingToCollect(provider);
        DefaultState storage state = _defaults[payer][epoch];

        // In proportion to what is left, so that the last one of each kind takes what rounding left over.
        uint96 part = _takePart(state, line);
        delete _owed[key];
        _addToPot(provider, model, relay, part, 0);
        emit DefaultCollected(payer, epoch, provider, line.owed, part);
    }

    /// @inheritdoc IEscrow
    function owedOf(address payer, uint32 epoch, address provider, bytes32 model, address relay)
        external
        view
        returns (uint96)
    {
        return _owed[_lineKey(payer, epoch, provider, model, relay)].owed;
    }

    /// @dev `_shortfallOf` has been asked before.
    function _noteShortfall(Voucher memory voucher, uint96 amount, bool hasStake) internal {
        DefaultState storage state = _defaults[voucher.payer][voucher.epoch];
        Line storage line =
            _owed[_lineKey(voucher.payer, voucher.epoch, voucher.provider, voucher.model, voucher.relay)];
        if (state.closesAt == 0) state.closesAt = uint40(block.timestamp + DEFAULT_WINDOW_SECONDS);
        state.owed += amount;
        line.owed += amount;
        if (hasStake) {
            state.stakedOwed += amount;
            line.staked += amount;
        }
        _owedInAll[_providerKey(voucher)] += amount;
        emit Shortfall(
            voucher.payer,
            voucher.provider,
            voucher.model,
            voucher.relay,
            voucher.epoch,
            amount,
            state.closesAt
        );
    }

    /// @dev How much of a shortfall counts: no provider more than the bond in all, so that a friend of the payer
    /// can't water down the others without end; one without stake a day's cap for each day that the default is open.
    /// It is a bound for each payer: one that all payers shared could be used up by a stranger.
    function _shortfallOf(uint256 index, Voucher memory voucher, bool hasStake, uint96 bond, uint96 short)
        internal
        view
        returns (uint96)
    {
        uint256 opened = block.timestamp;
        uint40 closesAt = _defaults[voucher.payer][voucher.epoch].closesAt;
        if (closesAt != 0) {
            if (block.timestamp >= closesAt) revert DefaultClosed(index, voucher.payer, closesAt);
            opened = closesAt - DEFAULT_WINDOW_SECONDS;
        }
        uint256 most = bond;
        if (!hasStake) {
            uint256 begun = (block.timestamp - opened) / 1 days + 1;
            most = Shares.min(most, begun * UNSTAKED_DAILY_CAP);
        }
        // Stake may have gone since, and more than this be noted already.
        return uint96(Shares.min(short, most - Shares.min(most, _owedInAll[_providerKey(voucher)])));
    }

    /// @dev Takes a line out of what is still to collect, and gives its part of the payout.
    function _takePart(DefaultState storage slot, Line memory line) private returns (uint96 part) {
        DefaultState memory state = slot;
        uint96 staked = _partOf(state.stakedPayout, line.staked, state.stakedOwed);
        part = staked
            + _partOf(
                state.payout - state.stakedPayout, line.owed - line.staked, state.owed - state.stakedOwed
            );
        slot.owed = state.owed - line.owed;
        slot.payout = state.payout - part;
        slot.stakedOwed = state.stakedOwed - line.staked;
        slot.stakedPayout = state.stakedPayout - staked;
    }

    /// @dev `part` is nothing where `whole` is.
    function _partOf(uint96 payout, uint96 part, uint96 whole) private pure returns (uint96) {
        return whole == 0 ? 0 : uint96(Shares.proportionDown(payout, part, whole));
    }

    function _lineKey(address payer, uint32 epoch, address provider, bytes32 model, address relay)
        private
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(payer, epoch, provider, model, relay));
    }

    function _providerKey(Voucher memory voucher) private pure returns (bytes32) {
        return keccak256(abi.encode(voucher.payer, voucher.epoch, voucher.provider));
    }
}
