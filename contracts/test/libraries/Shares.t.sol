// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { TestBase } from "../Vm.sol";
import { Shares } from "../../src/libraries/Shares.sol";

contract SharesTest is TestBase {
    function testFuzz_bps_roundsAsItIsNamed(uint96 amount, uint16 bps) public pure {
        uint256 down = Shares.bpsDown(amount, bps);
        uint256 up = Shares.bpsUp(amount, bps);
        uint256 exact = uint256(amount) * bps;
        vm.assertLe(down * 10_000, exact, "down");
        vm.assertGt((down + 1) * 10_000, exact, "down by less than a unit");
        vm.assertGe(up * 10_000, exact, "up");
        vm.assertEq(up - down, exact % 10_000 == 0 ? 0 : 1, "apart");
    }

    function testFuzz_proportion_roundsAsItIsNamed(uint96 amount, uint96 part, uint96 whole) public pure {
        whole = whole == 0 ? 1 : whole;
        uint256 down = Shares.proportionDown(amount, part, whole);
        uint256 up = Shares.proportionUp(amount, part, whole);
        uint256 exact = uint256(amount) * part;
        vm.assertLe(down * whole, exact, "down");
        vm.assertGt((down + 1) * whole, exact, "down by less than a unit");
        vm.assertEq(up - down, exact % whole == 0 ? 0 : 1, "apart");
    }

    function testFuzz_min_isTheLesser(uint256 a, uint256 b) public pure {
        uint256 least = Shares.min(a, b);
        vm.assertTrue(least == a || least == b);
        vm.assertLe(least, a, "a");
        vm.assertLe(least, b, "b");
    }
}
