// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IEscrow } from "../interfaces/IEscrow.sol";
import { IStake } from "../interfaces/IStake.sol";
import { Shares } from "../libraries/Shares.sol";
import { Signatures } from "../libraries/Signatures.sol";
import { VoucherHash } from "../libraries/VoucherHash.sol";
import { Defaults } from "./Defaults.sol";

/// @title Claims
/// @notice Vouchers: what they are worth now, and counting them. No asset moves here.
abstract contract Claims is Defaults {
    /// @dev What a provider without stake has claimed on a day of UTC.
    struct Daily {
        uint40 day;
        uint96 claimed;
    }

    /// @dev What a voucher is worth now.
    struct Due {
        bytes32 payeeKey;
        uint96 claimed;
        uint96 paid;
        uint96 short;
        bool isCapped;
    }

    mapping(address provider => Daily) private _daily;

    /// @inheritdoc IEscrow
    function claim(SignedVoucher[] calldata batch) external nonReentrant {
        if (batch.length == 0) revert EmptyBatch();
        for (uint256 i; i < batch.length; ++i) {
            _claim(i, batch[i]);
        }
    }

    /// @inheritdoc IEscrow
    function claimable(SignedVoucher calldata signed) external view returns (uint96 paid, uint96 short) {
        Due memory due = _due(0, signed);
        return (due.paid, due.short);
    }

    /// @inheritdoc IEscrow
    function dailyLeft(address provider) external view returns (uint256 left) {
        (left,) = _dailyLeft(provider);
    }

    /// @inheritdoc IEscrow
    function hashVoucher(Voucher calldata voucher) public view returns (bytes32) {
        return _hashTypedDataV4(VoucherHash.structHash(voucher));
    }

    function _claim(uint256 index, SignedVoucher calldata signed) private {
        Voucher calldata voucher = signed.voucher;
        Due memory due = _due(index, signed);
        uint96 amount = due.paid + due.short;

        _claimed[due.payeeKey] = due.claimed + amount;
        if (signed.signer != voucher.payer) _sessions[voucher.payer][signed.signer].spent += amount;
        if (due.isCapped) _countDaily(voucher.provider, amount);
        if (due.paid > 0) _pay(voucher, due.paid);
        emit Claimed(
            voucher.payer,
            voucher.provider,
            voucher.model,
            voucher.relay,
            voucher.epoch,
            due.paid,
            due.claimed + amount
        );
        if (due.short > 0) _noteShortfall(voucher, due.short);
    }

    function _pay(Voucher calldata voucher, uint96 paid) private {
        _accounts[voucher.payer].balance -= paid;
        Pot storage pot = _pots[_potKey(voucher.provider, voucher.model, voucher.relay)];
        pot.gross += paid;
        if (msg.sender == voucher.provider) return;
        uint256 tip = Shares.min(Shares.bpsDown(paid, TIP_BPS), TIP_CAP);
        if (tip == 0) return;
        pot.tips += uint96(tip);
        _credit(msg.sender, tip);
    }

    function _countDaily(address provider, uint96 amount) private {
        Daily storage daily = _daily[provider];
        uint40 today = _today();
        daily.claimed = (daily.day == today ? daily.claimed : 0) + amount;
        daily.day = today;
    }

    function _due(uint256 index, SignedVoucher calldata signed) private view returns (Due memory due) {
        Voucher calldata voucher = signed.voucher;
        Account memory payer = _accounts[voucher.payer];
        if (voucher.epoch != payer.epoch) revert WrongEpoch(index, voucher.epoch, payer.epoch);
        due.payeeKey = _payeeKey(voucher.payer, voucher.epoch, voucher.provider, voucher.model);
        due.claimed = _claimed[due.payeeKey];
        if (voucher.cumulative <= due.claimed) {
            revert StaleVoucher(index, due.claimed, voucher.cumulative);
        }
        uint256 sessionLeft = _checkSigner(index, signed);
        uint256 dailyLeft_;
        (dailyLeft_, due.isCapped) = _dailyLeft(voucher.provider);

        uint96 added = voucher.cumulative - due.claimed;
        uint256 allowed = Shares.min(added, Shares.min(sessionLeft, dailyLeft_));
        due.paid = uint96(Shares.min(allowed, payer.balance));
        if (due.paid < allowed) {
            due.short = _shortfallOf(index, voucher, payer.bond, uint96(allowed) - due.paid);
        }
        if (due.paid + due.short == 0) revert NothingPayable(index, added, sessionLeft, dailyLeft_);
    }

    /// @dev Gives what the signer may still spend. The payer itself has no cap but its money.
    function _checkSigner(uint256 index, SignedVoucher calldata signed) private view returns (uint256 left) {
        address payer = signed.voucher.payer;
        bytes32 digest = hashVoucher(signed.voucher);
        if (signed.signer == payer) {
            if (!Signatures.isOfAccount(payer, digest, signed.signature)) {
                revert InvalidSignature(index, payer);
            }
            return type(uint96).max;
        }
        Session memory session_ = _sessions[payer][signed.signer];
        uint256 acceptedUntil = uint256(session_.expiry) + GRACE_SECONDS;
        if (block.timestamp >= acceptedUntil) revert SessionExpired(index, signed.signer, acceptedUntil);
        if (!Signatures.isOfKey(signed.signer, digest, signed.signature)) {
            revert InvalidSignature(index, signed.signer);
        }
        return session_.cap - session_.spent;
    }

    function _dailyLeft(address provider) private view returns (uint256 left, bool isCapped) {
        if (IStake(STAKE).hasStake(provider)) return (type(uint96).max, false);
        Daily storage daily = _daily[provider];
        uint96 claimed = daily.day == _today() ? daily.claimed : 0;
        return (UNSTAKED_DAILY_CAP - claimed, true);
    }

    function _today() private view returns (uint40) {
        return uint40(block.timestamp / 1 days);
    }
}
