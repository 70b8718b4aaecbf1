// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { EscrowFixture } from "./EscrowFixture.sol";
import { Vm } from "./Vm.sol";
import { IEscrow } from "../src/interfaces/IEscrow.sol";
import { IEscrowErrors } from "../src/interfaces/IEscrowErrors.sol";
import { IEscrowEvents } from "../src/interfaces/IEscrowEvents.sol";
import { ContractWallet } from "./mocks/Wallets.sol";

/// @dev That it does what `claim` does is held by comparison, over any batch; what only a batch shows, by name.
contract ClaimToPotTest is EscrowFixture {
    /// @dev All that a claim can change, and what it said.
    struct Outcome {
        bool isDone;
        bytes answer;
        bytes32 events;
        bytes32 books;
    }

    uint256 private constant PAYERS = 3;
    uint96 private constant SMALL_DEPOSIT = 300 * UNIT;

    function setUp() public override {
        super.setUp();
        for (uint256 i; i < PAYERS; ++i) {
            fund(payerAt(i), SMALL_DEPOSIT);
            vm.prank(payerAt(i));
            escrow.depositWithSession(SMALL_DEPOSIT, keyAt(i), 400 * UNIT, uint40(START + 4 days));
        }
    }

    function test_claimToPot_ofNothingIsRefused() public {
        vm.expectRevert(IEscrowErrors.EmptyBatch.selector);
        escrow.claimToPot(provider, MODEL, relay, new PotVoucher[](0));
    }

    function test_claimToPot_movesWhatIsAddedFromBalanceToPot() public {
        vm.expectEmit();
        emit IEscrowEvents.Claimed(payer, provider, MODEL, relay, 2 * UNIT, 2 * UNIT);
        vm.expectEmit();
        emit IEscrowEvents.Claimed(payer, provider, MODEL, relay, 3 * UNIT, 5 * UNIT);
        claimBoth(provider, provider, 2 * UNIT, 5 * UNIT);
        vm.assertEq(potGross(provider), 5 * UNIT);
        vm.assertEq(escrow.account(payer).balance, DEPOSIT - bondOf(DEPOSIT) - 5 * UNIT);
        claimBoth(provider, provider, 6 * UNIT, 7 * UNIT);
        vm.assertEq(potGross(provider), 7 * UNIT);
    }

    function test_claimToPot_tellsWhichEntryOfABatchIsBad() public {
        PotVoucher[] memory batch = both(provider, 2 * UNIT, 2 * UNIT);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.StaleVoucher.selector, 1, 2 * UNIT, 2 * UNIT));
        escrow.claimToPot(provider, MODEL, relay, batch);
        vm.assertEq(potGross(provider), 0);
    }

    function test_claimToPot_takesVouchersOfItsPotAlone() public {
        PotVoucher[] memory batch = both(provider, UNIT, 2 * UNIT);
        bytes memory refusal = abi.encodeWithSelector(IEscrowErrors.InvalidSignature.selector, 0, payer);
        vm.expectRevert(refusal);
        escrow.claimToPot(stranger, MODEL, relay, batch);
        vm.expectRevert(refusal);
        escrow.claimToPot(provider, "another", relay, batch);
        vm.expectRevert(refusal);
        escrow.claimToPot(provider, MODEL, carrier, batch);
    }

    function test_claimToPot_tipsForEachVoucherByItself() public {
        claimBoth(carrier, provider, 99, 198);
        vm.assertEq(escrow.creditOf(carrier), 0);
        claimBoth(carrier, provider, 198 + 50 * UNIT, 198 + 300 * UNIT);
        vm.assertEq(escrow.creditOf(carrier), UNIT / 2 + UNIT);
        vm.assertEq(escrow.potOf(provider, MODEL, relay).tips, UNIT / 2 + UNIT);
        claimBoth(provider, provider, 400 * UNIT, 500 * UNIT);
        vm.assertEq(escrow.potOf(provider, MODEL, relay).tips, UNIT / 2 + UNIT);
        vm.assertEq(potGross(provider), 500 * UNIT);
    }

    function test_claimToPot_sharesTheCapOfTheDay() public {
        claimBoth(stranger, stranger, 30 * UNIT, 80 * UNIT);
        vm.assertEq(potGross(stranger), DAILY_CAP);
        vm.assertEq(escrow.dailyLeft(stranger), 0);
        PotVoucher[] memory batch = both(stranger, 80 * UNIT, 81 * UNIT);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NothingPayable.selector, 0, 0));
        escrow.claimToPot(stranger, MODEL, relay, batch);
        vm.warp(START + 1 days);
        claimBoth(stranger, stranger, 60 * UNIT, 70 * UNIT);
        vm.assertEq(escrow.dailyLeft(stranger), DAILY_CAP - 20 * UNIT);
    }

    function test_claimToPot_asksForStakeOnceForAll() public {
        PotVoucher[] memory batch = both(stranger, UNIT, 2 * UNIT);
        vm.expectCall(address(stake), abi.encodeCall(stake.hasStake, (stranger)), 1);
        escrow.claimToPot(stranger, MODEL, relay, batch);
    }

    function test_claimToPot_asksForStakeOnceADay() public {
        claimBoth(provider, provider, UNIT, 2 * UNIT);
        PotVoucher[] memory batch = both(provider, 3 * UNIT, 4 * UNIT);
        vm.expectCall(address(stake), abi.encodeCall(stake.hasStake, (provider)), 0);
        escrow.claimToPot(provider, MODEL, relay, batch);
    }

    function test_claimToPot_asksAContractThatPays() public {
        ContractWallet wallet = new ContractWallet(payer);
        token.transfer(address(wallet), DEPOSIT);
        wallet.deposit(escrow, DEPOSIT);
        Voucher memory voucher = voucherTo(provider, UNIT);
        voucher.payer = address(wallet);
        SignedVoucher memory byOwner = sign(PAYER_KEY, voucher);
        byOwner.signer = address(wallet);
        PotVoucher[] memory batch = new PotVoucher[](1);
        batch[0] = compactOf(byOwner);
        escrow.claimToPot(provider, MODEL, relay, batch);
        vm.assertEq(potGross(provider), UNIT);

        wallet.disown();
        voucher.cumulative = 2 * UNIT;
        byOwner.signature = sign(PAYER_KEY, voucher).signature;
        byOwner.voucher = voucher;
        batch[0] = compactOf(byOwner);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.InvalidSignature.selector, 0, address(wallet)));
        escrow.claimToPot(provider, MODEL, relay, batch);
    }

    function testFuzz_claimToPot_doesWhatClaimDoes(uint256 seed) public {
        vm.warp(START + (seed >> 128) % 8 days);
        compare(seed);
    }

    /// @dev One after the other, to the end of sessions and defaults; and both doors refuse and do often enough.
    function test_claimToPot_doesWhatClaimDoesOverDays() public {
        uint256 done;
        uint256 seed = 1;
        for (uint256 i; i < 200; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            if (compare(seed)) ++done;
            if (i % 10 == 9) vm.warp(START + i * 1 hours);
        }
        vm.assertGt(done, 20, "done");
        vm.assertGt(200 - done, 20, "refused");
        vm.assertGt(escrow.defaultOf(payerAt(0), 0).closesAt, 0, "a default");
    }

    /// @dev Any batch by both doors from the same state; what `claim` does stays.
    function compare(uint256 seed) private returns (bool) {
        address to = seed % 2 == 0 ? provider : stranger;
        address sender = (seed >> 1) % 2 == 0 ? to : carrier;
        SignedVoucher[] memory batch = new SignedVoucher[](1 + (seed >> 2) % 4);
        PotVoucher[] memory entries = new PotVoucher[](batch.length);
        for (uint256 i; i < batch.length; ++i) {
            batch[i] = anyVoucher(to, uint256(keccak256(abi.encode(seed, i))));
            entries[i] = compactOf(batch[i]);
        }
        uint256 before = vm.snapshotState();
        Outcome memory short =
            outcomeOf(to, sender, abi.encodeCall(IEscrow.claimToPot, (to, MODEL, relay, entries)));
        vm.assertTrue(vm.revertToState(before));
        Outcome memory long = outcomeOf(to, sender, abi.encodeCall(IEscrow.claim, (batch)));
        vm.assertEq(short.isDone, long.isDone);
        vm.assertEq(keccak256(short.answer), keccak256(long.answer), "answer");
        vm.assertEq(short.events, long.events, "events");
        vm.assertEq(short.books, long.books, "books");
        return long.isDone;
    }

    function outcomeOf(address to, address sender, bytes memory words)
        private
        returns (Outcome memory outcome)
    {
        vm.recordLogs();
        vm.prank(sender);
        (outcome.isDone, outcome.answer) = address(escrow).call(words);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        outcome.events = keccak256(abi.encode(logs));
        outcome.books = keccak256(
            abi.encode(escrow.potOf(to, MODEL, relay), escrow.creditOf(sender), escrow.dailyLeft(to))
        );
        for (uint256 i; i < PAYERS; ++i) {
            outcome.books = keccak256(abi.encode(outcome.books, accountOf(i), linesOf(payerAt(i), to)));
        }
    }

    function accountOf(uint256 who) private view returns (bytes memory) {
        address owner = payerAt(who);
        return
            abi.encode(escrow.account(owner), escrow.session(owner, keyAt(who)), escrow.defaultOf(owner, 0));
    }

    function linesOf(address owner, address to) private view returns (bytes memory) {
        return abi.encode(escrow.claimedOf(owner, 0, to, MODEL), escrow.owedOf(owner, 0, to, MODEL, relay));
    }

    /// @dev Mostly good; now and then of another epoch, of a key that may not sign, or adding nothing.
    function anyVoucher(address to, uint256 seed) private view returns (SignedVoucher memory) {
        uint256 who = seed % PAYERS;
        uint256 flaw = (seed >> 8) % 40;
        uint256 signer = (seed >> 16) % 2 == 0 ? payerKeyAt(who) : sessionKeyAt(who);
        if (flaw == 0) signer = SESSION_KEY;
        uint256 most = flaw == 1 ? 0 : (seed >> 24) % 4 == 0 ? 100 * UNIT : 4 * UNIT;
        Voucher memory voucher = voucherTo(to, escrow.claimedOf(payerAt(who), 0, to, MODEL));
        voucher.payer = payerAt(who);
        voucher.cumulative += uint96((seed >> 32) % (most + 1));
        if (flaw == 2) voucher.epoch = 1;
        SignedVoucher memory signed_ = sign(signer, voucher);
        if (flaw == 3) signed_.signer = payerAt((who + 1) % PAYERS);
        return signed_;
    }

    function claimBoth(address sender, address to, uint96 first, uint96 second) private {
        PotVoucher[] memory batch = both(to, first, second);
        vm.prank(sender);
        escrow.claimToPot(to, MODEL, relay, batch);
    }

    function both(address to, uint96 first, uint96 second) private view returns (PotVoucher[] memory batch) {
        batch = new PotVoucher[](2);
        batch[0] = compactOf(signed(to, first));
        batch[1] = compactOf(signed(to, second));
    }

    function payerKeyAt(uint256 index) private pure returns (uint256) {
        return 0xA000 + index;
    }

    function sessionKeyAt(uint256 index) private pure returns (uint256) {
        return 0xB000 + index;
    }

    function payerAt(uint256 index) private pure returns (address) {
        return vm.addr(payerKeyAt(index));
    }

    function keyAt(uint256 index) private pure returns (address) {
        return vm.addr(sessionKeyAt(index));
    }
}
