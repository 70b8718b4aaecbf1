import { createHash } from 'node:crypto'
import { privateKeyToAccount } from 'viem/accounts'
import { escrowBytecode } from '#shared/abi/escrow.ts'
import { modelsBytecode } from '#shared/abi/models.ts'
import { stakeBytecode } from '#shared/abi/stake.ts'
import { testCoinBytecode } from '#shared/abi/test-coin.ts'
import { timelockBytecode } from '#shared/abi/timelock.ts'
import { tokenBytecode } from '#shared/abi/token.ts'
import { deployNetwork } from '../../contracts/script/deploy.ts'
import { toNetworkFile } from '../../contracts/script/network.ts'
import type { Deployment } from './local-chain.ts'

const BYTECODES = [
  timelockBytecode,
  tokenBytecode,
  modelsBytecode,
  stakeBytecode,
  testCoinBytecode,
  escrowBytecode,
]

/** All of the network's contracts, as the deploy script puts them anywhere. */
export const ourContracts: Deployment = {
  contractsHash: createHash('sha256').update(BYTECODES.join()).digest('hex'),
  deploy: async ({ rpcUrl, privateKey }) =>
    toNetworkFile(
      await deployNetwork(rpcUrl, privateKeyToAccount(privateKey), {
        isTest: true,
        // The demo publishes the model that comes with us itself, to show a royalty.
        founding: [],
      }),
    ),
}
