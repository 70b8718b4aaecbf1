// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { EscrowFixture } from "../EscrowFixture.sol";
import { EscrowHandler } from "./EscrowHandler.sol";

contract EscrowInvariantTest is EscrowFixture {
    EscrowHandler private handler;

    function setUp() public override {
        vm.warp(START);
        super.setUp();
        // The fixture's own payer leaves first, so that all money is the handler's.
        vm.startPrank(payer);
        escrow.requestWithdrawal();
        vm.warp(START + GRACE);
        escrow.withdraw();
        vm.stopPrank();
        handler = new EscrowHandler(escrow, token, stake, guardian, treasury);
        for (uint256 i; i < handler.PAYERS(); ++i) {
            fund(handler.payerAt(i), 100_000 * uint256(UNIT));
        }
        token.transfer(address(handler), 1_000 * uint256(UNIT));
        // One provider with stake, one whose stake comes and goes, free addresses; one model with a royalty.
        stakeFor(handler.providerAt(0));
        stakeFor(handler.providerAt(1));
        vm.prank(vm.addr(0xE000));
        models.publish(handler.modelAt(1), "acme/royal", 0, 2_000, vm.addr(0xE000));
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @dev All of them in one, for one walk is enough to hold them all.
    function invariant_escrow() public view {
        escrowHoldsWhatItOwesToTheUnit();
        booksAddUp();
        claimedIsNeverAboveSigned();
        claimedNeverFalls();
        accountInDefaultHasNoBalance();
        sharesAddUpToTheLastUnit();
        sessionsStayBelowTheirCaps();
        daysAreChargedWhatWasPaid();
        payersDaysAreChargedWhatTheyPaidWithoutStake();
        stakeIsPaidFirst();
    }

    /// @dev A long walk of its own, to show that the handler reaches every verb, defaults included.
    function test_handler_reachesEveryVerb() public {
        uint256 seed = 1;
        for (uint256 i; i < 600; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            step(seed % 17, seed >> 8, uint96(seed >> 100));
            if (i % 50 == 0) invariant_escrow();
        }
        string[11] memory verbs = [
            "deposit",
            "claim",
            "claimToPot",
            "shortfall",
            "withdraw",
            "settleDefault",
            "collectDefault",
            "sweep",
            "collect",
            "flood",
            "restake"
        ];
        for (uint256 i; i < verbs.length; ++i) {
            vm.assertGt(handler.calls(verbs[i]), 3, verbs[i]);
        }
    }

    function step(uint256 verb, uint256 seed, uint96 amount) private {
        if (verb < 2) handler.deposit(seed, amount, seed % 2 == 0);
        else if (verb < 5) handler.claim(seed, amount, seed % 2 == 0, seed % 3 == 0);
        else if (verb == 5) handler.requestWithdrawal(seed);
        else if (verb == 6) handler.withdraw(seed);
        else if (verb == 7) handler.settleDefault(seed);
        else if (verb == 8) handler.collectDefault(seed);
        else if (verb == 9) handler.sweep(seed);
        else if (verb == 10) handler.collect(seed);
        else if (verb < 13) handler.claimToPot(seed, amount, seed % 3 == 0);
        else if (verb == 13) handler.wait(uint32(seed));
        else if (verb == 14) handler.flood(seed, amount);
        else if (verb == 15) handler.restake(amount, seed % 3 == 0);
        else handler.donate(amount);
    }

    /// @dev To the unit: the asset held is what is owed to anybody, and what was given without being asked.
    function escrowHoldsWhatItOwesToTheUnit() private view {
        vm.assertEq(
            token.balanceOf(address(escrow)), liabilities() + handler.donated(), "held, against what is owed"
        );
    }

    /// @dev To the unit: what came in is what went out, burned, and is still there.
    function booksAddUp() private view {
        for (uint256 i; i < handler.PAYERS(); ++i) {
            address owner = handler.payerAt(i);
            Account memory account = escrow.account(owner);
            vm.assertEq(
                uint256(account.balance) + account.bond + handler.withdrawn(owner) + handler.paid(owner)
                    + handler.forfeited(owner),
                handler.deposited(owner),
                "an account against its deposits"
            );
        }
    }

    function claimedIsNeverAboveSigned() private view {
        Voucher memory voucher;
        for (uint256 i; i < handler.PAYERS(); ++i) {
            voucher.payer = handler.payerAt(i);
            uint32 last = escrow.account(voucher.payer).epoch;
            for (uint32 epoch; epoch <= last; ++epoch) {
                voucher.epoch = epoch;
                checkClaimed(voucher);
            }
        }
    }

    function claimedNeverFalls() private view {
        vm.assertFalse(handler.wasClaimedLowered());
    }

    function accountInDefaultHasNoBalance() private view {
        for (uint256 i; i < handler.PAYERS(); ++i) {
            address owner = handler.payerAt(i);
            if (handler.isInDefault(owner)) vm.assertEq(escrow.account(owner).balance, 0);
        }
    }

    function sharesAddUpToTheLastUnit() private view {
        vm.assertEq(handler.sweptGross(), handler.sweptParts());
    }

    function sessionsStayBelowTheirCaps() private view {
        for (uint256 i; i < handler.PAYERS(); ++i) {
            Session memory session = escrow.session(handler.payerAt(i), vm.addr(handler.sessionKey(i)));
            vm.assertLe(session.spent, session.cap, "spent by a session");
        }
    }

    /// @dev To the unit, whatever was owed besides, for all that never had stake.
    function daysAreChargedWhatWasPaid() private view {
        for (uint256 i = 2; i < handler.PROVIDERS(); ++i) {
            address provider_ = handler.providerAt(i);
            uint256 earned = handler.earned(provider_, block.timestamp / 1 days);
            vm.assertEq(escrow.dailyLeft(provider_) + earned, DAILY_CAP, "a day's cap");
        }
    }

    /// @dev To the unit, over all free addresses together.
    function payersDaysAreChargedWhatTheyPaidWithoutStake() private view {
        for (uint256 i; i < handler.PAYERS(); ++i) {
            address owner = handler.payerAt(i);
            uint256 spent = handler.paidUnstaked(owner, block.timestamp / 1 days);
            vm.assertEq(escrow.payerDailyLeft(owner) + spent, PAYER_CAP, "a payer's day");
        }
    }

    function stakeIsPaidFirst() private view {
        vm.assertFalse(handler.wasStakeLast());
    }

    function liabilities() private view returns (uint256 sum) {
        for (uint256 i; i < handler.PAYERS(); ++i) {
            address owner = handler.payerAt(i);
            Account memory account = escrow.account(owner);
            sum += uint256(account.balance) + account.bond;
            for (uint32 epoch; epoch < account.epoch; ++epoch) {
                sum += escrow.defaultOf(owner, epoch).payout;
            }
        }
        for (uint256 i; i < handler.PROVIDERS(); ++i) {
            sum += escrow.creditOf(handler.providerAt(i));
            for (uint256 j; j < handler.MODELS() * handler.RELAYS(); ++j) {
                Pot memory pot =
                    escrow.potOf(handler.providerAt(i), handler.modelAt(j % 2), handler.relayAt(j / 2));
                sum += pot.gross - pot.tips;
            }
        }
        address[4] memory others = [handler.relayAt(1), treasury, address(0xCA4), vm.addr(0xE000)];
        for (uint256 i; i < others.length; ++i) {
            sum += escrow.creditOf(others[i]);
        }
    }

    function checkClaimed(Voucher memory voucher) private view {
        for (uint256 j; j < handler.PROVIDERS(); ++j) {
            voucher.provider = handler.providerAt(j);
            for (uint256 k; k < handler.MODELS(); ++k) {
                voucher.model = handler.modelAt(k);
                uint256 claimed =
                    escrow.claimedOf(voucher.payer, voucher.epoch, voucher.provider, voucher.model);
                vm.assertLe(claimed, handler.signedHighest(handler.payeeKey(voucher)), "claimed");
            }
        }
    }
}
