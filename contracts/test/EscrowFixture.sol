// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { TestBase } from "./Vm.sol";
import { InfernetToken } from "../src/InfernetToken.sol";
import { Models } from "../src/Models.sol";
import { Stake } from "../src/Stake.sol";
import { IEscrow } from "../src/interfaces/IEscrow.sol";
import { IEscrowTypes } from "../src/interfaces/IEscrowTypes.sol";
import { IModels } from "../src/interfaces/IModels.sol";
import { IStake } from "../src/interfaces/IStake.sol";

/// @notice A network with one payer that has deposited, a staked provider, a stranger without stake, a relay and a
/// model with a royalty.
abstract contract EscrowFixture is TestBase, IEscrowTypes {
    uint256 internal constant PAYER_KEY = 0xA11CE;
    uint256 internal constant SESSION_KEY = 0x5E5510;
    uint96 internal constant UNIT = 1e18;
    uint96 internal constant DEPOSIT = 1_000 * UNIT;
    uint96 internal constant DAILY_CAP = 50 * UNIT;
    uint32 internal constant GRACE = 3 days;
    uint32 internal constant WINDOW = 4 days;
    uint256 internal constant START = 1_800_000_000;
    uint32 internal constant NOTICE = 7 days;
    uint96 internal constant PAYER_CAP = 200 * UNIT;
    bytes32 internal constant MODEL = keccak256("model");

    InfernetToken internal token;
    Models internal models;
    Stake internal stake;
    IEscrow internal escrow;

    address internal payer = vm.addr(PAYER_KEY);
    address internal key = vm.addr(SESSION_KEY);
    address internal provider = named("provider");
    address internal stranger = named("stranger");
    address internal relay = named("relay");
    address internal publisher = named("publisher");
    address internal treasury = named("treasury");
    address internal guardian = named("guardian");
    address internal timelock = named("timelock");
    address internal carrier = named("carrier");

    function setUp() public virtual {
        vm.warp(START - NOTICE);
        token = new InfernetToken(timelock, 1e9 * uint256(UNIT), address(this), 1e8 * uint256(UNIT));
        models = new Models(NOTICE, timelock, new IModels.Founding[](0));
        stake = new Stake(stakeConfig());
        escrow = deployEscrow(config());
        vm.prank(publisher);
        models.publish(MODEL, "acme/small", 1, 1_000, publisher);
        vm.warp(START);
        fund(payer, 10 * DEPOSIT);
        stakeFor(provider);
        vm.prank(payer);
        escrow.deposit(DEPOSIT);
    }

    function stakeConfig() internal view returns (IStake.StakeConfig memory) {
        return IStake.StakeConfig({
            token: address(token),
            owner: timelock,
            floor: 10 * UNIT,
            ceiling: 10_000 * UNIT,
            minimum: 100 * UNIT,
            unbondSeconds: 7 days,
            withdrawSeconds: 3 days,
            challengerBps: 2_500
        });
    }

    function config() internal view virtual returns (Config memory) {
        return Config({
            asset: address(token),
            isBurnable: true,
            stake: address(stake),
            models: address(models),
            treasury: treasury,
            guardian: guardian,
            relayBps: 500,
            burnBps: 200,
            treasuryBps: 300,
            bondBps: 500,
            tipBps: 100,
            tipCap: 1 * UNIT,
            unstakedDailyCap: DAILY_CAP,
            payerDailyCap: PAYER_CAP,
            graceSeconds: GRACE,
            defaultWindowSeconds: WINDOW
        });
    }

    function deployEscrow(Config memory init) internal returns (IEscrow) {
        return IEscrow(vm.deployCode("Escrow.sol:Escrow", abi.encode(init)));
    }

    /// @dev As a call of its own, for an expected revert would end the test where it is not.
    function callDeployEscrow(Config memory init) external {
        deployEscrow(init);
    }

    /// @dev Coins and a full allowance for the escrow.
    function fund(address owner, uint256 amount) internal {
        token.transfer(owner, amount);
        vm.prank(owner);
        token.approve(address(escrow), type(uint256).max);
    }

    function stakeFor(address operator) internal {
        token.transfer(operator, 100 * UNIT);
        vm.startPrank(operator);
        token.approve(address(stake), 100 * UNIT);
        stake.register(IStake.Binding(keccak256(abi.encode(operator)), 0, 0), 100 * UNIT);
        vm.stopPrank();
    }

    function openSession(uint96 cap) internal {
        vm.prank(payer);
        escrow.authorizeSession(key, cap, uint40(block.timestamp + 7 days));
    }

    /// @dev Of the fixture's payer in its current epoch, to `to`, for the model and relay of the fixture.
    function voucherTo(address to, uint96 cumulative) internal view returns (Voucher memory) {
        return Voucher({
            payer: payer,
            provider: to,
            model: MODEL,
            relay: relay,
            epoch: escrow.account(payer).epoch,
            cumulative: cumulative
        });
    }

    function sign(uint256 signerKey, Voucher memory voucher) internal view returns (SignedVoucher memory) {
        return signFor(escrow, signerKey, voucher);
    }

    function signFor(IEscrow domain, uint256 signerKey, Voucher memory voucher)
        internal
        view
        returns (SignedVoucher memory)
    {
        (bytes32 r, bytes32 vs) = vm.signCompact(signerKey, domain.hashVoucher(voucher));
        return
            SignedVoucher({
                voucher: voucher, signer: vm.addr(signerKey), signature: abi.encodePacked(r, vs)
            });
    }

    function signed(address to, uint96 cumulative) internal view returns (SignedVoucher memory) {
        return sign(PAYER_KEY, voucherTo(to, cumulative));
    }

    function compactOf(SignedVoucher memory voucher) internal pure returns (PotVoucher memory) {
        (bytes32 r, bytes32 vs) = abi.decode(voucher.signature, (bytes32, bytes32));
        return PotVoucher({
            payer: voucher.voucher.payer,
            epoch: voucher.voucher.epoch,
            cumulative: voucher.voucher.cumulative,
            signer: voucher.signer,
            signature: [r, vs]
        });
    }

    function claimAs(address sender, SignedVoucher memory voucher) internal {
        SignedVoucher[] memory batch = new SignedVoucher[](1);
        batch[0] = voucher;
        vm.prank(sender);
        escrow.claim(batch);
    }

    /// @dev The provider claims what the payer signed.
    function claimTo(address to, uint96 cumulative) internal {
        claimAs(to, signed(to, cumulative));
    }

    function potGross(address to) internal view returns (uint256) {
        return escrow.potOf(to, MODEL, relay).gross;
    }

    function owed(address to) internal view returns (uint256) {
        return escrow.owedOf(payer, escrow.account(payer).epoch, to, MODEL, relay);
    }

    /// @dev The bond's part of an amount.
    function bondOf(uint256 amount) internal pure returns (uint256) {
        return (amount * 500 + 9_999) / 10_000;
    }

    /// @dev Spends the whole balance on the staked provider.
    function drain() internal returns (uint96 balance) {
        balance = escrow.account(payer).balance;
        claimTo(provider, escrow.claimedOf(payer, escrow.account(payer).epoch, provider, MODEL) + balance);
    }
}
