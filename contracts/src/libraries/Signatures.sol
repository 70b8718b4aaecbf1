// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { ECDSA } from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import { SignatureChecker } from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

/// @title Signatures
/// @notice Who signed a digest.
library Signatures {
    /// @notice The 64 bytes of a compact signature (ERC-2098).
    function asBytes(bytes32[2] calldata words) internal pure returns (bytes calldata signature) {
        assembly ("memory-safe") {
            signature.offset := words
            signature.length := 0x40
        }
    }

    /// @notice True if the key of `signer` made this signature: 64 bytes (ERC-2098) or 65, the lower `s` alone.
    function isOfKey(address signer, bytes32 digest, bytes calldata signature) internal pure returns (bool) {
        (uint8 v, bytes32 r, bytes32 s) = ECDSA.parseCalldata(signature);
        (address recovered, ECDSA.RecoverError failure,) = ECDSA.tryRecover(digest, v, r, s);
        return failure == ECDSA.RecoverError.NoError && recovered == signer;
    }

    /// @notice True if `account` signed, by its key or, having code, by ERC-1271. The key comes first: an account that
    /// delegates to code (EIP-7702) can't disown what its key has signed.
    function isOfAccount(address account, bytes32 digest, bytes calldata signature)
        internal
        view
        returns (bool)
    {
        return isOfKey(account, digest, signature)
            || SignatureChecker.isValidERC1271SignatureNowCalldata(account, digest, signature);
    }
}
