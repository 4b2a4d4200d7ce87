import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { requireTool } from '../../test/tools.ts'
import { run } from '../command.ts'
import type { Login } from '../program.ts'
import type { Client, Pulled } from './client.ts'

export type Notation = Client & {
  notation: (args: readonly string[]) => Promise<string>
  /** Signs an image that is there: for the referrers API, or for clients that know only tags. */
  sign: (image: string, how: 'referrers' | 'tag') => Promise<void>
}

/** Makes a key to sign with and trust in it, for all clients of a stage; resolves to the folder that keeps both. */
export async function makeNotationKey(folder: string): Promise<string> {
  await mkdir(folder)
  const env = { HOME: folder, XDG_CONFIG_HOME: folder }
  await run(requireTool('notation'), ['cert', 'generate-test', '--default', 'acceptance.example'], { env })
  await writeFile(join(folder, 'notation/trustpolicy.json'), JSON.stringify(trustPolicy))
  return folder
}

/**
 * notation with a key made by `makeNotationKey`. What it pushes are signatures, and to pull is to verify them.
 * `pushSubject` pushes an image to be signed and resolves to its digest.
 */
export async function openNotation(
  folder: string,
  keys: string,
  pushSubject: (image: string) => Promise<string>,
): Promise<Notation> {
  await mkdir(folder)
  let login: Login | undefined
  const notation = (args: readonly string[]) =>
    run(requireTool('notation'), args, {
      env: {
        HOME: folder,
        XDG_CONFIG_HOME: keys,
        // Logins are kept by helpers of the desktop alone; without one they are told by the environment.
        ...(login && { NOTATION_USERNAME: login.user, NOTATION_PASSWORD: login.password }),
      },
    })
  const sign: Notation['sign'] = async (image, how) => {
    await notation(['sign', '--insecure-registry', `--force-referrers-tag=${how === 'tag'}`, image])
  }
  const listSignatures = async (image: string) => signaturesIn(await notation(['ls', '--insecure-registry', image]))
  const verify = async (image: string): Promise<Pulled> => {
    const output = await notation(['verify', '--insecure-registry', image])
    const digest = /Successfully verified signature for \S+@(sha256:[0-9a-f]{64})/.exec(output)?.[1]
    if (digest === undefined) throw new Error(`notation names no digest: ${output}`)
    return { digest, facts: { config: digest, layers: await listSignatures(image), files: {} } }
  }
  return {
    name: 'notation',
    notation,
    sign,
    logIn: async (_host, given) => {
      login = given
    },
    push: async (_content, image) => {
      const digest = await pushSubject(image)
      await sign(image, 'referrers')
      return { digest, facts: { config: digest, layers: await listSignatures(image), files: {} } }
    },
    pull: verify,
    attach: image => sign(image, 'referrers'),
    listReferrers: async image => {
      const output = await notation(['ls', '--insecure-registry', image])
      // A type stands above all that is of it.
      const type = /── (application\/\S+)/.exec(output)?.[1] ?? ''
      return signaturesIn(output).map(() => type)
    },
  }
}

function signaturesIn(output: string): string[] {
  return [...output.matchAll(/── (sha256:[0-9a-f]{64})/g)].map(([, digest = '']) => digest)
}

/** Whatever is signed by the certificate that was just made. */
const trustPolicy = {
  version: '1.0',
  trustPolicies: [
    {
      name: 'acceptance',
      registryScopes: ['*'],
      signatureVerification: { level: 'strict' },
      trustStores: ['ca:acceptance.example'],
      trustedIdentities: ['*'],
    },
  ],
}
