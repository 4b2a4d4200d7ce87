import { posix } from 'node:path'
import { findCycles } from './cycles.ts'
import { findImports, hasComputedImport, isBarrel } from './imports.ts'
import { type ContentRule, contentRules, emptyNames, outsideImports, queriesFile, rooms, sliceOrder } from './rules.ts'
import { type Masked, maskSource } from './source-text.ts'

/**
 * Holds a tree of sources against the rules. Keys of `sources` are paths from the project's root (`src/main.ts`).
 * Answers one sentence for each breach, in the order of the paths: who, which rule, what to do instead.
 */
export function findBreaches(sources: ReadonlyMap<string, string>): string[] {
  const files = [...sources.keys()].sort().map(path => {
    const masked = maskSource(sources.get(path) ?? '')
    const specifiers = findImports(masked)
    return {
      name: below(path),
      masked,
      packages: specifiers.filter(specifier => !isRelative(specifier)),
      targets: specifiers.filter(isRelative).map(specifier => posix.join(posix.dirname(path), specifier)),
    }
  })
  return [...files.flatMap(findBreachesIn), ...findCircles(files)]
}

/** Path below `src/`; a path of elsewhere stays as it is. */
function below(path: string): string {
  return path.startsWith('src/') ? path.slice('src/'.length) : path
}

type File = {
  /** Below `src/`. */
  name: string
  masked: Masked
  packages: string[]
  /** Paths from the project's root. */
  targets: string[]
}

function findBreachesIn(file: File): string[] {
  const breaches = [...findBadNames(file), ...findBadForm(file)]
  for (const rule of contentRules) {
    const found = findForbidden(rule, file)
    if (found !== undefined) breaches.push(`src/${file.name} has ${found}: ${rule.says}.`)
  }
  if (isTest(file.name)) return breaches
  const room = rooms.find(({ files }) => fits(file.name, files))
  if (!room) {
    breaches.push(`src/${file.name} is in no room: put it into one, or give its folder a row in the table of rooms.`)
  }
  for (const target of file.targets) {
    const says = refuseImport(file.name, target, room)
    if (says !== undefined) breaches.push(`src/${file.name} imports ${target}: ${says}.`)
  }
  return breaches
}

function refuseImport(from: string, target: string, room: (typeof rooms)[number] | undefined): string | undefined {
  const to = below(target)
  if (to === target) {
    if (to in outsideImports) return undefined
    return 'src imports nothing outside of it: move the file into src, or hand in what it knows'
  }
  if (isTest(to)) return 'only tests import tests: move what both need into a file of its own'
  const slice = sliceOf(from)
  const otherSlice = sliceOf(to)
  if (slice !== undefined && otherSlice !== undefined && slice !== otherSlice) {
    return refuseSlice(slice, otherSlice)
  }
  if (!room || isOwn(from, to, room.files) || room.mayImport.some(allowed => fits(to, allowed))) return undefined
  return room.says
}

/** The capability that a file of core belongs to. */
function sliceOf(name: string): string | undefined {
  return /^core\/([^/]+)\//.exec(name)?.[1]
}

function refuseSlice(slice: string, other: string): string | undefined {
  for (const each of [slice, other]) {
    if (!sliceOrder.includes(each)) return `the slice ${each} has no place in the order of slices: give it one`
  }
  if (sliceOrder.indexOf(other) < sliceOrder.indexOf(slice)) return undefined
  return `${other} comes after ${slice} in the order of slices: write an event row in the same transaction and let a job of ${other} react`
}

function findForbidden(rule: ContentRule, { name, packages, masked }: File): string | undefined {
  if (isTest(name) && !rule.holdsForTests) return undefined
  if (rule.in && !rule.in.some(place => fits(name, place))) return undefined
  if (rule.exceptIn?.some(place => fits(name, place)) || (rule.exceptFiles && name in rule.exceptFiles))
    return undefined
  if (rule.isAboutSql && posix.basename(name) === queriesFile) return undefined
  const { forbids } = rule
  if ('imports' in forbids) {
    const found = packages.find(each => forbids.imports.test(each))
    return found === undefined ? undefined : `an import of ${found}`
  }
  const [found] = forbids.code.exec(masked.code) ?? []
  return found === undefined ? undefined : `\`${found.replace(/\s+/g, ' ').replace(/"$/, '`').trim()}\``
}

function findBadForm({ name, masked, targets }: File): string[] {
  const breaches: string[] = []
  if (isBarrel(masked)) {
    breaches.push(`src/${name} only hands on exports of others: import them from where they are declared.`)
  }
  if (hasComputedImport(masked)) {
    breaches.push(`src/${name} computes the path of an import: write the path as a string, so that it can be checked.`)
  }
  for (const target of targets) {
    if (/\.[a-z0-9]+$/.test(target)) continue
    breaches.push(`src/${name} imports ${target}: name the file with its extension.`)
  }
  return breaches
}

function findBadNames({ name }: File): string[] {
  const parts = name.split('/').map(part => part.replace(/(?:\.test|\.d)?\.tsx?$/, ''))
  const empty = parts.find(part => emptyNames.includes(part))
  if (empty !== undefined) {
    return [`src/${name} is called ${empty}, which says nothing: name it for the one thing inside.`]
  }
  const odd = parts.find(part => !/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(part))
  return odd === undefined ? [] : [`src/${name} is not kebab-case: write ${odd} in small letters with hyphens between.`]
}

function findCircles(files: readonly File[]): string[] {
  const graph = new Map(files.map(file => [`src/${file.name}`, file.targets]))
  return findCycles(graph).map(
    circle =>
      `${circle.join(', ')} import each other in a circle: move what they share into a file that imports none of them.`,
  )
}

function isRelative(specifier: string): boolean {
  return specifier.startsWith('.')
}

/** Tests may reach into every room; nothing else may reach into tests. */
function isTest(name: string): boolean {
  return /\.test\.tsx?$/.test(name) || posix.basename(name) === 'suite.ts'
}

function fits(name: string, place: string): boolean {
  return placePattern(place).test(name)
}

/** Two files of one room, which may import each other. */
function isOwn(from: string, to: string, place: string): boolean {
  return placePattern(place).exec(from)?.[0] === placePattern(place).exec(to)?.[0]
}

function placePattern(place: string): RegExp {
  const pattern = place.replaceAll('.', '\\.').replaceAll('*', '[^/]+')
  return new RegExp(`^${pattern}${place.endsWith('/') ? '' : '$'}`)
}
