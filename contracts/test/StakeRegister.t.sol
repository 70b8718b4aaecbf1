// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { StakeFixture } from "./StakeFixture.sol";
import { Stake } from "../src/Stake.sol";
import { IStake } from "../src/interfaces/IStake.sol";

contract StakeRegisterTest is StakeFixture {
    function test_register_refusesNoKeyAndTooLittle() public {
        vm.startPrank(operator);
        vm.expectRevert(IStake.ZeroPeerKey.selector);
        stake.register(bindingOf(0), MINIMUM);
        vm.expectRevert(abi.encodeWithSelector(IStake.BelowMinimum.selector, MINIMUM - 1, MINIMUM));
        stake.register(bindingOf(PEER), MINIMUM - 1);
    }

    function test_register_stakesInOneTransaction() public {
        vm.expectEmit();
        emit IStake.Registered(operator, PEER, MINIMUM);
        register(MINIMUM);
        assertAmounts(MINIMUM, 0, 0);
        vm.assertEq(stake.peerKeyOf(operator), PEER);
        IStake.Binding[] memory wanted = new IStake.Binding[](1);
        wanted[0] = bindingOf(PEER);
        assertBindings(wanted);
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
        court.unjail(operator);
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
        stake.register(bindingOf(PEER), MINIMUM);
        vm.stopPrank();
        register(MINIMUM);
        vm.assertEq(stake.peerKeyOf(operator), PEER);
    }

    function test_registerWithPermit_needsNoApproval() public {
        (uint8 v, bytes32 r, bytes32 s) = permit();
        vm.prank(operator);
        stake.registerWithPermit(bindingOf(PEER), MINIMUM, START + 1, v, r, s);
        vm.assertTrue(stake.isActive(operator));
    }

    function test_registerWithPermit_worksThoughSomebodySentThePermitFirst() public {
        (uint8 v, bytes32 r, bytes32 s) = permit();
        token.permit(operator, address(stake), MINIMUM, START + 1, v, r, s);
        vm.prank(operator);
        stake.registerWithPermit(bindingOf(PEER), MINIMUM, START + 1, v, r, s);
        vm.assertTrue(stake.isActive(operator));
    }

    function test_setPeerKey_isForWhomWorks() public {
        vm.startPrank(operator);
        vm.expectRevert(wrongState(IStake.State.None));
        stake.setPeerKey(bindingOf(PEER));
        stake.register(bindingOf(PEER), MINIMUM);
        vm.expectRevert(IStake.ZeroPeerKey.selector);
        stake.setPeerKey(bindingOf(0));
        vm.expectEmit();
        emit IStake.PeerKeyChanged(operator, "another");
        stake.setPeerKey(bindingOf("another"));
        vm.assertEq(stake.peerKeyOf(operator), "another");
        stake.retire();
        vm.expectRevert(wrongState(IStake.State.Retired));
        stake.setPeerKey(bindingOf(PEER));
    }

    function test_setPeerKey_leavesAllBeforeOnRecord() public {
        vm.assertEq(stake.peerKeyOf(operator), 0);
        vm.assertEq(stake.bindingsOf(operator).length, 0);
        register(MINIMUM);
        vm.startPrank(operator);
        stake.setPeerKey(bindingOf("another"));
        stake.setPeerKey(bindingOf(PEER));
        IStake.Binding[] memory wanted = new IStake.Binding[](3);
        (wanted[0], wanted[1], wanted[2]) = (bindingOf(PEER), bindingOf("another"), bindingOf(PEER));
        assertBindings(wanted);
    }

    function test_setPeerKey_takesSixteenForGood() public {
        register(MINIMUM);
        vm.startPrank(operator);
        for (uint256 i = 1; i < 16; ++i) {
            stake.setPeerKey(bindingOf(bytes32(i)));
        }
        vm.expectRevert(abi.encodeWithSelector(IStake.TooManyPeerKeys.selector, operator));
        stake.setPeerKey(bindingOf(PEER));
        vm.assertEq(stake.bindingsOf(operator).length, 16);
        vm.assertEq(stake.peerKeyOf(operator), bytes32(uint256(15)));
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

    function assertBindings(IStake.Binding[] memory wanted) private view {
        vm.assertEq(keccak256(abi.encode(stake.bindingsOf(operator))), keccak256(abi.encode(wanted)));
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
