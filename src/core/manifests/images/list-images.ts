import type { Place } from '../../access/queries.ts'
import type { Caller } from '../../caller.ts'
import { DomainError } from '../../errors.ts'
import type { ReadDeps } from '../../organizations/deps.ts'
import { organizationOf, repositoryOf } from '../../organizations/place.ts'
import { readTotals } from '../../totals.ts'
import { type Image, readImages, slicesOf } from './image.ts'
import {
  findImages,
  type ImageOrder,
  type ImagePosition,
  type ImageRow,
  pageOfImages,
  pageOfImagesAfter,
} from './queries.ts'

/** `accountId` owns the repository. */
export type ImageList = {
  accountId: string
  /** How many are on the page. */
  count: number
  /** The images of the page, as many at a time as memory allows. Not read further than they are asked for. */
  slices: AsyncGenerator<readonly Image[], undefined>
}

export type ImageFilter = {
  /** The tag's whole name. */
  tag?: string
}

/**
 * A page of the images of a repository with their documents, and how many match in all. Tags are ordered by name, or by the
 * time they were last pushed and then by name. Throws what `Access.require` throws.
 */
export async function listImages(
  deps: ReadDeps,
  caller: Caller,
  place: Required<Place>,
  query: { filter: ImageFilter; order: ImageOrder; limit: number; offset: number },
): Promise<ImageList & { total: number }> {
  const { repositoryId, accountId } = await requireView(deps, caller, place)
  const { rows, total } = await pageWithTotal(deps, repositoryId, query)
  const slices = slicesOf(deps.db.read, repositoryId, rows, { withDocuments: true })
  return { accountId, count: rows.length, total, slices }
}

/** A page behind a place in the order; `next` is where the following one begins, undefined on the last. */
export async function listImagesAfter(
  deps: ReadDeps,
  caller: Caller,
  place: Required<Place>,
  query: {
    filter: ImageFilter
    order: ImageOrder
    limit: number
    after: ImagePosition | undefined
    withDocuments: boolean
  },
): Promise<ImageList & { next: ImagePosition | undefined }> {
  const { repositoryId, accountId } = await requireView(deps, caller, place)
  const { filter, order, limit, after, withDocuments } = query
  const { read } = deps.db
  const found =
    filter.tag === undefined
      ? await pageOfImagesAfter(read, { repositoryId, order, limit: limit + 1, after })
      : after
        ? []
        : await findImages(read, repositoryId, [filter.tag])
  const rows = found.slice(0, limit)
  const last = found.length > limit ? rows.at(-1) : undefined
  return {
    accountId,
    count: rows.length,
    next: last && { name: last.name, updatedMs: last.updated_ms },
    slices: slicesOf(read, repositoryId, rows, { withDocuments }),
  }
}

/** One image with its document. Throws `tag_unknown` and what `Access.require` throws. */
export async function getImage(
  deps: ReadDeps,
  caller: Caller,
  place: Required<Place>,
  tag: string,
): Promise<{ image: Image; accountId: string }> {
  const { row, repositoryId, accountId } = await requireImage(deps, caller, place, tag)
  const [image] = await readImages(deps.db.read, repositoryId, [row], { withDocuments: true })
  if (!image) throw tagUnknown(place, tag)
  return { image, accountId }
}

/** The rows of one image, for a caller who may look at it. Throws `tag_unknown` and what `Access.require` throws. */
export async function requireImage(
  deps: ReadDeps,
  caller: Caller,
  place: Required<Place>,
  tag: string,
): Promise<{ row: ImageRow; repositoryId: number; accountId: string }> {
  const viewed = await requireView(deps, caller, place)
  const [row] = await findImages(deps.db.read, viewed.repositoryId, [tag])
  if (!row) throw tagUnknown(place, tag)
  return { row, ...viewed }
}

async function requireView(deps: ReadDeps, caller: Caller, place: Required<Place>) {
  const facts = await deps.access.require(caller, 'repository.view', place)
  return { repositoryId: repositoryOf(facts, place).id, accountId: organizationOf(facts, place).accountId }
}

async function pageWithTotal(
  { db }: ReadDeps,
  repositoryId: number,
  { filter, ...page }: { filter: ImageFilter; order: ImageOrder; limit: number; offset: number },
): Promise<{ rows: ImageRow[]; total: number }> {
  if (filter.tag !== undefined) {
    const found = await findImages(db.read, repositoryId, [filter.tag])
    return { rows: found.slice(page.offset), total: found.length }
  }
  const [rows, totals] = await Promise.all([
    pageOfImages(db.read, { repositoryId, ...page }),
    readTotals(db.read, [`repository:${repositoryId}`]),
  ])
  return { rows, total: totals(`repository:${repositoryId}`, 'tags') }
}

function tagUnknown({ organization, repository }: Required<Place>, tag: string): DomainError {
  return new DomainError('tag_unknown', `${organization}/${repository} has no tag ${tag}`, { tag })
}
