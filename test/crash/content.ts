import { createHash } from 'node:crypto'
import { type Random, randomOf } from './random.ts'

/** Bytes that are made again from a number, so that thousands of pushes can be checked without keeping any. */
export type Content = { seed: number; sizeBytes: number; digest: string }

const largestBytes = 256 * 1024

/** 1 B to 256 KiB, small ones as likely as large ones. */
export function makeContent(random: Random): Content {
  const seed = random.between(0, 2 ** 31)
  const sizeBytes = Math.max(1, Math.floor(largestBytes ** random.next()))
  return { seed, sizeBytes, digest: digestOf(bytesOf({ seed, sizeBytes })) }
}

export function bytesOf({ seed, sizeBytes }: Pick<Content, 'seed' | 'sizeBytes'>): Uint8Array<ArrayBuffer> {
  const random = randomOf(seed)
  const words = new Uint32Array(Math.ceil(sizeBytes / 4))
  for (let index = 0; index < words.length; index++) words[index] = random.next() * 2 ** 32
  return new Uint8Array(words.buffer, 0, sizeBytes)
}

export function digestOf(bytes: Uint8Array | string): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}
