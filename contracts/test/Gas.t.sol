// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { EscrowFixture } from "./EscrowFixture.sol";
import { IStake } from "../src/interfaces/IStake.sol";

/// @notice What each call costs as a whole transaction, kept in snapshots/. The aims are held by assertions.
contract GasTest is EscrowFixture {
    uint256 private constant BATCH = 100;

    function setUp() public override {
        super.setUp();
        // As on a chain in use: whoever is paid here has been paid before.
        token.transfer(treasury, 1);
    }

    function test_gas_deposits() public {
        vm.startPrank(payer);
        escrow.deposit(UNIT);
        note("deposit, next");
        vm.stopPrank();

        address fresh = vm.addr(99);
        token.transfer(fresh, 10 * DEPOSIT);
        vm.startPrank(fresh);
        token.approve(address(escrow), DEPOSIT);
        escrow.depositWithSession(DEPOSIT, key, DEPOSIT, uint40(START + 7 days));
        uint256 gas = note("deposit with session, first");
        vm.assertLe(gas, 120_000, "deposit with session");
        vm.stopPrank();
    }

    function test_gas_depositWithSessionAndPermit() public {
        address fresh = vm.addr(99);
        token.transfer(fresh, 10 * DEPOSIT);
        Permit memory permit = permitOf(99, fresh);
        vm.prank(fresh);
        escrow.depositWithSessionAndPermit(DEPOSIT, key, DEPOSIT, uint40(START + 7 days), permit);
        uint256 gas = note("deposit with session and permit, first");
        vm.assertLe(gas, 170_000, "deposit with session and permit");
    }

    function test_gas_sessions() public {
        vm.startPrank(payer);
        escrow.authorizeSession(key, UNIT, uint40(START + 7 days));
        note("authorize session");
        escrow.revokeSession(key);
        note("revoke session");
    }

    function test_gas_withdrawal() public {
        vm.startPrank(payer);
        escrow.requestWithdrawal();
        note("request withdrawal");
        vm.warp(START + GRACE);
        escrow.withdraw();
        note("withdraw");
    }

    function test_gas_claims() public {
        openSession(900 * UNIT);
        claimAs(provider, sign(SESSION_KEY, voucherTo(provider, 10 * UNIT)));
        note("claim, first");
        claimAs(provider, sign(SESSION_KEY, voucherTo(provider, 20 * UNIT)));
        uint256 gas = note("claim, next");
        vm.assertLe(gas, 60_000, "claim, next");
        claimAs(carrier, sign(SESSION_KEY, voucherTo(provider, 30 * UNIT)));
        note("claim, carried, first");
        claimAs(carrier, sign(SESSION_KEY, voucherTo(provider, 40 * UNIT)));
        note("claim, carried, next");
        claimAs(stranger, sign(SESSION_KEY, voucherTo(stranger, 10 * UNIT)));
        claimAs(stranger, sign(SESSION_KEY, voucherTo(stranger, 20 * UNIT)));
        note("claim, without stake, next");
        claimTo(provider, 50 * UNIT);
        note("claim, signed by the payer, next");
    }

    /// @dev Vouchers of several pots, or longer signatures.
    function test_gas_claimBatch() public {
        SignedVoucher[] memory batch = payersWithSessions();
        vm.prank(provider);
        escrow.claim(batch);
        note("claim, batch of 100, first");
        SignedVoucher[] memory one = next(batch);
        vm.prank(provider);
        escrow.claim(batch);
        uint256 all = note("claim, batch of 100, next");
        vm.prank(provider);
        escrow.claim(one);
        uint256 single = note("claim, batch of 1, next");
        vm.assertLe((all - single) / (BATCH - 1), 31_000, "claim, each more of a batch");
    }

    function test_gas_claimToPot() public {
        SignedVoucher[] memory batch = payersWithSessions();
        claimToPot(batch);
        note("claim to pot, batch of 100, first");
        SignedVoucher[] memory one = next(batch);
        claimToPot(batch);
        uint256 all = note("claim to pot, batch of 100, next");
        claimToPot(one);
        uint256 single = note("claim to pot, batch of 1, next");
        vm.assertLe(single, 60_000, "claim to pot, next");
        // Of it 22,700 is what no code saves: three slots of the payer's, calldata, recovery and the event.
        vm.assertLe((all - single) / (BATCH - 1), 28_000, "claim to pot, each more of a batch");
    }

    function test_gas_payouts() public {
        claimAs(carrier, signed(provider, 10 * UNIT));
        escrow.sweep(provider, MODEL, relay);
        note("sweep, first");
        claimAs(carrier, signed(provider, 20 * UNIT));
        escrow.sweep(provider, MODEL, relay);
        note("sweep, next");
        escrow.collect(relay);
        note("collect, first");
        escrow.collect(treasury);
        note("collect, next");
    }

    function test_gas_defaults() public {
        uint96 balance = drain();
        claimTo(provider, balance + UNIT);
        note("claim that opens a default");
        vm.warp(START + WINDOW);
        escrow.settleDefault(payer);
        note("settle default");
        escrow.collectDefault(payer, 0, provider, MODEL, relay);
        note("collect default");
    }

    function test_gas_stake() public {
        token.transfer(stranger, 200 * UNIT);
        vm.startPrank(stranger);
        token.approve(address(stake), type(uint256).max);
        stake.register(IStake.Binding("peer key", keccak256("r"), keccak256("s")), 100 * UNIT);
        uint256 gas = note("stake register");
        vm.assertLe(gas, 170_000, "stake register");
        stake.add(UNIT);
        note("stake add");
        stake.unbond(UNIT);
        note("stake unbond");
        stake.setPeerKey(IStake.Binding("another key", keccak256("r"), keccak256("s")));
        note("stake set peer key");
        vm.warp(START + 7 days);
        stake.withdraw();
        note("stake withdraw");
    }

    function test_gas_models() public {
        vm.startPrank(publisher);
        models.publish("manifest", "acme/large", 1, 500, publisher);
        note("publish, new name");
        models.publish("next manifest", "acme/large", 1, 500, publisher);
        note("publish, known name");
    }

    function note(string memory name) private returns (uint256) {
        return vm.snapshotGasLastCall("gas", name);
    }

    function claimToPot(SignedVoucher[] memory batch) private {
        PotVoucher[] memory entries = new PotVoucher[](batch.length);
        for (uint256 i; i < batch.length; ++i) {
            entries[i] = compactOf(batch[i]);
        }
        vm.prank(provider);
        escrow.claimToPot(provider, MODEL, relay, entries);
    }

    /// @dev A hundred payers, each with a session.
    function payersWithSessions() private returns (SignedVoucher[] memory batch) {
        batch = new SignedVoucher[](BATCH);
        for (uint256 i; i < BATCH; ++i) {
            batch[i] = payerWithSession(i, UNIT);
        }
    }

    /// @dev The next voucher of each, but for the first of them, whose is taken out: somebody else has its place.
    function next(SignedVoucher[] memory batch) private returns (SignedVoucher[] memory one) {
        for (uint256 i; i < BATCH; ++i) {
            batch[i].voucher.cumulative = 2 * UNIT;
            batch[i] = sign(sessionKeyOf(i), batch[i].voucher);
        }
        one = new SignedVoucher[](1);
        one[0] = batch[0];
        batch[0] = signed(provider, UNIT);
        claimAs(provider, signed(provider, 1));
    }

    function sessionKeyOf(uint256 index) private pure returns (uint256) {
        return uint256(keccak256(abi.encode("session key", index)));
    }

    function payerWithSession(uint256 index, uint96 cumulative) private returns (SignedVoucher memory) {
        address owner = named(string.concat("payer ", vm.toString(index)));
        fund(owner, 10 * UNIT);
        vm.prank(owner);
        escrow.depositWithSession(10 * UNIT, vm.addr(sessionKeyOf(index)), 9 * UNIT, uint40(START + 7 days));
        Voucher memory voucher = voucherTo(provider, cumulative);
        voucher.payer = owner;
        return sign(sessionKeyOf(index), voucher);
    }

    function permitOf(uint256 ownerKey, address owner) private view returns (Permit memory) {
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256(
                    "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
                ),
                owner,
                address(escrow),
                DEPOSIT,
                0,
                START + 1
            )
        );
        (uint8 v, bytes32 r, bytes32 s) =
            vm.sign(ownerKey, keccak256(abi.encodePacked("\x19\x01", token.DOMAIN_SEPARATOR(), structHash)));
        return Permit({ deadline: START + 1, v: v, r: r, s: s });
    }
}
