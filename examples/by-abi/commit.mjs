// Commit to parameters with the bond, reveal them, wait for the outcome: with viem and the contracts' ABI alone.
//
//   export RPC_URL=… PRIVATE_KEY_FILE=key.txt
//   node commit.mjs DEPLOYMENT PROJECT_ID PARAMETERS_CID
import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'

import { createPublicClient, createWalletClient, erc20Abi, http, parseEventLogs, toHex, zeroAddress } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'

const OUTCOMES = [
  'NONE', 'IMPROVED', 'NOT_IMPROVED', 'WORSE', 'INVALID', 'UNAVAILABLE', 'EVALUATOR_FAILED', 'EXPIRED', 'CANCELLED',
  'UNREVEALED',
]
const FINAL = 4

const [deploymentFile, projectText, cid] = process.argv.slice(2)
const projectId = BigInt(projectText)
const address = readJson(deploymentFile).contracts.ModelSubmission.address
const abi = readJson(new URL('../../zarathustra/chain/abi/ModelSubmission.json', import.meta.url)).abi

const account = privateKeyToAccount(readFileSync(process.env.PRIVATE_KEY_FILE, 'utf8').trim())
const transport = http(process.env.RPC_URL)
const reader = createPublicClient({ transport, pollingInterval: 500 })
const wallet = createWalletClient({ account, transport })

const project = await read('getProject', projectId)

// Keep the salt: without it you cannot reveal, and lose the bond. An earlier run's salt is never overwritten.
const salt = toHex(randomBytes(32))
writeFileSync(`salt-${projectId}-${cid}`, `${salt}\n`, { flag: 'wx', mode: 0o600 })

const isCoin = project.token === zeroAddress
if (!isCoin) {
  await send({ address: project.token, abi: erc20Abi, functionName: 'approve', args: [address, project.bond] })
}
const commitment = await read('commitmentOf', projectId, account.address, cid, salt)
const receipt = await send({
  address, abi, functionName: 'commit', args: [projectId, commitment], value: isCoin ? project.bond : 0n,
})
const [committed] = parseEventLogs({ abi, eventName: 'SubmissionCommitted', logs: receipt.logs })
const { index } = committed.args
console.log(`committed: submission ${index} of project ${projectId}`)

await send({ address, abi, functionName: 'reveal', args: [projectId, index, cid, salt] })
console.log(`revealed: ${cid}`)

let submission = await read('getSubmission', projectId, index)
while (submission.status !== FINAL) {
  await setTimeout(1_000)
  submission = await read('getSubmission', projectId, index)
}
console.log(`outcome: ${OUTCOMES[submission.outcome]}`)
console.log(`credit: ${await read('creditOf', account.address, project.token)}`)

function read(functionName, ...args) {
  return reader.readContract({ address, abi, functionName, args })
}

async function send(call) {
  const { request } = await reader.simulateContract({ account, ...call })
  const hash = await wallet.writeContract({ chain: null, ...request })
  const receipt = await reader.waitForTransactionReceipt({ hash })
  if (receipt.status !== 'success') throw new Error(`${call.functionName} reverted in ${hash}`)
  return receipt
}

function readJson(file) {
  return JSON.parse(readFileSync(file, 'utf8'))
}
