// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { EscrowFixture } from "./EscrowFixture.sol";
import { IEscrow } from "../src/interfaces/IEscrow.sol";
import { Signatures } from "../src/libraries/Signatures.sol";
import { VoucherHash } from "../src/libraries/VoucherHash.sol";

/// @notice What the contract makes of the vectors that the protocol's own code is held to.
contract VectorsTest is EscrowFixture {
    uint256 private constant COUNT = 5;
    string private json;

    function test_vectors_nameTheType() public {
        json = vm.readFile("test/vectors/voucher.json");
        vm.assertEq(vm.parseJsonBytes32(json, ".typeHash"), VoucherHash.TYPEHASH);
        vm.assertEq(keccak256(bytes(vm.parseJsonString(json, ".type"))), VoucherHash.TYPEHASH);
    }

    function test_vectors_hashAndSignAsTheContractDoes() public {
        json = vm.readFile("test/vectors/voucher.json");
        bytes memory code = address(escrow).code;
        for (uint256 i; i < COUNT; ++i) {
            string memory at = string.concat(".vectors[", vm.toString(i), "]");
            address place = vm.parseJsonAddress(json, string.concat(at, ".domain.verifyingContract"));
            vm.chainId(vm.parseJsonUint(json, string.concat(at, ".domain.chainId")));
            vm.etch(place, code);
            Voucher memory voucher = read(string.concat(at, ".voucher"));
            bytes32 digest = vm.parseJsonBytes32(json, string.concat(at, ".digest"));
            vm.assertEq(
                keccak256(abi.encode(VoucherHash.TYPEHASH, voucher)),
                vm.parseJsonBytes32(json, string.concat(at, ".structHash")),
                "structHash"
            );
            vm.assertEq(IEscrow(place).hashVoucher(voucher), digest, "digest");
            address signer = vm.parseJsonAddress(json, string.concat(at, ".signer"));
            vm.assertTrue(
                this.isOfKey(signer, digest, vm.parseJsonBytes(json, string.concat(at, ".signature")))
            );
            vm.assertTrue(
                this.isOfKey(signer, digest, vm.parseJsonBytes(json, string.concat(at, ".compact")))
            );
        }
    }

    function isOfKey(address signer, bytes32 digest, bytes calldata signature) external pure returns (bool) {
        return Signatures.isOfKey(signer, digest, signature);
    }

    function read(string memory at) private view returns (Voucher memory) {
        return Voucher({
            payer: vm.parseJsonAddress(json, string.concat(at, ".payer")),
            provider: vm.parseJsonAddress(json, string.concat(at, ".provider")),
            model: vm.parseJsonBytes32(json, string.concat(at, ".model")),
            relay: vm.parseJsonAddress(json, string.concat(at, ".relay")),
            epoch: uint32(vm.parseJsonUint(json, string.concat(at, ".epoch"))),
            cumulative: uint96(vm.parseJsonUint(json, string.concat(at, ".cumulative")))
        });
    }
}
