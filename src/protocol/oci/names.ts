import { type Digest, parseDigest } from './digest.ts'

/** A whole `<name>` of the distribution specification: lower-case components joined by `/`. */
export type RepositoryPath = string & { readonly __brand: 'RepositoryPath' }

export type Tag = string & { readonly __brand: 'Tag' }

/** What may stand after `/manifests/`. */
export type Reference = { kind: 'tag'; tag: Tag } | { kind: 'digest'; digest: Digest }

/**
 * Distribution-spec, "Pulling manifests": many clients limit host + `/` + name to 255 characters. Longer ones are no names
 * here; those that are made have 193 at most (`maxOrganizationNameLength`, a slash, `maxRepositoryNameLength`), so that the
 * longest goes with a host of up to 61.
 */
export const maxRepositoryPathLength = 255

/** Distribution-spec, "Pulling manifests": a tag has at most 128 characters. */
export const maxTagLength = 128

/** The grammar of tags, for people. */
export const tagRule = `a tag has at most ${maxTagLength} letters, digits, ".", "_" and "-", and does not begin with "." or "-"`

/**
 * Distribution-spec, "Pushing manifests": a push by digest should take ten tags at least. So many of the longest still
 * fit into the 16 KiB that a request's line and headers may have, and into as much of the answer.
 */
export const maxTagsPerPush = 100

export function parseRepositoryPath(text: string): RepositoryPath | undefined {
  if (text.length > maxRepositoryPathLength || !repositoryPathPattern.test(text)) return undefined
  return text as RepositoryPath
}

export function parseTag(text: string): Tag | undefined {
  if (text.length > maxTagLength || !tagPattern.test(text)) return undefined
  return text as Tag
}

/** A tag or a digest and nothing else; a tag holds no colon, so the two cannot be mistaken for each other. */
export function parseReference(text: string): Reference | undefined {
  const tag = parseTag(text)
  if (tag !== undefined) return { kind: 'tag', tag }
  const digest = parseDigest(text)
  if (digest !== undefined) return { kind: 'digest', digest }
  return undefined
}

/**
 * The first component and the rest (which may hold slashes); undefined when there is only one component, for such a
 * name belongs to no organization.
 */
export function splitRepositoryPath(path: RepositoryPath): { organization: string; repository: string } | undefined {
  const slash = path.indexOf('/')
  if (slash < 0) return undefined
  return { organization: path.slice(0, slash), repository: path.slice(slash + 1) }
}

/** True for first components that stand for other surfaces: `manage` and whatever begins with `_`. */
export function isReservedComponent(component: string): boolean {
  return component === 'manage' || component.startsWith('_')
}

// Linear: a separator never begins with a character that may stand before it, so there is one way to match a text.
const component = '[a-z0-9]+(?:(?:\\.|__|_|-+)[a-z0-9]+)*'
const repositoryPathPattern = new RegExp(`^${component}(?:/${component})*$`)
const tagPattern = /^[a-zA-Z0-9_][a-zA-Z0-9._-]*$/
