import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { readOciLayout, type StoredImage } from '../image-facts.ts'
import { type ImageContent, packLayer, writeOciLayout } from '../images.ts'

/** Makes an OCI layout of the content in a folder of its own, for clients that build nothing, and removes it after use. */
export async function withLayout(
  folder: string,
  { layers }: ImageContent,
  use: (layout: string) => Promise<unknown>,
): Promise<StoredImage> {
  const work = await mkdtemp(join(folder, 'push-'))
  const tars = layers.map((_, index) => join(work, `${index}.tar`))
  for (const [index, layer] of layers.entries()) await packLayer(layer, tars[index] ?? '')
  const layout = join(work, 'layout')
  await mkdir(layout)
  await writeOciLayout(layout, tars)
  await use(layout)
  const image = await readOciLayout(layout)
  await rm(work, { recursive: true })
  return image
}
