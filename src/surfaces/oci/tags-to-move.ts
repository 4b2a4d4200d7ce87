import { DomainError } from '../../core/errors.ts'
import { maxTagsPerPush, parseTag, type Reference, type Tag, tagRule } from '../../protocol/oci/names.ts'

/**
 * The tags that a push of a manifest moves, each once: the one of its path, or those of `?tag=` beside a digest
 * (distribution-spec, end-7b). Throws `tag_invalid` for any that is none, and `tags_too_many`.
 */
export function tagsToMove(reference: Reference, parameters: URLSearchParams): readonly Tag[] {
  if (reference.kind === 'tag') return [reference.tag]
  const texts = parameters.getAll('tag')
  if (texts.length > maxTagsPerPush) {
    throw new DomainError('tags_too_many', `one push moves at most ${maxTagsPerPush} tags: push the rest by another`)
  }
  return [...new Set(texts.map(requireTag))]
}

function requireTag(text: string): Tag {
  const tag = parseTag(text)
  if (tag) return tag
  throw new DomainError('tag_invalid', tagRule, { tag: text.slice(0, 200) })
}
