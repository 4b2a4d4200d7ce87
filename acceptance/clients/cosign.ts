import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { requireTool } from '../../test/tools.ts'
import { run } from '../command.ts'
import type { Client, Pulled } from './client.ts'

export type Cosign = Client & {
  cosign: (args: readonly string[]) => Promise<string>
  /** Signs an image that is there, by a bundle among its referrers or by the tag `sha256-….sig`. */
  sign: (image: string, how: SignatureKind) => Promise<void>
  verify: (image: string, how: SignatureKind) => Promise<Pulled>
  /** Signs a bill of materials (SPDX) of the image, which becomes one of its referrers. */
  attest: (image: string, sbom: unknown) => Promise<void>
  /** What was attested, by the word of the signed statement. */
  verifyAttestation: (image: string) => Promise<{ digest: string; predicate: unknown }>
}

export type SignatureKind = 'referrers' | 'tag'

/** Makes a key to sign with, for all clients of a stage; resolves to the folder with both its halves. */
export async function makeCosignKey(folder: string): Promise<string> {
  await mkdir(folder)
  await run(requireTool('cosign'), ['generate-key-pair'], { cwd: folder, env: { HOME: folder, COSIGN_PASSWORD: '' } })
  return folder
}

/**
 * cosign with a key made by `makeCosignKey`. What it pushes are signatures, and to pull is to verify them. `pushSubject`
 * pushes an image to be signed and resolves to its digest.
 */
export async function openCosign(
  folder: string,
  keys: string,
  pushSubject: (image: string) => Promise<string>,
): Promise<Cosign> {
  await mkdir(folder)
  const env = { HOME: folder, DOCKER_CONFIG: join(folder, 'config'), COSIGN_PASSWORD: '' }
  const cosign = (args: readonly string[], input?: string) =>
    run(requireTool('cosign'), args, { env, cwd: folder, ...(input !== undefined && { input }) })
  const sign: Cosign['sign'] = async (image, how) => {
    await cosign(['sign', '-y', '--key', join(keys, 'cosign.key'), ...offline, ...formatFlags(how), image])
  }
  const verify: Cosign['verify'] = async (image, how) => {
    const flags = ['--key', join(keys, 'cosign.pub'), '--insecure-ignore-tlog=true', ...formatFlags(how)]
    return readVerified(await cosign(['verify', ...flags, '-o', 'json', image]))
  }
  const attest: Cosign['attest'] = async (image, predicate) => {
    await writeFile(join(folder, 'predicate.json'), JSON.stringify(predicate))
    const flags = ['--predicate', 'predicate.json', '--type', 'spdxjson']
    await cosign(['attest', '-y', '--key', join(keys, 'cosign.key'), ...offline, ...flags, image])
  }
  return {
    name: 'cosign',
    cosign,
    sign,
    verify,
    attest,
    verifyAttestation: async image => {
      const flags = ['--key', join(keys, 'cosign.pub'), '--insecure-ignore-tlog=true', '--type', 'spdxjson']
      const output = await cosign(['verify-attestation', ...flags, image])
      const payload = /"payload":"([^"]+)"/.exec(output)?.[1] ?? ''
      const { subject, predicate } = JSON.parse(Buffer.from(payload, 'base64').toString())
      return { digest: `sha256:${subject[0].digest.sha256}`, predicate }
    },
    logIn: async (host, { user, password }) => {
      await cosign(['login', host, '-u', user, '--password-stdin'], password)
    },
    push: async (_content, image) => {
      const digest = await pushSubject(image)
      await sign(image, 'referrers')
      return { digest, facts: { config: digest, layers: [], files: {} } }
    },
    pull: image => verify(image, 'referrers'),
    copy: async (from, to) => {
      await cosign(['copy', from, to])
    },
    remove: async image => {
      await cosign(['clean', '-f', '--type', 'all', image])
    },
    attach: image => attest(image, sbom),
    listReferrers: async image => {
      const output = await cosign(['tree', image])
      return [...output.matchAll(/🍒/gu)].map(() => bundleType)
    },
  }
}

const bundleType = 'application/vnd.dev.sigstore.bundle.v0.3+json'
const sbom = { spdxVersion: 'SPDX-2.3', SPDXID: 'SPDXRef-DOCUMENT', name: 'acceptance', packages: [] }

/** Without these it asks services on the internet for certificates and time. */
const offline = ['--use-signing-config=false', '--tlog-upload=false']

function formatFlags(how: SignatureKind): readonly string[] {
  return how === 'tag' ? ['--new-bundle-format=false'] : []
}

/** What was signed, by the word of the signature itself. */
function readVerified(output: string): Pulled {
  const digest = /"docker-manifest-digest":\s*"(sha256:[0-9a-f]{64})"/.exec(output)?.[1]
  if (digest === undefined) throw new Error(`cosign names no digest: ${output}`)
  return { digest, facts: { config: digest, layers: [], files: {} } }
}
