// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { SafeERC20 } from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import { IEscrow } from "../interfaces/IEscrow.sol";
import { IModels } from "../interfaces/IModels.sol";
import { Bounds } from "../libraries/Bounds.sol";
import { Shares } from "../libraries/Shares.sol";
import { Ledger } from "./Ledger.sol";

/// @title Payouts
/// @notice The payees' side: pots are split, credits are paid.
abstract contract Payouts is Ledger {
    using SafeERC20 for IERC20;

    /// @dev How a pot is split; the parts and the tips add up to what was in it.
    struct Split {
        uint256 provided;
        uint256 royalty;
        uint256 relayed;
        uint256 burned;
        uint256 treasured;
        address publisher;
    }

    /// @inheritdoc IEscrow
    function sweep(address provider, bytes32 model, address relay) external nonReentrant {
        Pot memory pot = _pots[provider][model][relay];
        if (pot.gross == 0) revert NothingToSweep(provider, model, relay);
        Split memory split = _split(pot, model, relay);

        delete _pots[provider][model][relay];
        _credit(split.publisher, split.royalty);
        _credit(relay, split.relayed);
        _credit(TREASURY, split.treasured);
        (uint256 burned, uint256 spared) = _burnOrTreasure(split.burned);
        emit Swept(
            provider,
            model,
            relay,
            pot.gross,
            split.provided,
            split.royalty,
            split.relayed,
            burned,
            split.treasured + spared,
            pot.tips
        );
        // Others' parts must not hang on a provider that the asset refuses.
        if (!ASSET.trySafeTransfer(provider, split.provided)) _credit(provider, split.provided);
    }

    /// @inheritdoc IEscrow
    function collect(address owner) external nonReentrant {
        uint256 amount = _credits[owner];
        if (amount == 0) revert NothingToCollect(owner);

        delete _credits[owner];
        emit Collected(owner, amount);
        ASSET.safeTransfer(owner, amount);
    }

    /// @dev Nobody is paid for a relay that took no part, nor for a model that nobody had published in time: else
    /// whoever saw a sweep coming could publish first and take a share of all that was earned before.
    function _split(Pot memory pot, bytes32 model, address relay) private view returns (Split memory split) {
        uint256 gross = pot.gross;
        uint16 bps;
        uint40 from;
        (split.publisher, bps, from) = IModels(MODELS).royaltyOf(model);
        if (split.publisher != address(0) && from <= pot.since) {
            split.royalty = Shares.bpsDown(gross, Shares.min(bps, Bounds.MAX_ROYALTY_BPS));
        }
        if (relay != address(0)) split.relayed = Shares.bpsDown(gross, RELAY_BPS);
        split.burned = Shares.bpsDown(gross, BURN_BPS);
        split.treasured = Shares.bpsDown(gross, TREASURY_BPS);
        split.provided = gross - split.royalty - split.relayed - split.burned - split.treasured - pot.tips;
    }
}
