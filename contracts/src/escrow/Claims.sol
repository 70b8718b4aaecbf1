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
    /// @dev A provider's day of UTC. That it has stake is asked once a day: asking costs as much as a slot.
    struct Daily {
        uint40 day;
        bool hasStake;
        uint96 claimed;
    }

    mapping(address provider => Daily) private _daily;

    /// @inheritdoc IEscrow
    function claim(SignedVoucher[] calldata batch) external nonReentrantView {
        uint256 count = batch.length;
        if (count == 0) revert EmptyBatch();
        for (uint256 i; i < count; ++i) {
            _claim(i, batch[i]);
        }
    }

    /// @inheritdoc IEscrow
    function claimable(SignedVoucher calldata signed) external view returns (uint96 paid, uint96 short) {
        Voucher calldata voucher = signed.voucher;
        Account storage payer = _accounts[voucher.payer];
        uint96 claimed = _checkFresh(0, voucher, payer, _claimedTo(voucher));
        Session storage session_ = _sessions[voucher.payer][signed.signer];
        (uint256 allowed,,) = _allowed(0, signed, session_, voucher.cumulative - claimed);
        return _cover(0, voucher, payer, allowed);
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
        Account storage payer = _accounts[voucher.payer];
        mapping(bytes32 => uint96) storage counted = _claimedTo(voucher);
        uint96 claimed = _checkFresh(index, voucher, payer, counted);
        Session storage session_ = _sessions[voucher.payer][signed.signer];
        (uint256 allowed, uint96 spent, bool isStaked) =
            _allowed(index, signed, session_, voucher.cumulative - claimed);
        (uint96 paid, uint96 short) = _cover(index, voucher, payer, allowed);
        // What is claimed stays below what is signed, what is spent below the cap, what is paid below the balance.
        unchecked {
            uint96 amount = paid + short;
            claimed += amount;
            if (signed.signer != voucher.payer) session_.spent = spent + amount;
            if (!isStaked) _countDaily(voucher.provider, amount);
            payer.balance -= paid;
        }
        counted[voucher.model] = claimed;
        _fill(_pots[voucher.provider][voucher.model][voucher.relay], voucher.provider, paid);
        emit Claimed(voucher.payer, voucher.provider, voucher.model, voucher.relay, paid, claimed);
        if (short > 0) _noteShortfall(voucher, short);
    }

    /// @dev The tip is the provider's to give: it stays in the pot's `gross`, from which all shares are taken.
    function _fill(Pot storage pot, address provider, uint96 paid) private {
        pot.gross += paid;
        if (msg.sender == provider) return;
        uint256 tip = Shares.min(Shares.bpsDown(paid, TIP_BPS), TIP_CAP);
        pot.tips += uint96(tip);
        _credit(msg.sender, tip);
    }

    /// @dev Gives what was claimed before.
    function _checkFresh(
        uint256 index,
        Voucher calldata voucher,
        Account storage payer,
        mapping(bytes32 model => uint96) storage counted
    ) private view returns (uint96 claimed) {
        uint32 epoch = payer.epoch;
        if (voucher.epoch != epoch) revert WrongEpoch(index, voucher.epoch, epoch);
        claimed = counted[voucher.model];
        if (voucher.cumulative <= claimed) revert StaleVoucher(index, claimed, voucher.cumulative);
    }

    /// @dev What of an amount the signer and the day allow; what a session has spent; and whether the provider's stake
    /// was noted today, so that there is nothing to count.
    function _allowed(uint256 index, SignedVoucher calldata signed, Session storage session_, uint256 added)
        private
        view
        returns (uint256 allowed, uint96 spent, bool isStaked)
    {
        uint256 left;
        (left, spent) = _checkSigner(index, signed, session_);
        allowed = Shares.min(added, left);
        (left, isStaked) = _dailyLeft(signed.voucher.provider);
        allowed = Shares.min(allowed, left);
    }

    /// @dev What of an allowed amount the balance pays, and what of the rest counts against the bond.
    function _cover(uint256 index, Voucher calldata voucher, Account storage payer, uint256 allowed)
        private
        view
        returns (uint96 paid, uint96 short)
    {
        paid = uint96(Shares.min(allowed, payer.balance));
        if (paid < allowed) short = _shortfallOf(index, voucher, payer.bond, uint96(allowed) - paid);
        if (paid + short == 0) revert NothingPayable(index, allowed);
    }

    function _claimedTo(Voucher calldata voucher)
        private
        view
        returns (mapping(bytes32 model => uint96) storage)
    {
        return _claimed[voucher.payer][voucher.epoch][voucher.provider];
    }

    /// @dev Gives what the signer may still spend. The payer itself has no cap but its money.
    function _checkSigner(uint256 index, SignedVoucher calldata signed, Session storage session_)
        private
        view
        returns (uint256 left, uint96 spent)
    {
        (address payer, address signer) = (signed.voucher.payer, signed.signer);
        bytes32 digest = hashVoucher(signed.voucher);
        if (signer == payer) {
            if (!Signatures.isOfAccount(payer, digest, signed.signature)) {
                revert InvalidSignature(index, payer);
            }
            return (type(uint96).max, 0);
        }
        uint256 acceptedUntil = uint256(session_.expiry) + GRACE_SECONDS;
        spent = session_.spent;
        left = session_.cap - spent;
        if (block.timestamp >= acceptedUntil) revert SessionExpired(index, signer, acceptedUntil);
        if (!Signatures.isOfKey(signer, digest, signed.signature)) revert InvalidSignature(index, signer);
    }

    /// @dev Stake that comes during a day lifts the cap at once; stake that goes does so at the end of the day, for it
    /// stays in the court's reach much longer.
    function _countDaily(address provider, uint96 amount) private {
        uint40 today = _today();
        Daily memory daily = _daily[provider];
        if (daily.day != today) (daily.day, daily.claimed) = (today, 0);
        daily.hasStake = IStake(STAKE).hasStake(provider);
        if (!daily.hasStake) daily.claimed += amount;
        _daily[provider] = daily;
    }

    /// @dev What the provider may claim today, and whether its stake was noted today.
    function _dailyLeft(address provider) private view returns (uint256 left, bool isStaked) {
        Daily storage daily = _daily[provider];
        bool isToday = daily.day == _today();
        isStaked = isToday && daily.hasStake;
        if (isStaked || IStake(STAKE).hasStake(provider)) return (type(uint96).max, isStaked);
        return (UNSTAKED_DAILY_CAP - (isToday ? daily.claimed : 0), false);
    }

    function _today() private view returns (uint40) {
        return uint40(block.timestamp / 1 days);
    }
}
