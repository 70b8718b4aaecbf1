// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { StakeFixture } from "./StakeFixture.sol";
import { Stake } from "../src/Stake.sol";
import { IStake } from "../src/interfaces/IStake.sol";

contract StakeRegisterTest is StakeFixture {
    function test_register_refusesNoKeyAndTooLittle() public {
        vm.startPrank(operator);
        vm.expectRevert(IStake.ZeroPeerKey.selector);
        stake.register(0, MINIMUM);
        vm.expectRevert(abi.encodeWithSelector(IStake.BelowMinimum.selector, MINIMUM - 1, MINIMUM));
        stake.register(PEER, MINIMUM - 1);
    }

    function test_register_stakesInOneTransaction() public {
        vm.expectEmit();
        emit IStake.Registered(operator, PEER, MINIMUM);
        register(MINIMUM);
        assertAmounts(MINIMUM, 0, 0);
        vm.assertEq(stake.peerKeyOf(operator), PEER);
        vm.assertTrue(stake.isActive(operator));
        vm.assertTrue(stake.hasStake(operator));
        vm.assertEq(token.balanceOf(address(stake)), MINIMUM);
    }

    function test_register_worksOnce() public {
        register(MINIMUM);
        vm.expectRevert(wrongState(IStake.State.Active));
        register(MINIMUM);
        court.jail(operator);
        vm.expectRevert(wrongState(IStake.State.Jailed));
        register(MINIMUM);
        vm.prank(operator);
        stake.retire();
        vm.expectRevert(wrongState(IStake.State.Retired));
        register(MINIMUM);
    }

    function test_register_leavesAKeyOpenToOthers() public {
        address squatter = named("squatter");
        token.transfer(squatter, MINIMUM);
        vm.startPrank(squatter);
        token.approve(address(stake), MINIMUM);
        stake.register(PEER, MINIMUM);
        vm.stopPrank();
        register(MINIMUM);
        vm.assertEq(stake.peerKeyOf(operator), PEER);
    }

    function test_registerWithPermit_needsNoApproval() public {
        (uint8 v, bytes32 r, bytes32 s) = permit();
        vm.prank(operator);
        stake.registerWithPermit(PEER, MINIMUM, START + 1, v, r, s);
        vm.assertTrue(stake.isActive(operator));
    }

    function test_registerWithPermit_worksThoughSomebodySentThePermitFirst() public {
        (uint8 v, bytes32 r, bytes32 s) = permit();
        token.permit(operator, address(stake), MINIMUM, START + 1, v, r, s);
        vm.prank(operator);
        stake.registerWithPermit(PEER, MINIMUM, START + 1, v, r, s);
        vm.assertTrue(stake.isActive(operator));
    }

    function test_setPeerKey_isForWhomWorks() public {
        vm.startPrank(operator);
        vm.expectRevert(wrongState(IStake.State.None));
        stake.setPeerKey(PEER);
        stake.register(PEER, MINIMUM);
        vm.expectRevert(IStake.ZeroPeerKey.selector);
        stake.setPeerKey(0);
        vm.expectEmit();
        emit IStake.PeerKeyChanged(operator, "another");
        stake.setPeerKey("another");
        vm.assertEq(stake.peerKeyOf(operator), "another");
        stake.retire();
        vm.expectRevert(wrongState(IStake.State.Retired));
        stake.setPeerKey(PEER);
    }

    function test_config_isToldAsItWasGiven() public view {
        vm.assertEq(keccak256(abi.encode(stake.config())), keccak256(abi.encode(config())));
    }

    function test_config_refusesWhatIsOutOfBounds() public {
        IStake.StakeConfig memory init = config();
        init.token = operator;
        refused(init, "token", uint160(operator));
        init = config();
        init.owner = address(0);
        refused(init, "owner", 0);
        init = config();
        init.floor = 0;
        refused(init, "floor", 0);
        init.floor = init.ceiling + 1;
        refused(init, "floor", init.floor);
        init = config();
        init.unbondSeconds = 2 days - 1;
        refused(init, "unbondSeconds", 2 days - 1);
        init.unbondSeconds = 60 days + 1;
        refused(init, "unbondSeconds", 60 days + 1);
        init = config();
        init.withdrawSeconds = 1 days - 1;
        refused(init, "withdrawSeconds", 1 days - 1);
        init.withdrawSeconds = 14 days + 1;
        refused(init, "withdrawSeconds", 14 days + 1);
        init = config();
        init.challengerBps = 5_001;
        refused(init, "challengerBps", 5_001);
        init = config();
        init.minimum = init.floor - 1;
        refused(init, "minimum", init.minimum);
        init.minimum = init.ceiling + 1;
        refused(init, "minimum", init.minimum);
    }

    function test_config_takesItsBounds() public {
        IStake.StakeConfig memory init = config();
        (init.unbondSeconds, init.challengerBps, init.minimum) = (2 days, 5_000, init.floor);
        init.withdrawSeconds = 1 days;
        new Stake(init);
        (init.unbondSeconds, init.floor, init.minimum) = (60 days, init.ceiling, init.ceiling);
        init.withdrawSeconds = 14 days;
        new Stake(init);
    }

    function test_setMinimum_isTheOwnersInsideTheBounds() public {
        vm.expectRevert(abi.encodeWithSelector(IStake.NotOwner.selector, operator));
        vm.prank(operator);
        stake.setMinimum(MINIMUM);
        register(MINIMUM);
        vm.startPrank(timelock);
        vm.expectRevert(
            abi.encodeWithSelector(IStake.OutOfBounds.selector, bytes32("minimum"), 10_000 * UNIT + 1)
        );
        stake.setMinimum(10_000 * UNIT + 1);
        vm.expectRevert(
            abi.encodeWithSelector(IStake.OutOfBounds.selector, bytes32("minimum"), 10 * UNIT - 1)
        );
        stake.setMinimum(10 * UNIT - 1);
        vm.expectEmit();
        emit IStake.MinimumChanged(MINIMUM + 1);
        stake.setMinimum(MINIMUM + 1);
        vm.assertFalse(stake.isActive(operator));
        vm.assertTrue(stake.hasStake(operator));
        assertAmounts(MINIMUM, 0, 0);
        vm.assertEq(stake.config().minimum, MINIMUM + 1);
    }

    /// @dev A minimum that falls lets more be offered jobs; it lifts nobody's cap for less.
    function test_hasStake_isTheMinimumOfTheStartWhateverItBecomes() public {
        vm.prank(timelock);
        stake.setMinimum(10 * UNIT);
        register(MINIMUM - 1);
        vm.assertTrue(stake.isActive(operator));
        vm.assertFalse(stake.hasStake(operator));
        vm.prank(operator);
        stake.add(1);
        vm.assertTrue(stake.hasStake(operator));
    }

    function test_setCourt_isTheOwners() public {
        vm.expectRevert(abi.encodeWithSelector(IStake.NotOwner.selector, operator));
        vm.prank(operator);
        stake.setCourt(operator);
        vm.expectEmit();
        emit IStake.CourtChanged(challenger);
        vm.prank(timelock);
        stake.setCourt(challenger);
        vm.assertEq(stake.court(), challenger);
    }

    /// @dev As a call of its own, for an expected revert would end the test where it is not.
    function callDeploy(IStake.StakeConfig memory init) external {
        new Stake(init);
    }

    function refused(IStake.StakeConfig memory init, bytes32 parameter, uint256 value) private {
        vm.expectRevert(abi.encodeWithSelector(IStake.OutOfBounds.selector, parameter, value));
        this.callDeploy(init);
    }

    function permit() private returns (uint8 v, bytes32 r, bytes32 s) {
        vm.prank(operator);
        token.approve(address(stake), 0);
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256(
                    "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
                ),
                operator,
                address(stake),
                MINIMUM,
                token.nonces(operator),
                START + 1
            )
        );
        return vm.sign(
            OPERATOR_KEY, keccak256(abi.encodePacked("\x19\x01", token.DOMAIN_SEPARATOR(), structHash))
        );
    }
}
