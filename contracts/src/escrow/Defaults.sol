// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IEscrow } from "../interfaces/IEscrow.sol";
import { Shares } from "../libraries/Shares.sol";
import { Ledger } from "./Ledger.sol";

/// @title Defaults
/// @notice Payers that signed more than they had: the bond pays, pro rata, and what is left of it is forfeited.
/// @dev An account in default has no balance: a shortfall is what the balance could not cover, and deposits are
/// refused until the default is settled.
abstract contract Defaults is Ledger {
    /// @dev By `_lineKey`.
    mapping(bytes32 line => uint96) private _owed;
    /// @dev By payer, epoch and provider over all its lines.
    mapping(bytes32 payee => uint96) private _owedInAll;

    /// @inheritdoc IEscrow
    function settleDefault(address payer) external nonReentrant {
        Account storage account_ = _accounts[payer];
        uint32 epoch = account_.epoch;
        DefaultState memory state = _defaults[payer][epoch];
        if (state.closesAt == 0) revert NotInDefault(payer);
        if (block.timestamp < state.closesAt) revert TooEarly(state.closesAt);

        uint96 bond = account_.bond;
        uint96 payout = uint96(Shares.min(bond, state.owed));
        account_.bond = 0;
        account_.epoch = epoch + 1;
        account_.withdrawAt = 0;
        _defaults[payer][epoch].payout = payout;
        emit DefaultSettled(payer, epoch, state.owed, payout, bond - payout);
        _burnOrTreasure(bond - payout);
    }

    /// @inheritdoc IEscrow
    function collectDefault(address payer, uint32 epoch, address provider, bytes32 model, address relay)
        external
        nonReentrant
    {
        if (epoch == _accounts[payer].epoch) _checkNoDefault(payer, epoch);
        bytes32 line = _lineKey(payer, epoch, provider, model, relay);
        uint96 owed = _owed[line];
        if (owed == 0) revert NothingToCollect(provider);
        DefaultState storage state = _defaults[payer][epoch];

        // In proportion to what is left, so that the last one takes what rounding left over.
        uint96 part = uint96(Shares.proportionDown(state.payout, owed, state.owed));
        delete _owed[line];
        state.owed -= owed;
        state.payout -= part;
        _pots[provider][model][relay].gross += part;
        emit DefaultCollected(payer, epoch, provider, owed, part);
    }

    /// @inheritdoc IEscrow
    function owedOf(address payer, uint32 epoch, address provider, bytes32 model, address relay)
        external
        view
        returns (uint96)
    {
        return _owed[_lineKey(payer, epoch, provider, model, relay)];
    }

    /// @dev `_shortfallOf` has been asked before.
    function _noteShortfall(Voucher memory voucher, uint96 amount) internal {
        DefaultState storage state = _defaults[voucher.payer][voucher.epoch];
        if (state.closesAt == 0) state.closesAt = uint40(block.timestamp + DEFAULT_WINDOW_SECONDS);
        state.owed += amount;
        _owedInAll[_providerKey(voucher)] += amount;
        _owed[
                _lineKey(voucher.payer, voucher.epoch, voucher.provider, voucher.model, voucher.relay)
            ] += amount;
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
