// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { IERC20Permit } from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import { SafeERC20 } from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import { SafeCast } from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import { IEscrow } from "../interfaces/IEscrow.sol";
import { Bounds } from "../libraries/Bounds.sol";
import { Shares } from "../libraries/Shares.sol";
import { Ledger } from "./Ledger.sol";

/// @title Accounts
/// @notice The payer's side: deposits, sessions, withdrawals.
abstract contract Accounts is Ledger {
    using SafeERC20 for IERC20;

    /// @inheritdoc IEscrow
    function deposit(uint96 amount) external nonReentrant {
        _deposit(amount);
    }

    /// @inheritdoc IEscrow
    function depositWithPermit(uint96 amount, Permit calldata permit) external nonReentrant {
        _permit(amount, permit);
        _deposit(amount);
    }

    /// @inheritdoc IEscrow
    function depositWithSession(uint96 amount, address key, uint96 cap, uint40 expiry) external nonReentrant {
        _authorize(key, cap, expiry);
        _deposit(amount);
    }

    /// @inheritdoc IEscrow
    function depositWithSessionAndPermit(
        uint96 amount,
        address key,
        uint96 cap,
        uint40 expiry,
        Permit calldata permit
    ) external nonReentrant {
        _permit(amount, permit);
        _authorize(key, cap, expiry);
        _deposit(amount);
    }

    /// @inheritdoc IEscrow
    function authorizeSession(address key, uint96 cap, uint40 expiry) external {
        _authorize(key, cap, expiry);
    }

    /// @inheritdoc IEscrow
    function revokeSession(address key) external {
        Session storage session_ = _sessions[msg.sender][key];
        uint40 nowSeconds = uint40(block.timestamp);
        if (session_.expiry <= nowSeconds) revert SessionEnded(key, session_.expiry);

        session_.expiry = nowSeconds;
        emit SessionRevoked(msg.sender, key, nowSeconds);
    }

    /// @inheritdoc IEscrow
    function requestWithdrawal() external {
        Account storage account_ = _accounts[msg.sender];
        if (account_.withdrawAt != 0) revert WithdrawalPending(account_.withdrawAt);
        if (account_.balance == 0 && account_.bond == 0) revert NothingToWithdraw(msg.sender);

        uint32 withdrawAt = SafeCast.toUint32(block.timestamp + GRACE_SECONDS);
        account_.withdrawAt = withdrawAt;
        emit WithdrawalRequested(msg.sender, withdrawAt);
    }

    /// @inheritdoc IEscrow
    function cancelWithdrawal() external {
        if (_accounts[msg.sender].withdrawAt == 0) revert NoWithdrawal(msg.sender);

        _accounts[msg.sender].withdrawAt = 0;
        emit WithdrawalCancelled(msg.sender);
    }

    /// @inheritdoc IEscrow
    function withdraw() external nonReentrant {
        Account memory account_ = _accounts[msg.sender];
        if (account_.withdrawAt == 0) revert NoWithdrawal(msg.sender);
        if (block.timestamp < account_.withdrawAt) revert TooEarly(account_.withdrawAt);
        _checkDayIsOver(msg.sender);
        _checkNoDefault(msg.sender, account_.epoch);

        uint256 amount = uint256(account_.balance) + account_.bond;
        _accounts[msg.sender] = Account({ balance: 0, bond: 0, epoch: account_.epoch + 1, withdrawAt: 0 });
        emit Withdrawn(msg.sender, account_.epoch, amount);
        ASSET.safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc IEscrow
    function pause() external {
        _setPaused(true);
    }

    /// @inheritdoc IEscrow
    function unpause() external {
        _setPaused(false);
    }

    /// @dev After a day of which providers without stake had all, they have a whole one to claim what it left over.
    function _checkDayIsOver(address payer) private view {
        uint256 freeAt = (uint256(_payerDays[payer].fullDay) + 2) * 1 days;
        if (block.timestamp < freeAt) revert TooEarly(uint40(freeAt));
    }

    function _deposit(uint96 amount) private {
        if (_isPaused) revert DepositsPaused();
        if (amount == 0) revert ZeroAmount();
        Account memory account_ = _accounts[msg.sender];
        _checkNoDefault(msg.sender, account_.epoch);

        // Rounded up: not even a dust deposit is without a bond.
        uint96 bond = uint96(Shares.bpsUp(amount, BOND_BPS));
        bool isCancelling = account_.withdrawAt != 0;
        account_.balance += amount - bond;
        account_.bond += bond;
        account_.withdrawAt = 0;
        _accounts[msg.sender] = account_;
        emit Deposited(msg.sender, account_.epoch, amount, bond);
        if (isCancelling) emit WithdrawalCancelled(msg.sender);

        uint256 held = ASSET.balanceOf(address(this));
        ASSET.safeTransferFrom(msg.sender, address(this), amount);
        uint256 arrived = ASSET.balanceOf(address(this)) - held;
        if (arrived < amount) revert ShortTransfer(amount, arrived);
    }

    function _authorize(address key, uint96 cap, uint40 expiry) private {
        if (key == address(0) || key == msg.sender) revert InvalidKey(key);
        if (cap == 0) revert ZeroAmount();
        uint40 latest = uint40(block.timestamp + Bounds.MAX_SESSION_SECONDS);
        if (expiry <= block.timestamp || expiry > latest) revert InvalidExpiry(expiry, latest);
        Session storage session_ = _sessions[msg.sender][key];
        if (cap < session_.cap || expiry < session_.expiry) {
            revert SessionShrinks(cap, session_.cap, expiry, session_.expiry);
        }

        session_.cap = cap;
        session_.expiry = expiry;
        emit SessionAuthorized(msg.sender, key, cap, expiry);
    }

    /// @dev Whoever sees the permit can send it first; what counts is the allowance.
    function _permit(uint96 amount, Permit calldata permit) private {
        try IERC20Permit(address(ASSET))
            .permit(msg.sender, address(this), amount, permit.deadline, permit.v, permit.r, permit.s) { }
            catch { }
    }

    function _setPaused(bool isPaused_) private {
        if (msg.sender != GUARDIAN) revert NotGuardian(msg.sender);

        _isPaused = isPaused_;
        emit DepositsPauseChanged(isPaused_);
    }
}
