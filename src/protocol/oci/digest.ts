/**
 * Content digests, `<algorithm>:<lower-case hex>` (image-spec descriptor.md, "Digests"). Of the registered algorithms
 * Stower takes sha256 and sha512; everything else does not parse.
 */
export type DigestAlgorithm = 'sha256' | 'sha512'

/** The textual form of a digest whose algorithm, length and alphabet are known to be right. */
export type Digest = string & { readonly __brand: 'Digest' }

export const digestAlgorithms = ['sha256', 'sha512'] as const satisfies readonly DigestAlgorithm[]

/** Takes exactly a digest, nothing around it. Looks at no more than 135 characters, however long the text is. */
export function parseDigest(text: string): Digest | undefined {
  for (const algorithm of digestAlgorithms) {
    const prefixLength = algorithm.length + 1
    if (text.length !== prefixLength + hexLengths[algorithm]) continue
    if (text.startsWith(`${algorithm}:`) && isLowerHex(text, prefixLength)) return text as Digest
  }
  return undefined
}

export function parseDigestAlgorithm(text: string): DigestAlgorithm | undefined {
  return digestAlgorithms.find(algorithm => algorithm === text)
}

export function digestAlgorithm(digest: Digest): DigestAlgorithm {
  return digest.startsWith('sha512:') ? 'sha512' : 'sha256'
}

/** The part after the colon. */
export function digestHex(digest: Digest): string {
  return digest.slice(digest.indexOf(':') + 1)
}

/** Throws RangeError when `hex` is not the lower-case hex of a hash by this algorithm: that is a defect of the caller. */
export function formatDigest(algorithm: DigestAlgorithm, hex: string): Digest {
  const digest = parseDigest(`${algorithm}:${hex}`)
  if (digest === undefined) throw new RangeError(`not the hex of a ${algorithm} hash`)
  return digest
}

/** The form kept in SQL: one byte for the algorithm (1 sha256, 2 sha512), then the hash. 33 or 65 bytes. */
export function digestToBytes(digest: Digest): Uint8Array<ArrayBuffer> {
  const algorithm = digestAlgorithm(digest)
  const bytes = new Uint8Array(1 + hexLengths[algorithm] / 2)
  bytes[0] = algorithmBytes[algorithm]
  bytes.subarray(1).setFromHex(digestHex(digest))
  return bytes
}

/** Reads what `digestToBytes` wrote. Throws RangeError on anything else: the row it came from is damaged. */
export function digestFromBytes(bytes: Uint8Array): Digest {
  const algorithm = digestAlgorithms.find(candidate => algorithmBytes[candidate] === bytes[0])
  if (algorithm === undefined) throw new RangeError('a binary digest begins with 1 (sha256) or 2 (sha512)')
  return formatDigest(algorithm, bytes.subarray(1).toHex())
}

/** A hash under way. `digest` ends it; a copy goes on by itself. */
export type RunningHash = {
  readonly algorithm: DigestAlgorithm
  update(chunk: Uint8Array): void
  /** The hash of what came so far, independent of what comes to this one later. */
  copy(): RunningHash
  /** Ends the hash: `update`, `copy` and `digest` throw afterwards. */
  digest(): Digest
}

export function startHash(algorithm: DigestAlgorithm): RunningHash {
  return wrapHasher(algorithm, new Bun.CryptoHasher(algorithm))
}

export function digestOf(algorithm: DigestAlgorithm, bytes: Uint8Array): Digest {
  return `${algorithm}:${Bun.CryptoHasher.hash(algorithm, bytes, 'hex')}` as Digest
}

const hexLengths = { sha256: 64, sha512: 128 } as const satisfies Record<DigestAlgorithm, number>
const algorithmBytes = { sha256: 1, sha512: 2 } as const satisfies Record<DigestAlgorithm, number>

function isLowerHex(text: string, start: number): boolean {
  for (let index = start; index < text.length; index++) {
    const code = text.charCodeAt(index)
    const isDigit = code >= 0x30 && code <= 0x39
    if (!isDigit && (code < 0x61 || code > 0x66)) return false
  }
  return true
}

function wrapHasher(algorithm: DigestAlgorithm, hasher: Bun.CryptoHasher): RunningHash {
  let isEnded = false
  // Bun starts a fresh hash when a finished one is updated, which would give a digest of the tail alone
  const assertRunning = () => {
    if (isEnded) throw new Error('this hash has been ended by digest()')
  }
  return {
    algorithm,
    update(chunk) {
      assertRunning()
      hasher.update(chunk)
    },
    copy() {
      assertRunning()
      return wrapHasher(algorithm, hasher.copy())
    },
    digest() {
      assertRunning()
      isEnded = true
      return `${algorithm}:${hasher.digest('hex')}` as Digest
    },
  }
}
