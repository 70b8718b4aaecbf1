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
    /// @param paid What it was paid out of balances. A shortfall is no payment: were it counted, any stranger's empty
    /// account could use up the day.
    struct Daily {
        uint40 day;
        bool hasStake;
        uint96 paid;
    }

    /// @dev Vouchers that go to one pot: what is read before the first of them and written after the last.
    /// @param isNoted The stake was noted before today, so that the day has nothing to count.
    /// @param paidToday With what was paid before this run.
    struct Run {
        uint40 day;
        bool hasStake;
        bool isNoted;
        uint96 paidToday;
        uint96 paid;
        uint96 tips;
    }

    mapping(address provider => Daily) private _daily;

    /// @inheritdoc IEscrow
    function claim(SignedVoucher[] calldata batch) external nonReentrantView {
        uint256 count = batch.length;
        if (count == 0) revert EmptyBatch();
        for (uint256 i; i < count; ++i) {
            SignedVoucher calldata signed = batch[i];
            Voucher memory voucher = signed.voucher;
            Run memory run = _begin(voucher.provider);
            _claim(i, voucher, signed.signer, signed.signature, run);
            _end(voucher, run);
        }
    }

    /// @inheritdoc IEscrow
    function claimToPot(address provider, bytes32 model, address relay, PotVoucher[] calldata batch)
        external
        nonReentrantView
    {
        uint256 count = batch.length;
        if (count == 0) revert EmptyBatch();
        Voucher memory voucher;
        (voucher.provider, voucher.model, voucher.relay) = (provider, model, relay);
        Run memory run = _begin(provider);
        for (uint256 i; i < count; ++i) {
            PotVoucher calldata entry = batch[i];
            (voucher.payer, voucher.epoch, voucher.cumulative) = (entry.payer, entry.epoch, entry.cumulative);
            _claim(i, voucher, entry.signer, Signatures.asBytes(entry.signature), run);
        }
        _end(voucher, run);
    }

    /// @inheritdoc IEscrow
    function claimable(SignedVoucher calldata signed) external view returns (uint96 paid, uint96 short) {
        Voucher memory voucher = signed.voucher;
        return _worthOf(0, voucher, signed.signer, signed.signature, _begin(voucher.provider));
    }

    /// @inheritdoc IEscrow
    function dailyLeft(address provider) external view returns (uint256) {
        return _leftOf(_begin(provider));
    }

    /// @inheritdoc IEscrow
    function payerDailyLeft(address payer) external view returns (uint256) {
        return _payerLeftOn(payer, uint40(block.timestamp / 1 days));
    }

    /// @inheritdoc IEscrow
    function hashVoucher(Voucher memory voucher) public view returns (bytes32) {
        return _hashTypedDataV4(VoucherHash.structHash(voucher));
    }

    function _claim(
        uint256 index,
        Voucher memory voucher,
        address signer,
        bytes calldata signature,
        Run memory run
    ) private {
        (uint96 paid, uint96 short) = _worthOf(index, voucher, signer, signature, run);
        uint96 amount;
        // What is claimed stays below what is signed, what is spent below the cap, what is paid below the balance.
        unchecked {
            amount = paid + short;
            _accounts[voucher.payer].balance -= paid;
            if (signer != voucher.payer) _sessions[voucher.payer][signer].spent += amount;
            if (!run.hasStake) run.paidToday += paid;
        }
        if (!run.hasStake && paid > 0) _charge(voucher.payer, run.day, paid);
        uint96 claimed = _count(voucher, amount);
        _fill(run, voucher.provider, paid);
        emit Claimed(voucher.payer, voucher.provider, voucher.model, voucher.relay, paid, claimed);
        if (short > 0) _noteShortfall(voucher, short, run.hasStake);
    }

    function _begin(address provider) private view returns (Run memory run) {
        Daily storage daily = _daily[provider];
        run.day = uint40(block.timestamp / 1 days);
        if (daily.day == run.day) (run.isNoted, run.paidToday) = (daily.hasStake, daily.paid);
        run.hasStake = run.isNoted || IStake(STAKE).hasStake(provider);
    }

    /// @dev Stake that comes during a day lifts the cap at once; stake that goes does so at the end of the day, for it
    /// stays in the court's reach much longer.
    function _end(Voucher memory voucher, Run memory run) private {
        if (!run.isNoted) {
            _daily[voucher.provider] = Daily({ day: run.day, hasStake: run.hasStake, paid: run.paidToday });
        }
        if (run.paid == 0) return;
        _addToPot(voucher.provider, voucher.model, voucher.relay, run.paid, run.tips);
        _credit(msg.sender, run.tips);
    }

    /// @dev No more than `_payerLeftOn` told.
    function _charge(address payer, uint40 day, uint96 paid) private {
        PayerDay memory spent = _payerDays[payer];
        if (spent.day != day) (spent.day, spent.paid) = (day, 0);
        spent.paid += paid;
        if (spent.paid == PAYER_DAILY_CAP) spent.fullDay = day;
        _payerDays[payer] = spent;
    }

    /// @dev The tip is the provider's to give: it stays in the pot's `gross`, from which all shares are taken.
    function _fill(Run memory run, address provider, uint96 paid) private view {
        run.paid += paid;
        if (msg.sender == provider) return;
        run.tips += uint96(Shares.min(Shares.bpsDown(paid, TIP_BPS), TIP_CAP));
    }

    /// @dev What is claimed stays below what is signed.
    function _count(Voucher memory voucher, uint96 amount) private returns (uint96 claimed) {
        Count storage count = _countOf(voucher);
        unchecked {
            claimed = uint96(count.amount) + amount;
        }
        count.amount = claimed;
    }

    /// @dev What a voucher is worth now: what the balance pays of what it adds, as far as the provider's day goes, and
    /// what of the rest counts against the bond. What the balance could pay tomorrow is no shortfall today.
    function _worthOf(
        uint256 index,
        Voucher memory voucher,
        address signer,
        bytes calldata signature,
        Run memory run
    ) private view returns (uint96 paid, uint96 short) {
        Account storage payer = _accounts[voucher.payer];
        uint96 balance = payer.balance;
        uint256 allowed = _addedBy(index, voucher, payer.epoch);
        allowed = Shares.min(allowed, _checkSigner(index, voucher, signer, signature));
        paid = uint96(Shares.min(Shares.min(allowed, balance), _leftOf(run)));
        if (!run.hasStake) paid = uint96(Shares.min(paid, _payerLeftOn(voucher.payer, run.day)));
        if (paid < allowed && paid == balance) {
            short = _shortfallOf(index, voucher, run.hasStake, payer.bond, uint96(allowed) - paid);
        }
        if (paid == 0 && short == 0) revert NothingPayable(index, balance == 0 ? allowed : 0);
    }

    /// @dev What a voucher adds to what was claimed before.
    function _addedBy(uint256 index, Voucher memory voucher, uint32 epoch) private view returns (uint256) {
        if (voucher.epoch != epoch) revert WrongEpoch(index, voucher.epoch, epoch);
        uint96 claimed = uint96(_countOf(voucher).amount);
        if (voucher.cumulative <= claimed) revert StaleVoucher(index, claimed, voucher.cumulative);
        return voucher.cumulative - claimed;
    }

    function _countOf(Voucher memory voucher) private view returns (Count storage) {
        return _claimed[voucher.payer][voucher.epoch][voucher.provider][voucher.model];
    }

    /// @dev Gives what the signer may still spend. The payer itself has no cap but its money.
    function _checkSigner(uint256 index, Voucher memory voucher, address signer, bytes calldata signature)
        private
        view
        returns (uint256)
    {
        bytes32 digest = hashVoucher(voucher);
        if (signer == voucher.payer) {
            if (!Signatures.isOfAccount(signer, digest, signature)) revert InvalidSignature(index, signer);
            return type(uint96).max;
        }
        Session storage session_ = _sessions[voucher.payer][signer];
        uint256 left = session_.cap - session_.spent;
        uint256 acceptedUntil = uint256(session_.expiry) + GRACE_SECONDS;
        if (block.timestamp >= acceptedUntil) revert SessionExpired(index, signer, acceptedUntil);
        if (!Signatures.isOfKey(signer, digest, signature)) revert InvalidSignature(index, signer);
        return left;
    }

    /// @dev What a provider may still be paid on a day.
    function _leftOf(Run memory run) private view returns (uint256) {
        return run.hasStake ? type(uint96).max : UNSTAKED_DAILY_CAP - run.paidToday;
    }

    /// @dev What a payer may still pay on that day to all providers without stake together.
    function _payerLeftOn(address payer, uint40 day) private view returns (uint256) {
        PayerDay storage spent = _payerDays[payer];
        return spent.day == day ? PAYER_DAILY_CAP - spent.paid : PAYER_DAILY_CAP;
    }
}
