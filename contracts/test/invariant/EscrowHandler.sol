// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { TestBase } from "../Vm.sol";
import { InfernetToken } from "../../src/InfernetToken.sol";
import { Stake } from "../../src/Stake.sol";
import { IEscrow } from "../../src/interfaces/IEscrow.sol";
import { IEscrowTypes } from "../../src/interfaces/IEscrowTypes.sol";
import { IStake } from "../../src/interfaces/IStake.sol";

/// @notice Payers, providers, relays and a guardian doing all that the escrow allows, in any order; what they did is
/// noted in ghosts. It asks for nothing that must be refused: a revert is a bug.
contract EscrowHandler is TestBase, IEscrowTypes {
    uint256 public constant PAYERS = 3;
    /// The first has stake for good, that of the second comes and goes, all others are free addresses.
    uint256 public constant PROVIDERS = 5;
    uint256 private constant SYBILS_FROM = 2;
    uint256 public constant MODELS = 2;
    uint256 public constant RELAYS = 2;
    uint96 private constant MOST = 1_000e18;

    IEscrow private immutable ESCROW;
    InfernetToken private immutable TOKEN;
    IStake private immutable STAKE;
    address private immutable GUARDIAN;
    address private immutable TREASURY;

    /// Everything that ever came in and went out, by whom.
    mapping(address payer => uint256) public deposited;
    mapping(address payer => uint256) public withdrawn;
    /// What went from a payer's account to pots, and from its bond to defaults' payouts and to the fire.
    mapping(address payer => uint256) public paid;
    /// What reached a provider's pots out of balances on a day of UTC.
    mapping(address provider => mapping(uint256 day => uint256)) public earned;
    mapping(address payer => uint256) public forfeited;
    mapping(bytes32 payee => uint256) public signedHighest;
    mapping(bytes32 payee => uint256) public claimedHighest;
    uint256 private leftBefore;
    /// What a payer's balance paid to those without stake on a day of UTC, and the last day on which that was all.
    mapping(address payer => mapping(uint256 day => uint256)) public paidUnstaked;
    mapping(address payer => uint256) public fullDay;
    /// What was given to the escrow and asked of nobody.
    uint256 public donated;
    /// What payees collected of defaults while somebody with stake was still short of what was owed to it.
    bool public wasStakeLast;
    uint256 public sweptGross;
    uint256 public sweptParts;
    bool public wasClaimedLowered;
    bool public wasWithdrawnEarly;
    mapping(string verb => uint256) public calls;

    constructor(IEscrow escrow, InfernetToken token, IStake stake, address guardian, address treasury) {
        (ESCROW, TOKEN, STAKE, GUARDIAN, TREASURY) = (escrow, token, stake, guardian, treasury);
    }

    function payerKey(uint256 index) public pure returns (uint256) {
        return 0xA000 + index;
    }

    function payerAt(uint256 index) public pure returns (address) {
        return vm.addr(payerKey(index));
    }

    function sessionKey(uint256 index) public pure returns (uint256) {
        return 0xB000 + index;
    }

    function providerAt(uint256 index) public pure returns (address) {
        return vm.addr(0xC000 + index);
    }

    function modelAt(uint256 index) public pure returns (bytes32) {
        return keccak256(abi.encode("model", index));
    }

    function relayAt(uint256 index) public pure returns (address) {
        return index == 0 ? address(0) : vm.addr(0xD000 + index);
    }

    function deposit(uint256 who, uint96 amount, bool hasSession) external {
        address payer = payerAt(who % PAYERS);
        amount = uint96(bound(amount, 1, MOST));
        if (ESCROW.isPaused() || isInDefault(payer) || TOKEN.balanceOf(payer) < amount) return;
        calls["deposit"]++;
        address key = vm.addr(sessionKey(who % PAYERS));
        uint96 cap = ESCROW.session(payer, key).cap + amount;
        vm.prank(payer);
        if (hasSession) ESCROW.depositWithSession(amount, key, cap, uint40(block.timestamp + 30 days));
        else ESCROW.deposit(amount);
        deposited[payer] += amount;
    }

    /// @dev A voucher over whatever is beyond what was claimed, up to more than there is; claimed by the provider or
    /// by another.
    function claim(uint256 seed, uint96 more, bool isBySession, bool isCarried) external {
        uint256 who = seed % PAYERS;
        Voucher memory voucher = voucherOf(seed, more);
        uint256 key = isBySession ? sessionKey(who) : payerKey(who);
        SignedVoucher[] memory batch = new SignedVoucher[](1);
        batch[0] = sign(key, voucher);
        try ESCROW.claimable(batch[0]) returns (uint96 willPay, uint96 willOwe) {
            uint256 potBefore = gross(voucher);
            leftBefore = ESCROW.dailyLeft(voucher.provider);
            calls["claim"]++;
            vm.prank(isCarried ? address(0xCA4) : voucher.provider);
            ESCROW.claim(batch);
            note(voucher);
            vm.assertEq(gross(voucher) - potBefore, willPay, "claimable told what claim did");
            paid[voucher.payer] += willPay;
            earned[voucher.provider][block.timestamp / 1 days] += willPay;
            bool isStaked = leftBefore > MOST;
            if (!isStaked) charge(voucher.payer, willPay);
            vm.assertEq(
                leftBefore - ESCROW.dailyLeft(voucher.provider),
                isStaked ? 0 : willPay,
                "the day, against what was paid"
            );
            if (willOwe > 0) calls["shortfall"]++;
        } catch { }
    }

    /// @dev All payers at once into one pot, if the contract takes them all.
    function claimToPot(uint256 seed, uint96 more, bool isCarried) external {
        Voucher memory voucher = voucherOf(seed, more);
        Voucher[] memory vouchers = new Voucher[](PAYERS);
        PotVoucher[] memory batch = new PotVoucher[](PAYERS);
        uint256[] memory balances = new uint256[](PAYERS);
        for (uint256 i; i < PAYERS; ++i) {
            vouchers[i] = nextOf(i, voucher.provider, voucher.model, voucher.relay, more >> i);
            batch[i] = compactOf(sign(seed >> i & 1 == 0 ? sessionKey(i) : payerKey(i), vouchers[i]));
            balances[i] = ESCROW.account(payerAt(i)).balance;
        }
        uint256 potBefore = gross(voucher);
        leftBefore = ESCROW.dailyLeft(voucher.provider);
        vm.prank(isCarried ? address(0xCA4) : voucher.provider);
        try ESCROW.claimToPot(voucher.provider, voucher.model, voucher.relay, batch) {
            calls["claimToPot"]++;
            uint256 sum;
            for (uint256 i; i < PAYERS; ++i) {
                uint256 went = balances[i] - ESCROW.account(payerAt(i)).balance;
                paid[payerAt(i)] += went;
                if (leftBefore < MOST) charge(payerAt(i), went);
                sum += went;
                note(vouchers[i]);
            }
            vm.assertEq(gross(voucher) - potBefore, sum, "what left the accounts is in the pot");
            earned[voucher.provider][block.timestamp / 1 days] += sum;
        } catch { }
    }

    /// @dev One payer signs to all free addresses at once, each as much as it has in all and more.
    function flood(uint256 who, uint96 more) external {
        SignedVoucher[] memory one = new SignedVoucher[](1);
        for (uint256 i = SYBILS_FROM; i < PROVIDERS; ++i) {
            Voucher memory voucher = nextOf(who % PAYERS, providerAt(i), modelAt(0), address(0), more);
            one[0] = sign(payerKey(who % PAYERS), voucher);
            uint256 balance = ESCROW.account(voucher.payer).balance;
            vm.prank(address(0xCA4));
            try ESCROW.claim(one) {
                calls["flood"]++;
                uint256 went = balance - ESCROW.account(voucher.payer).balance;
                paid[voucher.payer] += went;
                earned[voucher.provider][block.timestamp / 1 days] += went;
                charge(voucher.payer, went);
                note(voucher);
            } catch { }
        }
    }

    /// @dev The stake of one provider comes and goes.
    function restake(uint96 amount, bool isBack) external {
        address operator = providerAt(1);
        IStake.Operator memory got = STAKE.operatorOf(operator);
        calls["restake"]++;
        vm.startPrank(operator);
        if (isBack && got.unbonding > 0) STAKE.cancelUnbond();
        else if (got.stake > 0) STAKE.unbond(uint96(bound(amount, 1, got.stake)));
        vm.stopPrank();
    }

    function requestWithdrawal(uint256 who) external {
        address payer = payerAt(who % PAYERS);
        Account memory account = ESCROW.account(payer);
        if (account.withdrawAt != 0 || (account.balance == 0 && account.bond == 0)) return;
        vm.prank(payer);
        ESCROW.requestWithdrawal();
    }

    function withdraw(uint256 who) external {
        address payer = payerAt(who % PAYERS);
        Account memory account = ESCROW.account(payer);
        if (account.withdrawAt == 0 || isInDefault(payer)) return;
        calls["withdraw"]++;
        uint256 before = TOKEN.balanceOf(payer);
        if (block.timestamp < account.withdrawAt) vm.warp(account.withdrawAt);
        uint256 freeAt = (fullDay[payer] + 2) * 1 days;
        if (block.timestamp < freeAt) vm.warp(freeAt);
        vm.prank(payer);
        ESCROW.withdraw();
        withdrawn[payer] += TOKEN.balanceOf(payer) - before;
    }

    function revokeSession(uint256 who) external {
        address payer = payerAt(who % PAYERS);
        address key = vm.addr(sessionKey(who % PAYERS));
        if (ESCROW.session(payer, key).expiry <= block.timestamp) return;
        vm.prank(payer);
        ESCROW.revokeSession(key);
    }

    function settleDefault(uint256 who) external {
        address payer = payerAt(who % PAYERS);
        Account memory account = ESCROW.account(payer);
        DefaultState memory state = ESCROW.defaultOf(payer, account.epoch);
        if (state.closesAt == 0) return;
        calls["settleDefault"]++;
        if (block.timestamp < state.closesAt) vm.warp(state.closesAt);
        ESCROW.settleDefault(payer);
        forfeited[payer] += account.bond;
    }

    function collectDefault(uint256 seed) external {
        Voucher memory voucher = voucherOf(seed, 1);
        for (uint32 epoch; epoch < voucher.epoch; ++epoch) {
            if (ESCROW.owedOf(voucher.payer, epoch, voucher.provider, voucher.model, voucher.relay) == 0) {
                continue;
            }
            calls["collectDefault"]++;
            DefaultState memory state = ESCROW.defaultOf(voucher.payer, epoch);
            bool isShort = state.stakedPayout < state.stakedOwed;
            ESCROW.collectDefault(voucher.payer, epoch, voucher.provider, voucher.model, voucher.relay);
            // Where the bond is too small for those with stake, nothing goes to the others.
            if (isShort && state.payout != state.stakedPayout) wasStakeLast = true;
        }
    }

    function sweep(uint256 seed) external {
        Voucher memory voucher = voucherOf(seed, 1);
        Pot memory pot = ESCROW.potOf(voucher.provider, voucher.model, voucher.relay);
        if (pot.gross == 0) return;
        calls["sweep"]++;
        uint256 before = wealth();
        uint256 supply = TOKEN.totalSupply();
        ESCROW.sweep(voucher.provider, voucher.model, voucher.relay);
        sweptGross += pot.gross - pot.tips;
        sweptParts += wealth() - before + supply - TOKEN.totalSupply();
    }

    function collect(uint256 who) external {
        address[5] memory owners = [relayAt(1), TREASURY, address(0xCA4), vm.addr(0xE000), providerAt(0)];
        address owner = owners[who % 5];
        if (ESCROW.creditOf(owner) == 0) return;
        calls["collect"]++;
        ESCROW.collect(owner);
    }

    function setPaused(bool isPaused) external {
        vm.prank(GUARDIAN);
        if (isPaused) ESCROW.pause();
        else ESCROW.unpause();
    }

    /// @dev Long enough for sessions to end now and then, mostly shorter than a grace.
    function wait(uint32 span) external {
        vm.warp(block.timestamp + bound(span, 1, 2 days));
    }

    /// @dev Units that nobody asked for must not upset the books.
    function donate(uint96 amount) external {
        amount = uint96(bound(amount, 0, 1e18));
        TOKEN.transfer(address(ESCROW), amount);
        donated += amount;
    }

    function isInDefault(address payer) public view returns (bool) {
        return ESCROW.defaultOf(payer, ESCROW.account(payer).epoch).closesAt != 0;
    }

    /// @dev What payees hold and are credited, over all who can be paid by a sweep.
    function wealth() public view returns (uint256 sum) {
        address[4] memory owners = [relayAt(1), TREASURY, address(0xCA4), vm.addr(0xE000)];
        for (uint256 i; i < owners.length; ++i) {
            sum += ESCROW.creditOf(owners[i]);
        }
        for (uint256 i; i < PROVIDERS; ++i) {
            sum += TOKEN.balanceOf(providerAt(i)) + ESCROW.creditOf(providerAt(i));
        }
    }

    function payeeKey(Voucher memory voucher) public pure returns (bytes32) {
        return keccak256(abi.encode(voucher.payer, voucher.epoch, voucher.provider, voucher.model));
    }

    /// @dev What left a balance for somebody without stake.
    function charge(address payer, uint256 amount) private {
        uint256 day = block.timestamp / 1 days;
        paidUnstaked[payer][day] += amount;
        if (paidUnstaked[payer][day] == ESCROW.config().payerDailyCap) fullDay[payer] = day;
    }

    function note(Voucher memory voucher) private {
        bytes32 payee = payeeKey(voucher);
        if (voucher.cumulative > signedHighest[payee]) signedHighest[payee] = voucher.cumulative;
        uint256 claimed = ESCROW.claimedOf(voucher.payer, voucher.epoch, voucher.provider, voucher.model);
        if (claimed < claimedHighest[payee]) wasClaimedLowered = true;
        claimedHighest[payee] = claimed;
    }

    function gross(Voucher memory voucher) private view returns (uint256) {
        return ESCROW.potOf(voucher.provider, voucher.model, voucher.relay).gross;
    }

    function voucherOf(uint256 seed, uint96 more) private view returns (Voucher memory voucher) {
        return nextOf(
            seed % PAYERS,
            providerAt((seed >> 8) % PROVIDERS),
            modelAt((seed >> 16) % MODELS),
            relayAt((seed >> 24) % RELAYS),
            more
        );
    }

    function nextOf(uint256 who, address provider, bytes32 model, address relay, uint96 more)
        private
        view
        returns (Voucher memory voucher)
    {
        (voucher.payer, voucher.provider, voucher.model, voucher.relay) =
        (payerAt(who), provider, model, relay);
        voucher.epoch = ESCROW.account(voucher.payer).epoch;
        uint96 claimed = ESCROW.claimedOf(voucher.payer, voucher.epoch, voucher.provider, voucher.model);
        voucher.cumulative = claimed + uint96(bound(more, 1, MOST));
    }

    function compactOf(SignedVoucher memory voucher) private pure returns (PotVoucher memory) {
        (bytes32 r, bytes32 vs) = abi.decode(voucher.signature, (bytes32, bytes32));
        return PotVoucher({
            payer: voucher.voucher.payer,
            epoch: voucher.voucher.epoch,
            cumulative: voucher.voucher.cumulative,
            signer: voucher.signer,
            signature: [r, vs]
        });
    }

    function sign(uint256 key, Voucher memory voucher) private view returns (SignedVoucher memory) {
        (bytes32 r, bytes32 vs) = vm.signCompact(key, ESCROW.hashVoucher(voucher));
        return SignedVoucher({ voucher: voucher, signer: vm.addr(key), signature: abi.encodePacked(r, vs) });
    }
}
