import { afterAll, beforeAll, describe, expect } from 'bun:test'
import type { SignatureKind } from './cosign.ts'
import { refusalOf } from './refusal.ts'
import { imageName, openStage, type Stage, testWithClients } from './stage.ts'

/** Signatures beside images: among the referrers, and under tags as clients left them before there were referrers. */

let stage: Stage

beforeAll(async () => {
  stage = await openStage()
})
afterAll(() => stage?.[Symbol.asyncDispose]())

const kinds: readonly SignatureKind[] = ['referrers', 'tag']

describe.concurrent('signatures', () => {
  for (const kind of kinds) {
    testWithClients(['cosign'], `cosign signs by ${kind}, and verifies what is there and nothing else`, async () => {
      const cosign = await stage.client('cosign')
      const { image, digest } = await pushImage(`cosign-${kind}`)
      await cosign.sign(image, kind)
      // Who looks among referrers looks under the tag as well; who knows tags alone finds nothing else.
      expect((await cosign.verify(image, 'referrers')).digest).toBe(digest)
      const byTag = cosign.verify(image, 'tag')
      if (kind === 'tag') expect((await byTag).digest).toBe(digest)
      else expect(await refusalOf(byTag)).toMatch(/no signatures found/)
      expect(await signatureTags(`cosign-${kind}`)).toEqual(kind === 'tag' ? [`${digest.replace(':', '-')}.sig`] : [])
      expect(await countReferrers(`cosign-${kind}`, digest)).toBe(kind === 'tag' ? 0 : 1)
    })

    testWithClients(['notation'], `notation signs by ${kind}, lists and verifies`, async () => {
      const notation = await stage.client('notation')
      const { image, digest } = await pushImage(`notation-${kind}`)
      await notation.sign(image, kind)
      const verified = await notation.pull(image)
      expect(verified.digest).toBe(digest)
      expect(verified.facts.layers).toHaveLength(1)
      expect(await signatureTags(`notation-${kind}`)).toEqual(kind === 'tag' ? [digest.replace(':', '-')] : [])
    })
  }

  testWithClients(['cosign'], 'cosign attaches a bill of materials, and verifies it byte for byte', async () => {
    const cosign = await stage.client('cosign')
    const { image, digest } = await pushImage('cosign-sbom')
    const sbom = { spdxVersion: 'SPDX-2.3', SPDXID: 'SPDXRef-DOCUMENT', name: 'signed', packages: [] }
    await cosign.attest(image, sbom)
    expect(await cosign.verifyAttestation(image)).toEqual({ digest, predicate: sbom })
    expect(await countReferrers('cosign-sbom', digest)).toBe(1)
  })

  testWithClients(['cosign'], 'cosign does not take the signature of one image for that of another', async () => {
    const cosign = await stage.client('cosign')
    const { image } = await pushImage('cosign-signed')
    await cosign.sign(image, 'referrers')
    const { image: unsigned } = await pushImage('cosign-unsigned', 'other content')
    expect(await refusalOf(cosign.verify(unsigned, 'referrers'))).toMatch(/no signatures found/)
  })
})

async function pushImage(repository: string, layer = 'content'): Promise<{ image: string; digest: string }> {
  const { digest } = await stage.registry.pushImage(`group/${repository}`, '1', [layer])
  return { image: imageName(stage, repository).replace(/:1$/, `@${digest}`), digest }
}

/** Tags that stand for signatures: all but the image's own. */
async function signatureTags(repository: string): Promise<string[]> {
  const response = await stage.registry.request('GET', `/v2/group/${repository}/tags/list`)
  const { tags } = (await response.json()) as { tags: string[] }
  return tags.filter(tag => tag !== '1')
}

async function countReferrers(repository: string, digest: string): Promise<number> {
  const response = await stage.registry.request('GET', `/v2/group/${repository}/referrers/${digest}`)
  return ((await response.json()) as { manifests: unknown[] }).manifests.length
}
