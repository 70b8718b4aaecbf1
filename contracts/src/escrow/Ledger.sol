// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { ERC20Burnable } from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import { ReentrancyGuardTransient } from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import { IEscrow } from "../interfaces/IEscrow.sol";
import { Bounds } from "../libraries/Bounds.sol";

/// @title Ledger
/// @notice The books of the escrow: what all its parts share, and how to read them.
/// @dev At any time the asset held is at least: balances and bonds, pots without their tips, credits, and what
/// settled defaults have still to pay.
abstract contract Ledger is IEscrow, EIP712, ReentrancyGuardTransient {
    /// @dev An amount as wide as its slot, so that it is written without being read again.
    struct Count {
        uint256 amount;
    }

    /// @dev What a payer's balance paid to providers without stake.
    /// @param day Of UTC, to which `paid` belongs.
    /// @param fullDay The last day on which that was all it may pay.
    struct PayerDay {
        uint40 day;
        uint40 fullDay;
        uint96 paid;
    }

    IERC20 internal immutable ASSET;
    bool internal immutable IS_BURNABLE;
    address internal immutable STAKE;
    address internal immutable MODELS;
    address internal immutable TREASURY;
    address internal immutable GUARDIAN;
    uint16 internal immutable RELAY_BPS;
    uint16 internal immutable BURN_BPS;
    uint16 internal immutable TREASURY_BPS;
    uint16 internal immutable BOND_BPS;
    uint16 internal immutable TIP_BPS;
    uint96 internal immutable TIP_CAP;
    uint96 internal immutable UNSTAKED_DAILY_CAP;
    uint96 internal immutable PAYER_DAILY_CAP;
    uint32 internal immutable GRACE_SECONDS;
    uint32 internal immutable DEFAULT_WINDOW_SECONDS;

    bool internal _isPaused;
    mapping(address payer => Account) internal _accounts;
    mapping(address payer => mapping(address key => Session)) internal _sessions;
    mapping(
        address payer => mapping(uint32 epoch => mapping(address provider => mapping(bytes32 model => Count)))
    ) internal _claimed;
    mapping(address provider => mapping(bytes32 model => mapping(address relay => Pot))) internal _pots;
    mapping(address owner => uint256) internal _credits;
    mapping(address payer => PayerDay) internal _payerDays;
    mapping(address payer => mapping(uint32 epoch => DefaultState)) internal _defaults;

    constructor(Config memory init) EIP712("Infernet Escrow", "1") {
        _check(init);
        ASSET = IERC20(init.asset);
        IS_BURNABLE = init.isBurnable;
        STAKE = init.stake;
        MODELS = init.models;
        TREASURY = init.treasury;
        GUARDIAN = init.guardian;
        RELAY_BPS = init.relayBps;
        BURN_BPS = init.burnBps;
        TREASURY_BPS = init.treasuryBps;
        BOND_BPS = init.bondBps;
        TIP_BPS = init.tipBps;
        TIP_CAP = init.tipCap;
        UNSTAKED_DAILY_CAP = init.unstakedDailyCap;
        PAYER_DAILY_CAP = init.payerDailyCap;
        GRACE_SECONDS = init.graceSeconds;
        DEFAULT_WINDOW_SECONDS = init.defaultWindowSeconds;
    }

    /// @inheritdoc IEscrow
    function config() external view returns (Config memory) {
        return Config({
            asset: address(ASSET),
            isBurnable: IS_BURNABLE,
            stake: STAKE,
            models: MODELS,
            treasury: TREASURY,
            guardian: GUARDIAN,
            relayBps: RELAY_BPS,
            burnBps: BURN_BPS,
            treasuryBps: TREASURY_BPS,
            bondBps: BOND_BPS,
            tipBps: TIP_BPS,
            tipCap: TIP_CAP,
            unstakedDailyCap: UNSTAKED_DAILY_CAP,
            payerDailyCap: PAYER_DAILY_CAP,
            graceSeconds: GRACE_SECONDS,
            defaultWindowSeconds: DEFAULT_WINDOW_SECONDS
        });
    }

    /// @inheritdoc IEscrow
    function isPaused() external view returns (bool) {
        return _isPaused;
    }

    /// @inheritdoc IEscrow
    function account(address payer) external view returns (Account memory) {
        return _accounts[payer];
    }

    /// @inheritdoc IEscrow
    function session(address payer, address key) external view returns (Session memory) {
        return _sessions[payer][key];
    }

    /// @inheritdoc IEscrow
    function claimedOf(address payer, uint32 epoch, address provider, bytes32 model)
        external
        view
        returns (uint96)
    {
        return uint96(_claimed[payer][epoch][provider][model].amount);
    }

    /// @inheritdoc IEscrow
    function potOf(address provider, bytes32 model, address relay) external view returns (Pot memory) {
        return _pots[provider][model][relay];
    }

    /// @inheritdoc IEscrow
    function creditOf(address owner) external view returns (uint256) {
        return _credits[owner];
    }

    /// @inheritdoc IEscrow
    function defaultOf(address payer, uint32 epoch) external view returns (DefaultState memory) {
        return _defaults[payer][epoch];
    }

    /// @dev Reverts while the payer's default is open or unsettled.
    function _checkNoDefault(address payer, uint32 epoch) internal view {
        uint40 closesAt = _defaults[payer][epoch].closesAt;
        if (closesAt != 0) revert InDefault(payer, closesAt);
    }

    /// @dev The last step of its caller: it may call the asset. Gives what was burned and what the treasury got.
    function _burnOrTreasure(uint256 amount) internal returns (uint256 burned, uint256 treasured) {
        if (amount == 0) return (0, 0);
        if (IS_BURNABLE) {
            ERC20Burnable(address(ASSET)).burn(amount);
            return (amount, 0);
        }
        _credit(TREASURY, amount);
        return (0, amount);
    }

    /// @dev A part of nothing costs nothing.
    function _credit(address owner, uint256 amount) internal {
        if (amount > 0) _credits[owner] += amount;
    }

    /// @dev The time of the first money in a pot says whose royalty it may bear.
    function _addToPot(address provider, bytes32 model, address relay, uint96 amount, uint96 tips) internal {
        Pot storage pot = _pots[provider][model][relay];
        if (pot.gross == 0) pot.since = uint40(block.timestamp);
        pot.gross += amount;
        if (tips > 0) pot.tips += tips;
    }

    function _check(Config memory init) private view {
        _bound("asset", init.asset.code.length, 1, type(uint256).max);
        _bound("stake", init.stake.code.length, 1, type(uint256).max);
        _bound("models", init.models.code.length, 1, type(uint256).max);
        _bound("treasury", uint160(init.treasury), 1, type(uint160).max);
        _bound("tipBps", init.tipBps, 0, Bounds.MAX_TIP_BPS);
        _bound("bondBps", init.bondBps, Bounds.MIN_BOND_BPS, Bounds.MAX_BOND_BPS);
        _bound("graceSeconds", init.graceSeconds, Bounds.MIN_GRACE_SECONDS, Bounds.MAX_GRACE_SECONDS);
        _bound(
            "defaultWindowSeconds",
            init.defaultWindowSeconds,
            Bounds.MIN_GRACE_SECONDS,
            Bounds.MAX_GRACE_SECONDS
        );
        _bound("unstakedDailyCap", init.unstakedDailyCap, 1, type(uint96).max);
        _bound("payerDailyCap", init.payerDailyCap, init.unstakedDailyCap, type(uint96).max);
        uint256 shares = uint256(init.relayBps) + init.burnBps + init.treasuryBps;
        uint256 most = 10_000 - Bounds.MIN_PROVIDER_BPS - Bounds.MAX_ROYALTY_BPS - init.tipBps;
        _bound("shares", shares, 0, most);
    }

    function _bound(bytes32 parameter, uint256 value, uint256 least, uint256 most) private pure {
        if (value < least || value > most) revert OutOfBounds(parameter, value);
    }
}
