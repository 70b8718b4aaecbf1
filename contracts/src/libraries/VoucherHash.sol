// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IEscrowTypes } from "../interfaces/IEscrowTypes.sol";

/// @title VoucherHash
/// @notice The EIP-712 struct hash of a voucher.
library VoucherHash {
    bytes32 internal constant TYPEHASH = keccak256(
        "Voucher(address payer,address provider,bytes32 model,address relay,uint32 epoch,uint96 cumulative)"
    );

    /// @dev All fields are of fixed size, so the struct lies in memory as EIP-712 encodes it.
    function structHash(IEscrowTypes.Voucher memory voucher) internal pure returns (bytes32 hash) {
        bytes32 typeHash = TYPEHASH;
        assembly ("memory-safe") {
            let start := mload(0x40)
            mstore(start, typeHash)
            mcopy(add(start, 0x20), voucher, 0xc0)
            hash := keccak256(start, 0xe0)
        }
    }
}
