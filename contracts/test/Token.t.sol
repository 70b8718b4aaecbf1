// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { TestBase } from "./Vm.sol";
import { InfernetToken } from "../src/InfernetToken.sol";
import { IInfernetToken } from "../src/interfaces/IInfernetToken.sol";

contract TokenTest is TestBase {
    uint256 private constant CAP = 1_000;
    address private minter = named("minter");
    address private holder = named("holder");
    InfernetToken private token = new InfernetToken(minter, CAP, holder, 400);

    function test_token_isWhatItSays() public view {
        vm.assertEq(token.name(), "Infernet");
        vm.assertEq(token.symbol(), "INF");
        vm.assertEq(token.decimals(), 18);
        vm.assertEq(token.CAP(), CAP);
        vm.assertEq(token.minter(), minter);
        vm.assertEq(token.balanceOf(holder), 400);
        vm.assertEq(token.CLOCK_MODE(), "mode=timestamp");
    }

    function test_token_cantStartAboveItsCap() public {
        vm.expectRevert(abi.encodeWithSelector(IInfernetToken.CapExceeded.selector, CAP + 1, CAP));
        this.callDeploy(CAP + 1);
        this.callDeploy(CAP);
    }

    /// @dev As a call of its own, for an expected revert would end the test where it is not.
    function callDeploy(uint256 supply) external {
        new InfernetToken(minter, CAP, holder, supply);
    }

    function test_mint_isTheMintersAlone() public {
        vm.expectRevert(abi.encodeWithSelector(IInfernetToken.NotMinter.selector, holder));
        vm.prank(holder);
        token.mint(holder, 1);
    }

    function test_mint_goesUpToTheCapAndBurnsMakeRoom() public {
        vm.startPrank(minter);
        vm.expectRevert(abi.encodeWithSelector(IInfernetToken.CapExceeded.selector, 601, 600));
        token.mint(holder, 601);
        token.mint(holder, 600);
        vm.expectRevert(abi.encodeWithSelector(IInfernetToken.CapExceeded.selector, 1, 0));
        token.mint(holder, 1);
        vm.stopPrank();
        vm.prank(holder);
        token.burn(10);
        vm.startPrank(minter);
        vm.expectRevert(abi.encodeWithSelector(IInfernetToken.CapExceeded.selector, 11, 10));
        token.mint(holder, 11);
        token.mint(holder, 10);
        vm.assertEq(token.totalSupply(), CAP);
    }

    function test_votes_areCountedByTime() public {
        vm.warp(1_800_000_000);
        vm.assertEq(token.clock(), 1_800_000_000);
        vm.prank(holder);
        token.delegate(holder);
        vm.assertEq(token.getVotes(holder), 400);
        vm.warp(1_800_000_001);
        vm.prank(holder);
        token.transfer(minter, 100);
        vm.assertEq(token.getVotes(holder), 300);
        vm.warp(1_800_000_002);
        vm.assertEq(token.getPastVotes(holder, 1_800_000_000), 400);
        vm.assertEq(token.getPastVotes(holder, 1_800_000_001), 300);
    }
}
