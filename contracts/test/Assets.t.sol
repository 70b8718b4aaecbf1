// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { EscrowFixture } from "./EscrowFixture.sol";
import { IEscrow } from "../src/interfaces/IEscrow.sol";
import { IEscrowErrors } from "../src/interfaces/IEscrowErrors.sol";
import { IEscrowEvents } from "../src/interfaces/IEscrowEvents.sol";
import { TestCoin } from "../src/local/TestCoin.sol";
import { FeeToken, ReentrantToken, RefusingToken, SilentToken } from "./mocks/Tokens.sol";

/// @notice Assets that are not like INF: each in an escrow of its own.
contract AssetsTest is EscrowFixture {
    address private asset;

    function test_feeOnTransfer_isRefusedAtTheDoor() public {
        use(address(new FeeToken()), false);
        // What was there before must not make up for it.
        FeeToken(asset).transfer(address(escrow), 10 * DEPOSIT);
        uint256 arrived = DEPOSIT - DEPOSIT / 100;
        vm.expectRevert(
            abi.encodeWithSelector(IEscrowErrors.ShortTransfer.selector, uint256(DEPOSIT), arrived)
        );
        vm.prank(payer);
        escrow.deposit(DEPOSIT);
    }

    function test_silent_worksThroughout() public {
        use(address(new SilentToken()), false);
        goThrough();
        vm.assertEq(SilentToken(asset).balanceOf(provider), 80 * UNIT);
    }

    function test_unburnable_givesTheBurnToTheTreasury() public {
        TestCoin coin = new TestCoin();
        coin.mint(address(this), 1e30);
        use(address(coin), false);
        vm.assertEq(coin.decimals(), 6);
        goThrough();
        vm.assertEq(coin.balanceOf(treasury), 5 * UNIT);
        claimTo(provider, 100 * UNIT);
        vm.expectEmit();
        emit IEscrowEvents.Swept(
            provider, MODEL, relay, 100 * UNIT, 80 * UNIT, 10 * UNIT, 5 * UNIT, 0, 5 * UNIT, 0
        );
        escrow.sweep(provider, MODEL, relay);
        vm.assertEq(escrow.creditOf(treasury), 5 * UNIT);
        escrow.collect(treasury);
        uint256 supply = coin.totalSupply();
        drain();
        claimTo(stranger, 10 * UNIT);
        vm.warp(block.timestamp + WINDOW);
        escrow.settleDefault(payer);
        vm.assertEq(escrow.creditOf(treasury), 40 * UNIT);
        vm.assertEq(coin.totalSupply(), supply);
    }

    function test_refusing_neverKeepsOthersFromTheirPart() public {
        for (uint256 i; i < 2; ++i) {
            RefusingToken coin = new RefusingToken();
            use(address(coin), false);
            vm.prank(payer);
            escrow.deposit(DEPOSIT);
            if (i == 1) coin.bePolite();
            coin.refuse(provider, true);
            claimTo(provider, 100 * UNIT);
            escrow.sweep(provider, MODEL, relay);
            vm.assertEq(coin.balanceOf(provider), 0);
            vm.assertEq(escrow.creditOf(provider), 80 * UNIT);
            escrow.collect(relay);
            vm.assertEq(coin.balanceOf(relay), 5 * UNIT);
            vm.expectRevert();
            escrow.collect(provider);
            vm.assertEq(escrow.creditOf(provider), 80 * UNIT);
            coin.refuse(provider, false);
            escrow.collect(provider);
            vm.assertEq(coin.balanceOf(provider), 80 * UNIT);
        }
    }

    function test_refusing_keepsAPayersMoneyAndItsRequest() public {
        RefusingToken coin = new RefusingToken();
        use(address(coin), false);
        vm.startPrank(payer);
        escrow.deposit(DEPOSIT);
        escrow.requestWithdrawal();
        coin.refuse(payer, true);
        vm.warp(block.timestamp + GRACE);
        vm.expectRevert(abi.encodeWithSelector(RefusingToken.Refused.selector, payer));
        escrow.withdraw();
        coin.refuse(payer, false);
        escrow.withdraw();
        vm.assertEq(coin.balanceOf(payer), 10 * DEPOSIT);
    }

    /// @dev Each entrance is tried from inside each movement of the asset.
    function test_reentrant_findsEveryDoorShut() public {
        ReentrantToken coin = new ReentrantToken();
        use(address(coin), true);
        vm.prank(payer);
        escrow.deposit(DEPOSIT);
        SignedVoucher[] memory batch = new SignedVoucher[](1);
        batch[0] = signed(provider, 900 * UNIT);
        PotVoucher[] memory entries = new PotVoucher[](1);
        entries[0] = compactOf(batch[0]);
        Permit memory permit;
        bytes[11] memory doors = [
            abi.encodeCall(IEscrow.claim, (batch)),
            abi.encodeCall(IEscrow.sweep, (provider, MODEL, relay)),
            abi.encodeCall(IEscrow.collect, (relay)),
            abi.encodeCall(IEscrow.withdraw, ()),
            abi.encodeCall(IEscrow.deposit, (1)),
            abi.encodeCall(IEscrow.depositWithPermit, (1, permit)),
            abi.encodeCall(IEscrow.depositWithSession, (1, key, 1, uint40(block.timestamp + 1))),
            abi.encodeCall(
                IEscrow.depositWithSessionAndPermit, (1, key, 1, uint40(block.timestamp + 1), permit)
            ),
            abi.encodeCall(IEscrow.settleDefault, (payer)),
            abi.encodeCall(IEscrow.collectDefault, (payer, 0, provider, MODEL, relay)),
            abi.encodeCall(IEscrow.claimToPot, (provider, MODEL, relay, entries))
        ];
        for (uint256 i; i < doors.length; ++i) {
            coin.arm(address(escrow), doors[i]);
            vm.prank(payer);
            escrow.deposit(UNIT);
            assertShut(coin);
            claimTo(provider, uint96(i + 1) * UNIT);
            coin.arm(address(escrow), doors[i]);
            escrow.sweep(provider, MODEL, relay);
            assertShut(coin);
            coin.arm(address(escrow), doors[i]);
            escrow.collect(relay);
            assertShut(coin);
        }
        vm.startPrank(payer);
        escrow.requestWithdrawal();
        vm.warp(block.timestamp + GRACE);
        coin.arm(address(escrow), doors[3]);
        escrow.withdraw();
        assertShut(coin);
    }

    function test_reentrant_duringABurnOfADefaultFindsTheDoorShut() public {
        ReentrantToken coin = new ReentrantToken();
        use(address(coin), true);
        vm.prank(payer);
        escrow.deposit(DEPOSIT);
        drain();
        claimTo(stranger, UNIT);
        vm.warp(block.timestamp + WINDOW);
        coin.arm(address(escrow), abi.encodeCall(IEscrow.sweep, (provider, MODEL, relay)));
        escrow.settleDefault(payer);
        assertShut(coin);
    }

    function assertShut(ReentrantToken coin) private view {
        vm.assertEq(coin.target(), address(0));
        vm.assertFalse(coin.succeeded(), "the door was open");
        vm.assertEq(
            keccak256(coin.answer()),
            keccak256(abi.encodeWithSignature("ReentrancyGuardReentrantCall()")),
            "why it was shut"
        );
    }

    function use(address asset_, bool isBurnable) private {
        asset = asset_;
        Config memory init = config();
        (init.asset, init.isBurnable) = (asset_, isBurnable);
        escrow = deployEscrow(init);
        (bool sent,) =
            asset_.call(abi.encodeCall(IERC20.transfer, (payer, asset_ == address(0) ? 0 : 10 * DEPOSIT)));
        vm.assertTrue(sent);
        vm.prank(payer);
        (sent,) = asset_.call(abi.encodeCall(IERC20.approve, (address(escrow), type(uint256).max)));
        vm.assertTrue(sent);
    }

    /// @dev Deposit, claim, sweep, collect; then withdrawal and a new deposit.
    function goThrough() private {
        vm.prank(payer);
        escrow.deposit(DEPOSIT);
        claimTo(provider, 100 * UNIT);
        escrow.sweep(provider, MODEL, relay);
        escrow.collect(relay);
        escrow.collect(publisher);
        escrow.collect(treasury);
        vm.startPrank(payer);
        escrow.requestWithdrawal();
        vm.warp(block.timestamp + GRACE);
        escrow.withdraw();
        vm.assertEq(IERC20(asset).balanceOf(address(escrow)), 0);
        escrow.deposit(DEPOSIT);
        vm.stopPrank();
    }
}
