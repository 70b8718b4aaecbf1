// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { TestBase } from "./Vm.sol";
import { Models } from "../src/Models.sol";
import { IModels } from "../src/interfaces/IModels.sol";

contract ModelsTest is TestBase {
    bytes32 private constant MANIFEST = keccak256("manifest");
    bytes32 private constant NEXT = keccak256("next manifest");
    string private constant NAME = "acme/small-1.0_q4";

    uint32 private constant NOTICE = 7 days;
    Models private models = new Models(NOTICE, named("timelock"), new IModels.Founding[](0));
    address private publisher = named("publisher");
    address private other = named("other");
    address private payee = named("payee");

    function test_publish_refusesWhatCantBe() public {
        vm.startPrank(publisher);
        vm.expectRevert(IModels.ZeroManifest.selector);
        models.publish(0, NAME, 0, 0, payee);
        vm.expectRevert(IModels.ZeroPayee.selector);
        models.publish(MANIFEST, NAME, 0, 0, address(0));
        vm.expectRevert(abi.encodeWithSelector(IModels.RoyaltyTooHigh.selector, uint16(2_001), uint16(2_000)));
        models.publish(MANIFEST, NAME, 0, 2_001, payee);
    }

    function test_publish_refusesNamesThatMislead() public {
        string[8] memory names = ["", "Acme", "acme small", "acme\x00", unicode"acmé", "a{", "a,", "a:"];
        vm.startPrank(publisher);
        for (uint256 i; i < names.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IModels.InvalidName.selector, names[i]));
            models.publish(MANIFEST, names[i], 0, 0, payee);
        }
        string memory tooLong = "0123456789012345678901234567890123456789012345678901234567890123-";
        vm.expectRevert(abi.encodeWithSelector(IModels.InvalidName.selector, tooLong));
        models.publish(MANIFEST, tooLong, 0, 0, payee);
    }

    function test_publish_takesEveryAllowedByte() public {
        vm.startPrank(publisher);
        models.publish(MANIFEST, "abcdefghijklmnopqrstuvwxyz0123456789-./_", 0, 0, payee);
        models.publish(NEXT, "0123456789012345678901234567890123456789012345678901234567890123", 0, 0, payee);
        models.publish("one byte", "z", 0, 0, payee);
    }

    /// @dev The rule in words, against the contract's.
    function testFuzz_publish_takesAByteOrNot(bytes1 char) public {
        bytes memory allowed = "abcdefghijklmnopqrstuvwxyz0123456789-./_";
        bool isAllowed;
        for (uint256 i; i < allowed.length; ++i) {
            if (allowed[i] == char) isAllowed = true;
        }
        string memory name = string(abi.encodePacked("a", char));
        if (!isAllowed) vm.expectPartialRevert(IModels.InvalidName.selector);
        models.publish(MANIFEST, name, 0, 0, payee);
    }

    function test_publish_tellsAllOfIt() public {
        vm.expectEmit();
        emit IModels.Published(MANIFEST, keccak256(bytes(NAME)), publisher, NAME, 7, 2_000, payee);
        vm.prank(publisher);
        models.publish(MANIFEST, NAME, 7, 2_000, payee);
        (address to, uint16 bps,) = models.royaltyOf(MANIFEST);
        vm.assertEq(to, payee);
        vm.assertEq(bps, 2_000);
        (IModels.Model memory model, bytes32 nameHash) = models.modelOf(MANIFEST);
        vm.assertEq(model.licence, 7);
        vm.assertEq(model.payee, payee);
        vm.assertEq(nameHash, keccak256(bytes(NAME)));
        (address owner,) = models.ownerOf(NAME);
        vm.assertEq(owner, publisher);
        vm.assertEq(model.royaltyFrom, block.timestamp + NOTICE);
        uint40 from;
        (to, bps, from) = models.royaltyOf(NEXT);
        vm.assertEq(from, 0);
        vm.assertEq(to, address(0));
        vm.assertEq(bps, 0);
    }

    function test_founding_isPublishedForNothingAndItsOwnersForGood() public {
        IModels.Founding[] memory founding = new IModels.Founding[](2);
        founding[0] = IModels.Founding({ manifest: MANIFEST, name: NAME, licence: 3 });
        founding[1] = IModels.Founding({ manifest: NEXT, name: NAME, licence: 4 });
        models = new Models(0, other, founding);
        (IModels.Model memory model,) = models.modelOf(NEXT);
        vm.assertEq(model.payee, other);
        vm.assertEq(model.royaltyBps, 0);
        vm.assertEq(model.licence, 4);
        (address owner,) = models.ownerOf(NAME);
        vm.assertEq(owner, other);
        vm.expectRevert(abi.encodeWithSelector(IModels.AlreadyPublished.selector, MANIFEST));
        vm.prank(publisher);
        models.publish(MANIFEST, "another", 0, 2_000, publisher);
        vm.expectRevert(abi.encodeWithSelector(IModels.RoyaltyTooHigh.selector, uint16(1), uint16(0)));
        vm.prank(other);
        models.lowerRoyalty(MANIFEST, 1);
    }

    function test_notice_isAtMostThirtyDays() public {
        vm.assertEq(models.NOTICE_SECONDS(), NOTICE);
        models = new Models(30 days, other, new IModels.Founding[](0));
        vm.expectRevert(
            abi.encodeWithSelector(IModels.OutOfBounds.selector, bytes32("noticeSeconds"), 30 days + 1)
        );
        this.callDeploy(30 days + 1);
    }

    /// @dev As a call of its own, for an expected revert would end the test where it is not.
    function callDeploy(uint32 notice) external {
        new Models(notice, other, new IModels.Founding[](0));
    }

    function test_publish_isOncePerManifestAndByTheNamesOwner() public {
        publish();
        vm.expectRevert(abi.encodeWithSelector(IModels.AlreadyPublished.selector, MANIFEST));
        vm.prank(publisher);
        models.publish(MANIFEST, "another", 0, 0, payee);
        vm.expectRevert(notOwner(other, publisher));
        vm.prank(other);
        models.publish(NEXT, NAME, 0, 0, other);
        vm.prank(publisher);
        models.publish(NEXT, NAME, 0, 0, payee);
    }

    function test_lowerRoyalty_isTheOwnersAndFallsOnly() public {
        publish();
        vm.expectRevert(notOwner(other, publisher));
        vm.prank(other);
        models.lowerRoyalty(MANIFEST, 0);
        vm.startPrank(publisher);
        vm.expectRevert(abi.encodeWithSelector(IModels.RoyaltyTooHigh.selector, uint16(1_001), uint16(1_000)));
        models.lowerRoyalty(MANIFEST, 1_001);
        vm.expectEmit();
        emit IModels.RoyaltyLowered(MANIFEST, 999);
        models.lowerRoyalty(MANIFEST, 999);
        models.lowerRoyalty(MANIFEST, 999);
        (address to, uint16 bps,) = models.royaltyOf(MANIFEST);
        vm.assertEq(bps, 999);
        vm.assertEq(to, payee);
        vm.expectRevert(notOwner(publisher, address(0)));
        models.lowerRoyalty(NEXT, 0);
    }

    function test_setPayee_isTheOwners() public {
        publish();
        vm.expectRevert(notOwner(other, publisher));
        vm.prank(other);
        models.setPayee(MANIFEST, other);
        vm.startPrank(publisher);
        vm.expectRevert(IModels.ZeroPayee.selector);
        models.setPayee(MANIFEST, address(0));
        vm.expectEmit();
        emit IModels.PayeeChanged(MANIFEST, other);
        models.setPayee(MANIFEST, other);
        (address to, uint16 bps,) = models.royaltyOf(MANIFEST);
        vm.assertEq(to, other);
        vm.assertEq(bps, 1_000);
    }

    function test_name_changesHandsInTwoSteps() public {
        publish();
        vm.expectRevert(notOwner(other, publisher));
        vm.prank(other);
        models.transferName(NAME, other);
        vm.expectRevert(abi.encodeWithSelector(IModels.NotOffered.selector, other, address(0)));
        vm.prank(other);
        models.acceptName(NAME);

        vm.expectEmit();
        emit IModels.NameOffered(keccak256(bytes(NAME)), publisher, other);
        vm.prank(publisher);
        models.transferName(NAME, other);
        (address owner, address offeredTo) = models.ownerOf(NAME);
        vm.assertEq(owner, publisher);
        vm.assertEq(offeredTo, other);
        vm.expectEmit();
        emit IModels.NameTransferred(keccak256(bytes(NAME)), publisher, other);
        vm.prank(other);
        models.acceptName(NAME);
        (owner, offeredTo) = models.ownerOf(NAME);
        vm.assertEq(owner, other);
        vm.assertEq(offeredTo, address(0));
        vm.prank(other);
        models.lowerRoyalty(MANIFEST, 1);
        vm.expectRevert(notOwner(publisher, other));
        vm.prank(publisher);
        models.setPayee(MANIFEST, publisher);
    }

    function test_name_canBeTakenBackBeforeItIsAccepted() public {
        publish();
        vm.startPrank(publisher);
        models.transferName(NAME, other);
        models.transferName(NAME, address(0));
        vm.stopPrank();
        vm.expectRevert(abi.encodeWithSelector(IModels.NotOffered.selector, other, address(0)));
        vm.prank(other);
        models.acceptName(NAME);
    }

    function publish() private {
        vm.prank(publisher);
        models.publish(MANIFEST, NAME, 7, 1_000, payee);
    }

    function notOwner(address caller, address owner) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IModels.NotNameOwner.selector, caller, owner);
    }
}
