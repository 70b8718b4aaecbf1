import { parseAbi } from 'viem'

/** The parts of ERC-2612 and EIP-5267 that a permit is made from. */
export const permitAbi = parseAbi([
  'function nonces(address owner) view returns (uint256)',
  'function eip712Domain() view returns (bytes1 fields, string name, string version, uint256 chainId, address verifyingContract, bytes32 salt, uint256[] extensions)',
])
